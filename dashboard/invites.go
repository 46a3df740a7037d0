package dashboard

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/api"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/errs"
	"snug/shared/invite"
	"snug/shared/room"
)

// maxToken bounds what is looked at as an invite's token.
const maxToken = 2048

// invited reads an invite's token. What is wrong with it is told alike, whether it is the token or the room.
func (s *Server) invited(token string, id snowflake.ID) (invite.Claims, error) {
	if len(token) > maxToken {
		token = ""
	}
	claims, err := invite.Verify(s.o.Keys, token, s.now())
	if err == nil && id != 0 && claims.RoomID != id {
		_, err = invite.Verify(s.o.Keys, "", s.now())
	}
	return claims, err
}

// landing is what an invite's link opens: who is inside, and a button to come
// in. It lets nobody in by itself, because whatever looks at links opens them.
func (s *Server) landing(c *gin.Context, token string) error {
	visitOf(c).following = true
	if err := s.allow(c, s.limits.invite); err != nil {
		return err
	}
	id, err := idOf(c, "channel", errNoRoom)
	if err != nil {
		return err
	}
	me, notSignedIn := s.me(c)
	if notSignedIn != nil && !errs.Has(notSignedIn, errs.Unauthorized) {
		return notSignedIn
	}
	claims, err := s.invited(token, id)
	if me != nil && (err == nil || errs.Has(err, errs.TokenExpired)) && claims.RoomID == id &&
		s.admitted(c, claims, me) {
		c.Redirect(http.StatusSeeOther, "/game/"+id.String())
		return nil
	}
	if err != nil {
		return err
	}
	return s.showLanding(c, http.StatusOK, claims, token, nil)
}

// landingPath is an invite's page.
func landingPath(id snowflake.ID, token string) string {
	return session.ReturnTo("/game/" + id.String() + "?t=" + url.QueryEscape(token))
}

// admitted says whether the person needs no invite any more.
func (s *Server) admitted(c *gin.Context, claims invite.Claims, me *session.Session) bool {
	v, err := s.keeper.ViewRoom(c.Request.Context(), claims.GuildID,
		room.Request{Actor: actor(me), RoomID: claims.RoomID})
	return err == nil && (v.MayEnter || v.Room.Access.Admitted(me.User.ID))
}

// showLanding renders the landing page, with what did not work just now.
func (s *Server) showLanding(c *gin.Context, status int, claims invite.Claims, token string, wrong error) error {
	ctx := c.Request.Context()
	q := room.PreviewRequest{Token: token}
	if me, err := s.me(c); err == nil {
		q.UserID = me.User.ID
	}
	preview, err := s.keeper.PreviewInvite(ctx, claims.GuildID, q)
	if err != nil {
		return err
	}
	p := &view.InviteLanding{Layout: s.layout(c, preview.Name), Preview: preview, Token: token}
	// Signing in by the link at the top leads back to the invite.
	p.Path = landingPath(claims.RoomID, token)
	if wrong != nil && (!preview.Locked || !errs.Has(wrong, errs.Forbidden)) { // that it is locked the page says anyway
		p.Err = errs.Public(wrong)
	}
	if p.Me != nil {
		settings, _, err := s.settings(ctx, claims.GuildID)
		if err != nil {
			return err
		}
		if settings.BringIn {
			st, err := s.keeper.Standing(ctx, claims.GuildID, room.StandingRequest{UserID: p.Me.ID})
			p.Joins = err == nil && !st.Member
		}
	}
	return s.page(c, status, p)
}

