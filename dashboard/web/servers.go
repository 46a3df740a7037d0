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

// serverPage lists the rooms of a server that the person may see.
func (s *Site) serverPage(c *gin.Context, me *session.Session) error {
	return s.showServer(c, me, http.StatusOK, nil)
}

// showServer renders the server page, with the form as it was filled in when creating did not work.
func (s *Site) showServer(c *gin.Context, me *session.Session, status int, form *view.CreateForm) error {
	g, st, err := s.look(c, me)
	if err != nil {
		return err
	}
	settings, _, err := s.actions.Settings(c.Request.Context(), g.ID)
	if err != nil {
		return err
	}
	p := &view.Server{Layout: s.req.Layout(c, g.Name), Guild: g, Manager: st.Manager, MayCreate: settings.MayCreate(st)}
	last := s.remembered(c.Request.Context(), g.ID, me)
	p.Form, p.Remembered = view.NewCreateForm(settings, last), !last.Empty()
	if !p.MayCreate {
		p.WhyNot = p.Text.Say("server.may-not")
	}
	if form != nil {
		p.Form = *form
	}
	if own, err := s.actions.OwnPresets(c.Request.Context(), me); err == nil && p.MayCreate {
		p.Presets = append(view.NewPresetButtons(p.Text, room.GuildInfo{}, own),
			view.NewPresetButtons(p.Text, g, settings.Presets)...)
	}
	for _, l := range s.actions.VisibleRooms(st) {
		p.Rooms = append(p.Rooms, s.card(l, st, settings))
	}
	if form == nil && c.Query("forgotten") != "" {
		p.Notice = &view.Notice{Text: p.Text.Say("server.forgotten")}
	}
	if form == nil && c.Query("closed") != "" {
		p.Notice = &view.Notice{Text: p.Text.Say("server.closed")}
	}
	return s.req.Page(c, status, p)
}

// remembered is what a member last chose for a room of theirs. The page does without if it cannot be had.
func (s *Site) remembered(ctx context.Context, guildID snowflake.ID, me *session.Session) room.Preferences {
	ctx, cancel := context.WithTimeout(ctx, historyTime)
	defer cancel()
	p, err := s.actions.Preferences(ctx, me, guildID)
	if err != nil {
		s.log.InfoContext(ctx, "a member's preferences could not be read", "guild_id", guildID, "user_id", me.User.ID,
			"err", err)
	}
	return p
}

// createRoom opens a room and leads to its page.
func (s *Site) createRoom(c *gin.Context, me *session.Session) error {
	var in wire.CreateInput
	id, err := idOf(c, "guild", actions.ErrNoServer)
	if err == nil {
		err = request.ReadForm(c, &in)
	}
	if in.Private == nil && in.Preset == "" {
		in.Private = new(bool) // a browser leaves out what is not checked
	}
	if err == nil {
		var opened room.OpenedRoom
		if opened, err = s.actions.OpenRoom(c.Request.Context(), me, id, in); err == nil {
			return request.Redirect(c, openedPage(opened))
		}
	}
	if !worthAgain(err) {
		return err
	}
	e := errs.Public(err)
	s.req.LogFailure(c, request.StatusOf(err), err)
	return s.showServer(c, me, request.StatusOf(err), &view.CreateForm{
		Name: in.Name, Seats: c.Request.PostFormValue("seats"), Private: in.Private != nil && *in.Private, Err: e,
	})
}

// worthAgain says whether a form is shown again with the error beside it.
func worthAgain(err error) bool {
	switch errs.CodeOf(err) {
	case errs.Invalid, errs.RoomLimit, errs.Forbidden, errs.MissingPermission, errs.Conflict, errs.DiscordUnavailable:
		return true
	default:
		return false
	}
}

// forgetPreferences drops what was remembered for this person's next room in a server.
func (s *Site) forgetPreferences(c *gin.Context, me *session.Session) error {
	g, _, err := s.standing(c, me)
	if err != nil {
		return err
	}
	if err := s.actions.ForgetPreferences(c.Request.Context(), me, g.ID); err != nil {
		return err
	}
	return request.Redirect(c, pages.Server.With(g.ID)+"?forgotten=1")
}
