package dashboard

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/room"
)

var errNotManager = errs.E(errs.Forbidden,
	"Only people who manage this server can see and change its settings. Ask one of them.")

// managed gives the guild of the path to who manages it.
func (s *Server) managed(c *gin.Context, me *session.Session) (room.GuildInfo, error) {
	g, st, err := s.standing(c, me)
	if err == nil && !st.Manager {
		err = errNotManager
	}
	return g, err
}

// adminTab gives what the pages of those who manage a server share; title is a message.
func (s *Server) adminTab(c *gin.Context, g room.GuildInfo, title string) view.AdminTab {
	t := view.AdminTab{Layout: s.layout(c, ""), Guild: g}
	t.Title = t.Text.Say(title) + " · " + g.Name
	return t
}

// adminPage shows a server's settings.
func (s *Server) adminPage(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	settings, rev, err := s.settings(c.Request.Context(), g.ID)
	if err != nil {
		return err
	}
	p := s.settingsPage(c, me, g, settings)
	p.Form, p.Rev, p.Saved, p.Done = view.NewSettingsForm(settings), rev, c.Query("saved") == "1", c.Query("saved") == "lobby"
	return s.page(c, http.StatusOK, p)
}

// settingsPage gives the settings page without its form. What can be chosen
// from is asked for live; without an answer those fields are left out, and their settings stay.
func (s *Server) settingsPage(
	c *gin.Context, me *session.Session, g room.GuildInfo, settings guild.Settings,
) *view.Admin {
	return &view.Admin{
		AdminTab: s.adminTab(c, g, "admin.settings"), Lobbies: settings.Lobbies,
		Places: s.placesOf(c.Request.Context(), g.ID, me),
	}
}

// settingsInput is what is saved: the fields of a form, or those of a JSON object.
type settingsInput struct {
	form   view.SettingsForm
	fields []byte
	rev    uint64 // that was seen; 0: no check
}

func readSettings(c *gin.Context) (in settingsInput, err error) {
	var body struct {
		Rev      uint64          `json:"rev"`
		Settings json.RawMessage `json:"settings"`
	}
	formed := false
	err = read(c, &body, func(f url.Values) error {
		formed, in.form = true, view.ReadSettingsForm(f)
		in.rev, _ = strconv.ParseUint(f.Get("rev"), 10, 64) // without one there is no check
		in.fields, err = in.form.JSON()
		return err
	})
	if err != nil || formed {
		return in, err
	}
	if !bytes.HasPrefix(bytes.TrimSpace(body.Settings), []byte("{")) {
		return in, errs.Field("settings", "settings must be an object with the fields to change.")
	}
	in.fields, in.rev = body.Settings, body.Rev
	return in, nil
}

// saveSettings saves the page's form. With a revision it fails with
// errs.Conflict if somebody saved since.
func (s *Server) saveSettings(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	in, err := readSettings(c)
	if err == nil {
		_, err = s.keeper.SaveSettings(ctx, g.ID, room.SettingsRequest{Actor: actor(me), JSON: in.fields, Rev: in.rev})
	}
	if err != nil && (!isForm(c) || !worthAgain(err)) {
		return err
	}
	settings, rev, e := s.settings(ctx, g.ID)
	if e != nil {
		return e
	}
	if err == nil {
		return back(c, http.StatusOK, settingsAtJSON{settings, rev}, "/admin/"+g.ID.String()+"?saved=1")
	}
	s.logFailure(c, statusOf(err), err)
	// What was typed stays; saving it again then is on purpose, so the newest revision goes with it.
	p := s.settingsPage(c, me, g, settings)
	p.Form, p.Rev, p.Err = in.form, rev, errs.Public(err)
	if was, ok := s.settingsAt(ctx, g.ID, me, in.rev); ok && in.rev != rev {
		p.Merge(was, settings)
	}
	return s.page(c, statusOf(err), p)
}

// settingsAt gives the settings as they were at a revision, if that is still known.
func (s *Server) settingsAt(
	ctx context.Context, guildID snowflake.ID, me *session.Session, rev uint64,
) (guild.Settings, bool) {
	if rev == 0 {
		return guild.Settings{}, false
	}
	h, err := hub.SettingsHistory.Call(ctx, s.o.Hub, guildID, guild.ManageRequest{Actor: actor(me)})
	if err != nil {
		s.log.WarnContext(ctx, "what was changed meanwhile is not known", "guild_id", guildID, "err", err)
	}
	for i, v := range slices.Backward(h.Versions) { // the oldest first; a version's revision is that of its last write
		if v.Rev == rev || v.Rev > rev && i < len(h.Versions)-1 {
			return v.Settings, true
		} else if v.Rev > rev {
			break // it was before all that is known
		}
	}
	return guild.Settings{}, false
}

// exportSettings gives the settings as a file.
func (s *Server) exportSettings(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	settings, _, err := s.settings(c.Request.Context(), g.ID)
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(settings, "", "  ")
	if err != nil {
		return err
	}
	c.Header("Content-Disposition", `attachment; filename="snug-settings-`+g.ID.String()+`.json"`)
	c.Data(http.StatusOK, "application/json", append(b, '\n'))
	return nil
}

