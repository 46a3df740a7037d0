package request

import (
	"crypto/rand"
	"time"

	"github.com/gin-gonic/gin"

	"snug/dashboard/session"
	"snug/shared/apitoken"
	"snug/shared/errs"
)

// Info is what is known of one request.
type Info struct {
	ID       string
	Begun    time.Time
	Origin   string          // scheme and host it came to
	ReturnTo string          // where a login that failed wanted to go
	Token    *apitoken.Token // that who asks came with; nil: a cookie, or nobody has looked yet

	// Following says that somebody follows an invite: what fails then is neither their sign-in nor a form of
	// theirs. Landing is the invite's page, to come back to; "" if the invite is none.
	Following bool
	Landing   string

	code   errs.Code // of the error that was answered
	looked bool      // for a session
	me     *session.Session
	err    error
}

const infoKey = "snug"

// InfoOf gives what is known of a request.
func InfoOf(c *gin.Context) *Info {
	if v, ok := c.Get(infoKey); ok {
		if v, ok := v.(*Info); ok {
			return v
		}
	}
	v := &Info{ID: rand.Text()[:12], Begun: time.Now(), ReturnTo: "/"}
	c.Set(infoKey, v)
	return v
}

// SignIn has the rest of the request know somebody who signed in just now.
func (v *Info) SignIn(me *session.Session) { v.looked, v.me, v.err = true, me, nil }

// SignOut has the rest of the request know nobody.
func (v *Info) SignOut() { v.looked, v.me, v.err = true, nil, errNobody }
