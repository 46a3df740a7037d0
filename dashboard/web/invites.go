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
	"snug/shared/invite"
	"snug/shared/pages"
	"snug/shared/room"
)

// landing is what an invite's link opens: who is inside, and a button to come
// in. It lets nobody in by itself, because whatever looks at links opens them.
func (s *Site) landing(c *gin.Context, token string) error {
	request.InfoOf(c).Following = true
	if err := s.req.Allow(c, s.req.Limits.Invite); err != nil {
		return err
	}
	id, err := idOf(c, "channel", actions.ErrNoRoom)
	if err != nil {
		return err
	}
	me, notSignedIn := s.req.Me(c)
	if notSignedIn != nil && !errs.Has(notSignedIn, errs.Unauthorized) {
		return notSignedIn
	}
	claims, err := s.actions.ReadInvite(token, id)
	if me != nil && (err == nil || errs.Has(err, errs.TokenExpired)) && claims.RoomID == id &&
		s.actions.Admitted(c.Request.Context(), me, claims) {
		c.Redirect(http.StatusSeeOther, pages.Room.With(id))
		return nil
	}
	if err != nil {
		return err
	}
	return s.showLanding(c, http.StatusOK, claims, token, nil)
}

// landingPath is an invite's page.
func landingPath(id snowflake.ID, token string) string {
	return session.ReturnTo(pages.InviteTo(id, token))
}

// showLanding renders the landing page, with what did not work just now.
func (s *Site) showLanding(c *gin.Context, status int, claims invite.Claims, token string, wrong error) error {
	ctx := c.Request.Context()
	q := room.PreviewRequest{Token: token}
	if me, err := s.req.Me(c); err == nil {
		q.UserID = me.User.ID
	}
	preview, err := s.actions.PreviewInvite(ctx, claims.GuildID, q)
	if err != nil {
		return err
	}
	p := &view.InviteLanding{Layout: s.req.Layout(c, preview.Name), Preview: preview, Token: token}
	// Signing in by the link at the top leads back to the invite.
	p.Path = landingPath(claims.RoomID, token)
	if wrong != nil && (!preview.Locked || !errs.Has(wrong, errs.Forbidden)) { // that it is locked the page says anyway
		p.Err = errs.Public(wrong)
	}
	if p.Me != nil {
		if p.Joins, err = s.actions.JoinsGuild(ctx, p.Me.ID, claims.GuildID); err != nil {
			return err
		}
	}
	return s.req.Page(c, status, p)
}

// accept follows an invite from its landing page. For who is not signed in the
// token waits with the login, sealed, and is followed when that is done.
func (s *Site) accept(c *gin.Context) error {
	request.Private(c)
	if err := s.req.Allow(c, s.req.Limits.Invite); err != nil {
		return err
	}
	id, err := idOf(c, "channel", actions.ErrNoRoom)
	if err != nil {
		return err
	}
	var in wire.InviteTokenInput
	if err := request.ReadForm(c, &in); err != nil {
		return err
	}
	claims, err := s.actions.ReadInvite(in.Token, id)
	if err != nil {
		return err
	}
	me, err := s.req.Me(c)
	switch {
	case err == nil:
		return s.enter(c, me, in.Token)
	case errs.Has(err, errs.Unauthorized):
		return s.loginInvited(c, claims, in.Token)
	}
	return err
}

// loginInvited begins a login that follows an invite when it is done. It asks
// for guilds.join only where the server brings people in by their sign-in.
func (s *Site) loginInvited(c *gin.Context, claims invite.Claims, token string) error {
	settings, _, err := s.actions.Settings(c.Request.Context(), claims.GuildID)
	if err != nil {
		return err
	}
	return s.beginLogin(c,
		session.Begin{ReturnTo: landingPath(claims.RoomID, token), Accept: true, Join: settings.JoinsBySignIn()})
}

// enter lets a signed-in person in by an invite and leads to the room.
func (s *Site) enter(c *gin.Context, me *session.Session, token string) error {
	v := request.InfoOf(c)
	v.Following = true
	claims, err := s.actions.ReadInvite(token, 0)
	if err != nil {
		return err
	}
	v.Landing = landingPath(claims.RoomID, token)
	out, err := s.actions.RedeemInvite(c.Request.Context(), me, claims, token)
	switch errs.CodeOf(err) {
	case "":
	case errs.GuildJoinDenied:
		settings, _, e := s.actions.Settings(c.Request.Context(), claims.GuildID)
		// Whoever was asked for guilds.join at login and is denied all the same is not asked again.
		if e == nil && settings.JoinsBySignIn() && !me.Has(session.ScopeGuildsJoin) &&
			c.Request.Method == http.MethodPost {
			return s.loginInvited(c, claims, token)
		}
		return s.showLanding(c, request.StatusOf(err), claims, token, err)
	case errs.RoomLimit, errs.DiscordUnavailable, errs.RateLimited, errs.Forbidden:
		// with Forbidden, which role is missing
		s.req.LogFailure(c, request.StatusOf(err), err)
		return s.showLanding(c, request.StatusOf(err), claims, token, err)
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
