package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/request"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/apitoken"
	"snug/shared/errs"
	"snug/shared/pages"
	"snug/shared/room"
)

// tokensPage shows one's own API tokens.
func (s *Site) tokensPage(c *gin.Context, me *session.Session) error {
	return s.showTokens(c, me, nil, http.StatusOK, view.TokenList{})
}

// serverTokensPage shows a server's API tokens.
func (s *Site) serverTokensPage(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	return s.showTokens(c, me, &g, http.StatusOK, view.TokenList{})
}

// showTokens shows the tokens of a server, or without one of the person.
func (s *Site) showTokens(
	c *gin.Context, me *session.Session, g *room.GuildInfo, status int, l view.TokenList,
) (err error) {
	var guildID snowflake.ID
	l.Action = string(pages.Tokens)
	if g != nil {
		guildID, l.Action = g.ID, pages.ServerTokens.With(g.ID)
	}
	if l.List, err = s.actions.Tokens(c.Request.Context(), me, guildID); err != nil {
		return err
	}
	if g != nil {
		return s.req.Page(c, status, &view.ServerTokens{AdminTab: s.adminTab(c, *g, "token.server"), TokenList: l})
	}
	p := &view.Tokens{Layout: s.req.Layout(c, ""), TokenList: l}
	p.Title = p.Text.Say("token.mine")
	return s.req.Page(c, status, p)
}

func (s *Site) saveToken(c *gin.Context, me *session.Session) error {
	return s.changeTokens(c, me, nil)
}

func (s *Site) saveServerToken(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	return s.changeTokens(c, me, &g)
}

// changeTokens makes a token, and shows it this once, or revokes one.
func (s *Site) changeTokens(c *gin.Context, me *session.Session, g *room.GuildInfo) error {
	f, err := request.PostForm(c.Request)
	if err != nil {
		return err
	}
	var guildID snowflake.ID
	to := string(pages.Tokens)
	if g != nil {
		guildID, to = g.ID, pages.ServerTokens.With(g.ID)
	}
	ctx := c.Request.Context()
	if f.Get("do") == "revoke" {
		if err := s.actions.RevokeToken(ctx, me, guildID, f.Get("id")); err != nil && !errs.Has(err, errs.NotFound) {
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
		l.Form.Scopes = append(l.Form.Scopes, apitoken.Scope(sc))
	}
	l.Form.Expires, err = expiry(f, s.now())
	if err == nil {
		_, l.Secret, err = s.actions.MakeToken(ctx, me, l.Form, "")
	}
	switch errs.CodeOf(err) {
	case "":
		l.Form, l.Days = apitoken.Token{}, ""
		return s.showTokens(c, me, g, http.StatusOK, l)
	case errs.Invalid, errs.Conflict:
		s.req.LogFailure(c, request.StatusOf(err), err)
		l.Err = errs.Public(err)
		return s.showTokens(c, me, g, request.StatusOf(err), l)
	}
	return err
}

// expiry reads for how many days a token is to be good.
func expiry(f url.Values, now time.Time) (time.Time, error) {
	text := strings.TrimSpace(f.Get("days"))
	if text == "" {
		return time.Time{}, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 3650 {
		return time.Time{}, errs.Field("days", "Enter 1 to 3650 days, or leave it empty.")
	}
	return now.UTC().AddDate(0, 0, n), nil
}
