package request

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"snug/dashboard/session"
	"snug/shared/errs"
)

// Me gives who is signed in. It fails with errs.Unauthorized for nobody.
func (rs *Requests) Me(c *gin.Context) (*session.Session, error) {
	v := InfoOf(c)
	if v.looked {
		return v.me, v.err
	}
	v.looked = true
	if text, ok := bearer(c.Request); ok {
		v.me, v.Token, v.err = rs.o.TokenUser(c.Request.Context(), text)
		return v.me, v.err
	}
	id := rs.o.Cookies.ID(c.Request)
	v.me, v.err = rs.o.Sessions.Get(c.Request.Context(), id)
	switch {
	case v.err == nil && v.me.Extended:
		http.SetCookie(c.Writer, rs.o.Cookies.Session(id, rs.now(), v.me.Expires))
	case errs.Has(v.err, errs.Unauthorized) && id != "":
		http.SetCookie(c.Writer, rs.o.Cookies.Clear())
	}
	return v.me, v.err
}

// bearer gives the API token that a request for the API came with.
func bearer(r *http.Request) (string, bool) {
	if !strings.HasPrefix(r.URL.Path, APIPrefix+"/") {
		return "", false
	}
	given := r.Header.Get("Authorization")
	scheme, text, _ := strings.Cut(given, " ")
	if given == "" {
		return "", false
	}
	if !strings.EqualFold(scheme, "Bearer") {
		return "", true // it is refused as a token
	}
	return strings.TrimSpace(text), true
}

var errNobody = errs.E(errs.Unauthorized, "You aren't signed in. Sign in with Discord.")

// Handler is a gin handler that may fail.
type Handler func(*gin.Context) error

// Do turns a handler's error into an answer.
func (rs *Requests) Do(h Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := h(c); err != nil {
			rs.Fail(c, err)
			c.Abort()
		}
	}
}

// UserHandler is a handler for signed-in people alone.
type UserHandler func(c *gin.Context, me *session.Session) error

// Member turns a handler for signed-in people into one for gin.
func (rs *Requests) Member(h UserHandler) gin.HandlerFunc {
	return rs.Do(func(c *gin.Context) error {
		Private(c)
		me, err := rs.Me(c)
		if err != nil {
			return err
		}
		if err := rs.Limits.Read.Allow("u" + me.User.ID.String()); err != nil {
			return err
		}
		return h(c, me)
	})
}

// Writes is member for what changes something: it is limited per user.
func (rs *Requests) Writes(h UserHandler) gin.HandlerFunc {
	return rs.Member(func(c *gin.Context, me *session.Session) error {
		if err := rs.Allow(c, rs.Limits.Write); err != nil {
			return err
		}
		return h(c, me)
	})
}
