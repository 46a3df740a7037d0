package web

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"snug/dashboard/request"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/dashboard/wire"
	"snug/shared/errs"
	"snug/shared/pages"
	"snug/shared/push"
	"snug/shared/room"
)

// notificationsPage shows what somebody chose about notifications.
func (s *Site) notificationsPage(c *gin.Context, me *session.Session) error {
	return s.showNotifications(c, me, http.StatusOK, nil, nil)
}

// showNotifications shows the page; form is what was filled in if err says what is wrong with it.
func (s *Site) showNotifications(
	c *gin.Context, me *session.Session, status int, form *push.Quiet, err *errs.Error,
) error {
	request.Private(c)
	n, failed := s.actions.Notifications(c.Request.Context(), me)
	if failed != nil {
		return failed
	}
	p := &view.Notifications{
		Layout: s.req.Layout(c, ""), Person: n.Person, Key: n.Key, Form: n.Quiet, Err: err,
		Outdated: n.OutdatedDevice,
	}
	p.Title = p.Text.Say("notify.title")
	if form != nil {
		p.Form = *form
	}
	p.Seen = slices.DeleteFunc(s.actions.PeopleSeen(c.Request.Context(), me),
		func(o room.Person) bool { return n.Trusts(o.UserID) })
	switch c.Query("sent") {
	case "":
	default:
		p.Notice = &view.Notice{Text: p.Text.Say("notify.sent", "Count", len(n.Devices))}
	}
	return s.req.Page(c, status, p)
}

// saveNotifications does what the page's forms ask.
func (s *Site) saveNotifications(c *gin.Context, me *session.Session) error {
	f, err := request.PostForm(c.Request)
	if err != nil {
		return err
	}
	ctx, to := c.Request.Context(), string(pages.Notifications)
	switch f.Get("do") {
	case "trust", "distrust":
		var in wire.TrustInput
		if err := request.ReadForm(c, &in); err != nil {
			return err
		}
		change := s.actions.Trust
		if f.Get("do") == "distrust" {
			change = s.actions.Distrust
		}
		if err := change(ctx, me, in.User); err != nil {
			return err
		}
	case "remove":
		if err := s.actions.RemoveDevice(ctx, me, f.Get("id")); err != nil && !errs.Has(err, errs.NotFound) {
			return err
		}
	case "test":
		if _, err := s.actions.TestNotifications(ctx, me); err != nil {
			return err
		}
		to += "?sent=1"
	default:
		in := wire.FormInput(f)
		err := s.actions.ChangeNotifications(ctx, me, in)
		if errs.Has(err, errs.Invalid) {
			s.req.LogFailure(c, request.StatusOf(err), err)
			var form push.Quiet
			in.Fill(&form)
			return s.showNotifications(c, me, request.StatusOf(err), &form, errs.Public(err))
		}
		if err != nil {
			return err
		}
	}
	return request.Redirect(c, to)
}