// accept follows an invite from its landing page. For who is not signed in the
// token waits with the login, sealed, and is followed when that is done.
func (s *Server) accept(c *gin.Context) error {
	private(c)
	if err := s.allow(c, s.limits.invite); err != nil {
		return err
	}
	id, err := idOf(c, "channel", errNoRoom)
	if err != nil {
		return err
	}
	var in struct {
		Token string `json:"t"`
	}
	if err := read(c, &in, func(f url.Values) error { in.Token = f.Get("t"); return nil }); err != nil {
		return err
	}
	claims, err := s.invited(in.Token, id)
	if err != nil {
		return err
	}
	me, err := s.me(c)
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
func (s *Server) loginInvited(c *gin.Context, claims invite.Claims, token string) error {
	settings, _, err := s.settings(c.Request.Context(), claims.GuildID)
	if err != nil {
		return err
	}
	return s.beginLogin(c,
		session.Begin{ReturnTo: landingPath(claims.RoomID, token), Accept: true, Join: settings.JoinsBySignIn()})
}

// enter lets a signed-in person in by an invite and leads to the room.
func (s *Server) enter(c *gin.Context, me *session.Session, token string) error {
	v := visitOf(c)
	v.following = true
	claims, err := s.invited(token, 0)
	if err != nil {
		return err
	}
	v.landing = landingPath(claims.RoomID, token)
	out, err := s.follows(c.Request.Context(), me, claims, token)
	switch errs.CodeOf(err) {
	case "":
	case errs.GuildJoinDenied:
		settings, _, e := s.settings(c.Request.Context(), claims.GuildID)
		// Whoever was asked for guilds.join at login and is denied all the same is not asked again.
		if e == nil && settings.JoinsBySignIn() && !me.Has(session.ScopeGuildsJoin) &&
			c.Request.Method == http.MethodPost {
			return s.loginInvited(c, claims, token)
		}
		return s.showLanding(c, statusOf(err), claims, token, err)
	case errs.RoomFull, errs.DiscordUnavailable, errs.RateLimited, errs.Forbidden:
		// with Forbidden, which role is missing
		s.logFailure(c, statusOf(err), err)
		return s.showLanding(c, statusOf(err), claims, token, err)
	default:
		return err
	}
	to := "/game/" + out.RoomID.String()
	if out.OnTheWay {
		to = comingPath(out.RoomID)
	}
	c.Redirect(http.StatusSeeOther, to)
	return nil
}

// follows redeems an invite.
func (s *Server) follows(
	ctx context.Context, me *session.Session, claims invite.Claims, token string,
) (room.Redeemed, error) {
	q := room.RedeemRequest{Actor: actor(me), Token: token}
	settings, _, err := s.settings(ctx, claims.GuildID)
	if err != nil {
		return room.Redeemed{}, err
	}
	if settings.JoinsBySignIn() && me.Has(session.ScopeGuildsJoin) {
		if q.AccessToken, err = s.sessions.AccessToken(ctx, me.Key); err != nil {
			return room.Redeemed{}, err
		}
	}
	out, err := s.keeper.RedeemInvite(ctx, claims.GuildID, q)
	if err == nil {
		s.log.InfoContext(ctx, "invite followed", "guild_id", out.GuildID, "room_id", out.RoomID, "user_id", me.User.ID)
	}
	return out, err
}

// inviteInput is what a new invite can be told.
type inviteInput struct {
	Hours float64 `json:"hours" required:"false" doc:"How long it works: up to 720. 0 or left out: the server's setting."`
	Uses  int     `json:"uses" required:"false" doc:"How many people it lets in. 0 or left out: the server's setting."`
}

// createInvite makes an invite link.
func (s *Server) createInvite(c *gin.Context, me *session.Session) error {
	var in inviteInput
	if err := read(c, &in, nil); err != nil {
		return err
	}
	guildID, id, err := s.place(c)
	if err != nil {
		return err
	}
	out, err := s.newInvite(c.Request.Context(), me, guildID, id, in)
	if err != nil {
		return err
	}
	return back(c, http.StatusCreated, out, "/game/"+id.String()+"#invites")
}

// newInvite makes an invite to a room that was found.
func (s *Server) newInvite(
	ctx context.Context, me *session.Session, guildID, id snowflake.ID, in inviteInput,
) (inviteJSON, error) {
	if math.IsNaN(in.Hours) || in.Hours < 0 || in.Hours > invite.MaxLifetime.Hours() {
		return inviteJSON{}, errs.Field("hours", "An invite can live from a minute to 30 days.")
	}
	l, err := s.keeper.CreateInvite(ctx, guildID, room.InviteRequest{
		Actor: actor(me), RoomID: id, Lifetime: time.Duration(in.Hours * float64(time.Hour)), Uses: in.Uses,
		ID: api.RepeatID(ctx),
	})
	if err != nil {
		return inviteJSON{}, s.hideFrom(ctx, guildID, room.Request{Actor: actor(me), RoomID: id}, err)
	}
	return s.inviteJSON(id, l), nil
}

// revokeInvite takes an invite back.
func (s *Server) revokeInvite(c *gin.Context, me *session.Session) error {
	guildID, q, err := s.asks(c, me, nil)
	if err != nil {
		return err
	}
	inviteID := c.Param("id")
	if len(inviteID) > 64 {
		return errs.E(errs.NotFound, "There is no such invite any more.")
	}
	_, err = s.keeper.RevokeInvite(c.Request.Context(), guildID,
		room.RevokeRequest{Actor: q.Actor, RoomID: q.RoomID, InviteID: inviteID})
	if errs.Has(err, errs.NotFound) {
		return err // the invite, to who may see the room
	}
	if err != nil {
		return s.hide(c, guildID, q, err)
	}
	if wantsJSON(c.Request) {
		c.Status(http.StatusNoContent)
		return nil
	}
	c.Redirect(http.StatusSeeOther, "/game/"+q.RoomID.String()+"#invites")
	return nil
}
