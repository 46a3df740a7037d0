package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"snug/dashboard/actions"
	"snug/dashboard/request"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/dashboard/wire"
	"snug/shared/errs"
	"snug/shared/pages"
	"snug/shared/preset"
	"snug/shared/room"
)

// presetsPage shows one's own presets.
func (s *Site) presetsPage(c *gin.Context, me *session.Session) error {
	return s.showPresets(c, me, http.StatusOK, nil)
}

// serverPresetsPage shows a server's presets to its managers.
func (s *Site) serverPresetsPage(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	return s.showServerPresets(c, g, http.StatusOK, nil)
}

// showPresets renders the page of one's own presets; bad is a form that was refused.
func (s *Site) showPresets(c *gin.Context, me *session.Session, status int, bad *view.PresetForm) error {
	ctx := c.Request.Context()
	list, err := s.actions.OwnPresets(ctx, me)
	if err != nil {
		return err
	}
	p := &view.Presets{
		Layout:     s.req.Layout(c, s.req.Texts(c).Say("preset.mine")),
		PresetList: view.NewPresetList(string(pages.Presets), list, preset.MaxOwn, bad),
	}
	p.Saved = c.Query("saved") != ""
	from, _ := actions.ParseID(c.Query("room"), actions.ErrNoRoom)
	for _, m := range s.actions.Memberships(ctx, me) {
		for _, l := range s.actions.VisibleRooms(m.Standing) {
			if !l.Room.Access.Admitted(me.User.ID) && !room.In(l.Roster, me.User.ID) {
				continue
			}
			p.From = append(p.From, view.RoomRef{
				URL: string(pages.Presets) + "?room=" + l.Room.ID.String() + "#new", Name: l.Room.Name,
			})
			if l.Room.ID == from && bad == nil {
				p.StartFrom(l.Room)
			}
		}
	}
	return s.req.Page(c, status, p)
}

func (s *Site) showServerPresets(c *gin.Context, g room.GuildInfo, status int, bad *view.PresetForm) error {
	settings, _, err := s.actions.Settings(c.Request.Context(), g.ID)
	if err != nil {
		return err
	}
	p := &view.ServerPresets{
		AdminTab: s.adminTab(c, g, "setting.presets"),
		PresetList: view.NewPresetList(pages.ServerPresets.With(g.ID), settings.Presets, preset.MaxServer,
			bad),
	}
	p.Saved = c.Query("saved") != ""
	return s.req.Page(c, status, p)
}

// savePreset adds, changes or removes one of one's own presets.
func (s *Site) savePreset(c *gin.Context, me *session.Session) error {
	in, do, err := presetSent(c)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	if do == "remove" {
		_, err = s.actions.RemoveOwnPreset(ctx, me, in.Was)
	} else {
		_, err = s.actions.SaveOwnPreset(ctx, me, in)
	}
	if errs.Has(err, errs.Invalid) {
		return s.showPresets(c, me, request.StatusOf(err), &view.PresetForm{PresetInput: in, Err: errs.Public(err)})
	}
	if err != nil {
		return err
	}
	return request.Redirect(c, string(pages.Presets)+"?saved=1")
}

// saveServerPreset is savePreset for a server's.
func (s *Site) saveServerPreset(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	in, do, err := presetSent(c)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	if do == "remove" {
		_, err = s.actions.RemoveServerPreset(ctx, me, g.ID, in.Was)
	} else {
		_, err = s.actions.SaveServerPreset(ctx, me, g.ID, in)
	}
	if errs.Has(err, errs.Invalid) {
		bad := &view.PresetForm{PresetInput: in, Err: errs.Public(err)}
		return s.showServerPresets(c, g, request.StatusOf(err), bad)
	}
	if err != nil {
		return err
	}
	return request.Redirect(c, pages.ServerPresets.With(g.ID)+"?saved=1")
}

func presetSent(c *gin.Context) (in wire.PresetInput, do string, err error) {
	if err = request.ReadForm(c, &in); err == nil {
		do = c.Request.PostFormValue("do")
	}
	return in, do, err
}
