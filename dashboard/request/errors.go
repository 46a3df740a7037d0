package request

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"snug/dashboard/view"
	"snug/shared/errs"
)

// answers says what each code becomes on the web.
var answers = map[errs.Code]struct {
	status int
	kind   view.MessageKind
}{
	errs.Invalid:            {http.StatusBadRequest, view.KindLost},
	errs.Unauthorized:       {http.StatusUnauthorized, view.KindClosed},
	errs.Forbidden:          {http.StatusForbidden, view.KindClosed},
	errs.NotFound:           {http.StatusNotFound, view.KindLost},
	errs.Conflict:           {http.StatusConflict, view.KindBroken},
	errs.InProgress:         {http.StatusConflict, view.KindWait},
	errs.RoomNotFound:       {http.StatusNotFound, view.KindLost},
	errs.RoomFull:           {http.StatusConflict, view.KindClosed},
	errs.RoomLimit:          {http.StatusConflict, view.KindClosed},
	errs.TokenInvalid:       {http.StatusBadRequest, view.KindClosed},
	errs.TokenExpired:       {http.StatusGone, view.KindClosed},
	errs.TokenRevoked:       {http.StatusGone, view.KindClosed},
	errs.TokenUsedUp:        {http.StatusGone, view.KindClosed},
	errs.GuildJoinDenied:    {http.StatusForbidden, view.KindClosed},
	errs.NotInVoice:         {http.StatusConflict, view.KindClosed},
	errs.MissingPermission:  {http.StatusConflict, view.KindBroken},
	errs.RateLimited:        {http.StatusTooManyRequests, view.KindWait},
	errs.DiscordUnavailable: {http.StatusServiceUnavailable, view.KindBroken},
	errs.Unavailable:        {http.StatusServiceUnavailable, view.KindWait},
	errs.Internal:           {http.StatusInternalServerError, view.KindBroken},
}

// StatusOf gives the HTTP status of an error.
func StatusOf(err error) int {
	if TooLong(err) {
		return http.StatusRequestEntityTooLarge
	}
	if e, ok := errors.AsType[*StatusError](err); ok {
		return e.Status
	}
	if a, ok := answers[errs.CodeOf(err)]; ok {
		return a.status
	}
	return http.StatusInternalServerError
}

// StatusOfCode gives the HTTP status of errors with a code.
func StatusOfCode(code errs.Code) int { return answers[code].status }

// TooLong says whether an error is that more was sent than may be.
func TooLong(err error) bool {
	_, ok := errors.AsType[*http.MaxBytesError](err)
	return ok
}

// retryAfter gives when to come back, for the answers that say so; 0 for none.
func retryAfter(err error) time.Duration {
	e := errs.Public(err)
	switch {
	case e.RetryAfter > 0:
		return e.RetryAfter
	case e.Code == errs.RateLimited:
		return time.Second
	case e.Code == errs.Unavailable:
		return 3 * time.Second
	case e.Code == errs.DiscordUnavailable:
		return 5 * time.Second
	}
	return 0
}

// refuseEvery is the beat on which answers go out that there is no such room
// or server: how long it took to find that out, by asking the bot or nobody, tells nothing then.
const refuseEvery = 250 * time.Millisecond

// even waits for the next beat where an error says that there is nothing, or nothing for this person.
func (rs *Requests) even(c *gin.Context, err error) {
	if code := errs.CodeOf(err); code != errs.NotFound && code != errs.RoomNotFound ||
		len(c.Params) == 0 && !errors.Is(err, rs.o.NoRoom) {
		return
	}
	rs.Even(c)
}

// Even waits for the next beat, so that how long an answer took says nothing.
func (rs *Requests) Even(c *gin.Context) {
	every := rs.o.RefuseEvery
	left := every - time.Since(InfoOf(c).Begun)%every
	t := time.NewTimer(left)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.Request.Context().Done():
	}
}

// Fail answers with an error: JSON for programs, login for who is not signed in, a page that says what to do for
// everybody else.
func (rs *Requests) Fail(c *gin.Context, err error) {
	rs.even(c, err)
	status := StatusOf(err)
	rs.LogFailure(c, status, err)
	if c.Writer.Written() {
		return // too late to say anything
	}
	wait := int(math.Ceil(retryAfter(err).Seconds()))
	if wait > 0 {
		c.Header("Retry-After", strconv.Itoa(wait))
	}
	Private(c)
	c.Writer.Header().Del("Content-Disposition") // what was to be a file is a page that says what went wrong
	e := errs.Public(err)
	if WantsJSON(c.Request) {
		rs.problem(c, err).Write(c)
		return
	}
	if e.Code == errs.Unauthorized {
		// Who was signed in comes back without being asked.
		c.Redirect(http.StatusSeeOther, LoginURL(PagePath(c.Request), rs.o.Cookies.ID(c.Request) != ""))
		return
	}
	rs.message(c, status, rs.errorPage(c, err, wait))
}

// Refuse tells the log of an error, sets its headers, and gives what to answer a program.
func (rs *Requests) Refuse(c *gin.Context, err error) *Problem {
	rs.even(c, err)
	rs.LogFailure(c, StatusOf(err), err)
	if wait := int(math.Ceil(retryAfter(err).Seconds())); wait > 0 {
		c.Header("Retry-After", strconv.Itoa(wait))
	}
	return rs.problem(c, err)
}

// problem gives an error in JSON.
func (rs *Requests) problem(c *gin.Context, err error) *Problem {
	e, status := errs.Public(err), StatusOf(err)
	return &Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: rs.Texts(c).Refusal(err),
		Code: e.Code, Field: e.Field,
		RetryAfter: int(math.Ceil(retryAfter(err).Seconds())), RequestID: InfoOf(c).ID,
	}
}

// LogFailure tells the log of an error that is answered: loudly if it is our fault, and not at all if a browser went
// away.
func (rs *Requests) LogFailure(c *gin.Context, status int, err error) {
	InfoOf(c).code = errs.CodeOf(err)
	if status >= 500 && errors.Is(c.Request.Context().Err(), context.Canceled) {
		rs.log.DebugContext(c, "a browser went away before its answer", "request_id", InfoOf(c).ID,
			"route", c.FullPath(), "err", err)
		return
	}
	if status >= 500 && !errs.Has(err, errs.Unavailable) && !errs.Has(err, errs.DiscordUnavailable) {
		rs.log.ErrorContext(c, "request failed", "request_id", InfoOf(c).ID, "route", c.FullPath(), "err", err)
	} else if status >= 500 {
		rs.log.WarnContext(c, "request not served", "request_id", InfoOf(c).ID, "route", c.FullPath(), "err", err)
	}
}
