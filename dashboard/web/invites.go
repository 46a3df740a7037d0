package web

import (
	"context"
	"net/http"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/actions"
	"snug/dashboard/request"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/dashboard/wire"
	"snug/shared/errs"
	"snug/shared/pages"
	"snug/shared/room"
)

// landing is what an invite's link opens: who is inside, and a button to come
// in. It lets nobody in by itself, because whatever looks at links opens them.
func (s *Site) landing(c *gin.Context) error {
	request.Private(c)
	request.InfoOf(c).Following = true
	if err := s.req.Allow(c, s.req.Limits.Invite); err != nil {
		return err
	}
	me, notSignedIn := s.req.Me(c)
	if notSignedIn != nil && !errs.Has(notSignedIn, errs.Unauthorized) {
		return notSignedIn
	}
	in, err := s.actions.ReadInvite(c.Request.Context(), c.Param("code"))
	if me != nil && in.RoomID != 0 && s.actions.Admitted(c.Request.Context(), me, in) {
		c.Redirect(http.StatusSeeOther, pages.Room.With(in.RoomID))
		return nil
	}
	if err != nil {
		return err
	}
	return s.showLanding(c, http.StatusOK, in, nil)
}

// showLanding renders the landing page, with what did not work just now.
func (s *Site) showLanding(c *gin.Context, status int, in actions.Invite, wrong error) error {
	ctx := c.Request.Context()
	var viewer snowflake.ID
	if me, err := s.req.Me(c); err == nil {
		viewer = me.User.ID
	}
	preview, err := s.actions.PreviewInvite(ctx, in, viewer)
	if err != nil {
		return err
	}
	p := &view.InviteLanding{Layout: s.req.Layout(c, preview.Name), Preview: preview, Code: in.Code}
	if p.Card, err = s.inviteCard(p.Text, preview, s.o.Links.Invite(in.Code)); err != nil {
		return err
	}
	// Signing in by the link at the top leads back to the invite.
	p.Path = pages.Invite.With(in.Code)
	if wrong != nil && (!preview.Locked || !errs.Has(wrong, errs.Forbidden)) { // that it is locked the page says anyway
		p.Err = errs.Public(wrong)
	}
	if p.Me != nil {
		if p.Joins, err = s.actions.JoinsGuild(ctx, p.Me.ID, in.GuildID); err != nil {
			return err
		}
	}
	return s.req.Page(c, status, p)
}

// accept follows an invite from its landing page. For who is not signed in the
// code waits with the login, sealed, and is followed when that is done.
func (s *Site) accept(c *gin.Context) error {
	request.Private(c)
	if err := s.req.Allow(c, s.req.Limits.Invite); err != nil {
		return err
	}
	me, err := s.req.Me(c)
	switch {
	case err == nil:
		return s.enter(c, me, c.Param("code"))
	case !errs.Has(err, errs.Unauthorized):
		return err
	}
	in, err := s.actions.ReadInvite(c.Request.Context(), c.Param("code"))
	if err != nil {
		return err
	}
	return s.loginInvited(c, in)
}

// loginInvited begins a login that follows an invite when it is done. It asks
// for guilds.join only where the server brings people in by their sign-in.
func (s *Site) loginInvited(c *gin.Context, in actions.Invite) error {
	settings, _, err := s.actions.Settings(c.Request.Context(), in.GuildID)
	if err != nil {
		return err
	}
	return s.beginLogin(c,
		session.Begin{ReturnTo: pages.Invite.With(in.Code), Accept: true, Join: settings.JoinsBySignIn()})
}

// enter lets a signed-in person in by an invite and leads to the room.
func (s *Site) enter(c *gin.Context, me *session.Session, code string) error {
	v := request.InfoOf(c)
	v.Following = true
	in, err := s.actions.ReadInvite(c.Request.Context(), code)
	if err != nil {
		return err
	}
	v.Landing = pages.Invite.With(in.Code)
	out, err := s.actions.RedeemInvite(c.Request.Context(), me, in)
	switch errs.CodeOf(err) {
	case "":
	case errs.GuildJoinDenied:
		settings, _, e := s.actions.Settings(c.Request.Context(), in.GuildID)
		// Whoever was asked for guilds.join at login and is denied all the same is not asked again.
		if e == nil && settings.JoinsBySignIn() && !me.Has(session.ScopeGuildsJoin) &&
			c.Request.Method == http.MethodPost {
			return s.loginInvited(c, in)
		}
		return s.showLanding(c, request.StatusOf(err), in, err)
	case errs.RoomLimit, errs.DiscordUnavailable, errs.RateLimited, errs.Forbidden:
		// with Forbidden, which role is missing
		s.req.LogFailure(c, request.StatusOf(err), err)
		return s.showLanding(c, request.StatusOf(err), in, err)
	default:
		return err
	}
	to := pages.Room.With(out.RoomID)
	if out.OnTheWay {
		to = comingPath(out.RoomID)
	}
	c.Redirect(http.StatusSeeOther, to)
	return nil
}

// createInvite makes an invite link.
func (s *Site) createInvite(
	ctx context.Context, guildID snowflake.ID, q room.Request, in wire.InviteInput,
) (to string, err error) {
	_, err = s.actions.CreateInvite(ctx, guildID, q, in, "")
	return pages.Room.With(q.RoomID) + "#invites", err
}

// revokeInvite takes an invite back.
func (s *Site) revokeInvite(c *gin.Context, me *session.Session) error {
	guildID, q, err := s.inRoom(c, me)
	if err != nil {
		return err
	}
	if err := s.actions.RevokeInvite(c.Request.Context(), guildID, q, c.Param("id")); err != nil {
		return err
	}
	return request.Redirect(c, pages.Room.With(q.RoomID)+"#invites")
}
