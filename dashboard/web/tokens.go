package web

import (
	"net/http"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/request"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/dashboard/wire"
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
		var ids []snowflake.ID
		for _, t := range l.List {
			ids = append(ids, t.UserID)
		}
		l.Members = s.actions.Members(c.Request.Context(), g.ID, ids)
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
		return request.Redirect(c, to)
	}
	var l view.TokenList
	if err = request.ReadForm(c, &l.Form); err == nil {
		_, l.Secret, err = s.actions.MakeToken(ctx, me, guildID, l.Form, "")
	}
	switch errs.CodeOf(err) {
	case "":
		l.Form = wire.NewTokenInput{}
		return s.showTokens(c, me, g, http.StatusOK, l)
	case errs.Invalid, errs.Conflict:
		s.req.LogFailure(c, request.StatusOf(err), err)
		l.Err = errs.Public(err)
		return s.showTokens(c, me, g, request.StatusOf(err), l)
	}
	return err
}
