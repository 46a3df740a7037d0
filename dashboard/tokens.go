package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/api"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/apitoken"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/room"
)

// tokensPage shows one's own API tokens.
func (s *Server) tokensPage(c *gin.Context, me *session.Session) error {
	return s.showTokens(c, me, nil, http.StatusOK, view.TokenList{})
}

// serverTokensPage shows a server's API tokens.
func (s *Server) serverTokensPage(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	return s.showTokens(c, me, &g, http.StatusOK, view.TokenList{})
}

// showTokens shows the tokens of a server, or without one of the person.
func (s *Server) showTokens(
	c *gin.Context, me *session.Session, g *room.GuildInfo, status int, l view.TokenList,
) (err error) {
	var guildID snowflake.ID
	l.Action = "/tokens"
	if g != nil {
		guildID, l.Action = g.ID, "/admin/"+g.ID.String()+"/tokens"
	}
	if l.List, err = s.tokens.List(c.Request.Context(), me.User.ID, guildID); err != nil {
		return err
	}
	if g != nil {
		return s.page(c, status, &view.ServerTokens{AdminTab: s.adminTab(c, *g, "token.server"), TokenList: l})
	}
	p := &view.Tokens{Layout: s.layout(c, ""), TokenList: l}
	p.Title = p.Text.Say("token.mine")
	return s.page(c, status, p)
}

func (s *Server) saveToken(c *gin.Context, me *session.Session) error {
	return s.changeTokens(c, me, nil)
}

func (s *Server) saveServerToken(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	return s.changeTokens(c, me, &g)
}

// changeTokens makes a token, and shows it this once, or revokes one.
func (s *Server) changeTokens(c *gin.Context, me *session.Session, g *room.GuildInfo) error {
	f, err := postForm(c.Request)
	if err != nil {
		return err
	}
	var guildID snowflake.ID
	to := "/tokens"
	if g != nil {
		guildID, to = g.ID, "/admin/"+g.ID.String()+"/tokens"
	}
	ctx := c.Request.Context()
	if f.Get("do") == "revoke" {
		if err := s.revokeToken(ctx, me, guildID, f.Get("id")); err != nil && !errs.Has(err, errs.NotFound) {
			return err
		}
		c.Redirect(http.StatusSeeOther, to)
		return nil
	}
	l := view.TokenList{Days: f.Get("days"), Form: apitoken.Token{
		UserID: me.User.ID, GuildID: guildID, Name: f.Get("name"), Username: me.User.Username,
		DisplayName: me.User.DisplayName,
	}}
	for _, sc := range f["scopes"] {
		l.Form.Scopes = append(l.Form.Scopes, api.Scope(sc))
	}
	l.Form.Expires, err = expiry(f, s.now())
	if err == nil {
		_, l.Secret, err = s.newToken(ctx, me, l.Form)
	}
	switch errs.CodeOf(err) {
	case "":
		l.Form, l.Days = apitoken.Token{}, ""
		return s.showTokens(c, me, g, http.StatusOK, l)
	case errs.Invalid, errs.Conflict:
		s.logFailure(c, statusOf(err), err)
		l.Err = errs.Public(err)
		return s.showTokens(c, me, g, statusOf(err), l)
	}
	return err
}

// newToken makes a token. A server's is noted first, which also asks Discord whether its maker manages the server now.
func (s *Server) newToken(ctx context.Context, me *session.Session, t apitoken.Token) (apitoken.Token, string, error) {
	t, text, err := s.tokens.New(ctx, t)
	if err == nil && t.Server() {
		err = s.note(ctx, me, t.GuildID, audit.TokenCreated, t.Name, "")
	}
	if err == nil {
		err = s.tokens.Keep(ctx, t)
	}
	if err != nil {
		return t, "", err
	}
	s.log.InfoContext(ctx, "an API token was made", "user_id", me.User.ID, "guild_id", t.GuildID, "scopes", t.Scopes)
	return t, text, nil
}

func (s *Server) revokeToken(ctx context.Context, me *session.Session, guildID snowflake.ID, id string) error {
	t, err := s.tokens.Find(ctx, me.User.ID, guildID, id)
	if err == nil && t.Server() {
		err = s.note(ctx, me, guildID, audit.TokenRevoked, t.Name, "")
	}
	if err != nil {
		return err
	}
	return s.tokens.Revoke(ctx, t)
}

// note writes to the server's audit log what somebody is about to do there. It fails, and so does what they
// are about to do, with errs.Forbidden if they do not manage the server now.
func (s *Server) note(
	ctx context.Context, me *session.Session, guildID snowflake.ID, kind audit.Kind, name, what string,
) error {
	return s.keeper.NoteChange(ctx, guildID, guild.NoteRequest{Actor: actor(me), Kind: kind, Detail: name, New: what})
}

// expiry reads for how many days a token is to be good.
func expiry(f url.Values, now time.Time) (time.Time, error) {
	text := strings.TrimSpace(f.Get("days"))
	if text == "" {
		return time.Time{}, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 3650 {
		return time.Time{}, errs.Field("days", "Please type a number of days from 1 to 3650, or leave it empty.")
	}
	return now.UTC().AddDate(0, 0, n), nil
}