// importSettings saves the settings of a file that exportSettings gave, here or for another server. What
// points at another server's channels and roles is for the person to look at; the health page tells what
// points nowhere.
func (s *Server) importSettings(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	head, err := c.FormFile("file")
	if err != nil {
		if tooLong(err) {
			return badBody(err)
		}
		return errs.Field("file", "Please choose a file of settings, as Snug exports it.")
	}
	f, err := head.Open()
	if err != nil {
		return badBody(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxBody))
	if err != nil {
		return badBody(err)
	}
	if !json.Valid(b) || !bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) {
		return errs.Field("file", "This is not a file of settings. Please choose one that Snug exported.")
	}
	if _, err := s.keeper.SaveSettings(c.Request.Context(), g.ID,
		room.SettingsRequest{Actor: actor(me), JSON: b}); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/admin/"+g.ID.String()+"?saved=1")
	return nil
}

// historyPage shows who changed which settings, and undoes the last change.
func (s *Server) historyPage(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	p := &view.AdminHistory{AdminTab: s.adminTab(c, g, "admin.history"), Undone: c.Query("undone") != ""}
	h, err := hub.SettingsHistory.Call(ctx, s.o.Hub, g.ID, guild.ManageRequest{Actor: actor(me)})
	if err != nil {
		s.logFailure(c, statusOf(err), err)
		p.Failed = errs.Public(err)
	}
	p.Versions = h.Versions
	var ids []snowflake.ID
	for _, v := range h.Versions {
		ids = append(ids, v.By)
	}
	p.Names, p.Places = s.displayNames(ctx, g.ID, ids), s.placesOf(ctx, g.ID, me)
	return s.page(c, http.StatusOK, p)
}

// placesOf gives what settings can point at, asked of Discord now; nothing if that cannot be had.
func (s *Server) placesOf(ctx context.Context, guildID snowflake.ID, me *session.Session) guild.ChannelsAndRoles {
	places, err := hub.PlacesOf.Call(ctx, s.o.Hub, guildID, guild.ManageRequest{Actor: actor(me)})
	if err != nil {
		s.log.WarnContext(ctx, "channels and roles are not known", "guild_id", guildID, "err", err)
	}
	return places
}

func (s *Server) undoSettings(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	if _, err := hub.UndoSettings.Call(c.Request.Context(), s.o.Hub, g.ID,
		guild.UndoRequest{Actor: actor(me)}); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/admin/"+g.ID.String()+"/history?undone=1")
	return nil
}

// saveLobby adds, changes or removes a lobby.
func (s *Server) saveLobby(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	f, err := postForm(c.Request)
	if err != nil {
		return err
	}
	l, err := readLobby(f)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	if f.Get("do") == "remove" {
		_, err = hub.RemoveLobby.Call(ctx, s.o.Hub, g.ID, guild.LobbyRemoval{Actor: actor(me), ChannelID: l.ChannelID})
	} else {
		_, err = hub.SaveLobby.Call(ctx, s.o.Hub, g.ID,
			guild.LobbyRequest{Actor: actor(me), Lobby: l, Name: strings.TrimSpace(f.Get("lobby_name"))})
	}
	if err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/admin/"+g.ID.String()+"?saved=lobby#lobbies")
	return nil
}

func readLobby(f url.Values) (l guild.Lobby, err error) {
	if raw := f.Get("channel"); raw != "" {
		if l.ChannelID, err = parseID(raw,
			errs.Field("channel", "That choice could not be read. Please choose again.")); err != nil {
			return l, err
		}
	}
	if text := strings.TrimSpace(f.Get("lobby_seats")); text != "" {
		if l.Seats, err = strconv.Atoi(text); err != nil {
			return l, errs.Field("lobby_seats", "%.20q is not a whole number. Please type one, like 4.", text)
		}
	}
	if text := strings.TrimSpace(f.Get("lobby_idle")); text != "" {
		d, err := guild.ParseDuration(text)
		if err != nil {
			return l, err
		}
		l.IdleTimeout = &d
	}
	if v := f.Get("lobby_private"); v != "" {
		private := v == "yes"
		l.Private = &private
	}
	l.NameTemplate = strings.TrimSpace(f.Get("lobby_template"))
	return l, nil
}

// displayNames finds the names of members, as far as they are told in time: the page does without the others.
func (s *Server) displayNames(ctx context.Context, guildID snowflake.ID, ids []snowflake.ID) map[snowflake.ID]string {
	ctx, cancel := context.WithTimeout(ctx, historyTime)
	defer cancel()
	out := map[snowflake.ID]string{}
	var unknown []snowflake.ID
	for _, id := range ids {
		if _, seen := out[id]; seen || id == 0 || len(out) >= mostNames {
			continue
		}
		name, known := s.names.get(guildID, id, s.now())
		if out[id] = name; !known {
			unknown = append(unknown, id)
		}
	}
	s.askNames(ctx, guildID, unknown, out)
	return out
}

// mostNames bounds how many members a page asks Discord about.
const mostNames = 30
