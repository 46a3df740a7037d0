package web

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/actions"
	"snug/dashboard/request"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/dashboard/wire"
	"snug/shared/access"
	"snug/shared/guild"
	"snug/shared/pages"
	"snug/shared/room"
)

// home says what Snug is, and shows who is signed in where their people are.
func (s *Site) home(c *gin.Context) error {
	p := &view.Home{Layout: s.req.Layout(c, s.req.Texts(c).Say("land.title"))}
	me, err := s.req.Me(c)
	request.Private(c)
	if err != nil {
		s.found(&p.Layout, pages.Home, "")
		return s.req.Page(c, http.StatusOK, p)
	}
	return s.showHome(c, me, http.StatusOK, nil)
}

// fewClosed is how many closed rooms the home page offers to open again.
const fewClosed = 5

// showHome renders the home page of somebody who is signed in; why is what did not work just now, nil for nothing.
func (s *Site) showHome(c *gin.Context, me *session.Session, status int, why error) error {
	ctx := c.Request.Context()
	p := &view.Home{Layout: s.req.Layout(c, s.req.Texts(c).Say("home.title"))}
	p.Path = string(pages.Home)
	if why != nil {
		p.Notice = view.NoticeOf(p.Text, why)
	}
	var guilds []snowflake.ID
	members := s.actions.Memberships(ctx, me)
	for _, m := range members {
		guilds = append(guilds, m.Guild.ID)
	}
	circles := s.actions.Circles(ctx, me, guilds)
	own, err := s.actions.OwnPresets(ctx, me)
	if err != nil {
		s.log.WarnContext(ctx, "a person's presets could not be read", "user_id", me.User.ID, "err", err)
	}
	p.Open.Presets = view.NewPresetButtons(p.Text, room.GuildInfo{}, own)
	var now []view.NowRoom
	used := map[snowflake.ID]time.Time{} // when they opened a room last, by server
	for _, m := range members {
		settings := s.settingsFor(ctx, m.Guild.ID)
		near := actions.NewNear(circles[m.Guild.ID])
		card := view.ServerCard{Guild: m.Guild, Manager: m.Manager}
		for _, l := range s.actions.VisibleRooms(m.Standing) {
			card.Rooms++
			card.People += l.Occupied()
			rc := s.card(l, m.Standing, settings)
			rc.Guild = m.Guild
			now = append(now, view.NewNowRoom(rc, near.To))
			if l.Room.OpenedBy == me.User.ID {
				used[m.Guild.ID] = l.Room.OpenedAt
			}
		}
		for _, closed := range circles[m.Guild.ID].Closed {
			p.Closed = append(p.Closed, view.ClosedCard{ClosedRoom: closed, Guild: m.Guild, Now: s.now()})
			if closed.Mine && closed.OpenedAt.After(used[m.Guild.ID]) {
				used[m.Guild.ID] = closed.OpenedAt
			}
		}
		p.Servers = append(p.Servers, card)
		if m.Guild.Ready && settings.MayCreate(m.Standing) {
			p.Open.Servers = append(p.Open.Servers, view.OpenServer{ID: m.Guild.ID, Name: m.Guild.Name})
			p.Open.Presets = append(p.Open.Presets, view.NewPresetButtons(p.Text, m.Guild, settings.Presets)...)
		}
	}
	p.SetNow(now)
	slices.SortStableFunc(p.Open.Servers, func(a, b view.OpenServer) int { return used[b.ID].Compare(used[a.ID]) })
	slices.SortStableFunc(p.Closed, func(a, b view.ClosedCard) int { return b.ClosedAt.Compare(a.ClosedAt) })
	p.Closed = p.Closed[:min(len(p.Closed), fewClosed)]
	return s.req.Page(c, status, p)
}

// openAnywhere opens a room in the server that is chosen on the home page, and leads to its page.
func (s *Site) openAnywhere(c *gin.Context, me *session.Session) error {
	var in wire.OpenInput
	err := request.ReadForm(c, &in)
	if err == nil {
		var opened room.OpenedRoom
		opened, err = s.actions.OpenRoom(c.Request.Context(), me, in.Guild, wire.CreateInput{Preset: in.Preset})
		if err == nil {
			return request.Redirect(c, openedPage(opened))
		}
	}
	return s.backHome(c, me, err)
}

// openAgain opens a closed room again and leads to its page.
func (s *Site) openAgain(c *gin.Context, me *session.Session) error {
	id, err := idOf(c, "channel", actions.ErrNoRoom)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	guildID, err := s.actions.FindClosed(ctx, id, me.User.ID)
	if err != nil {
		return err
	}
	opened, err := s.actions.OpenAgain(ctx, me, guildID, id)
	if err != nil {
		return s.backHome(c, me, err)
	}
	return request.Redirect(c, openedPage(opened))
}

// backHome shows the home page with what did not work, where the person can do something else there.
func (s *Site) backHome(c *gin.Context, me *session.Session, err error) error {
	if !worthAgain(err) {
		return err
	}
	s.req.LogFailure(c, request.StatusOf(err), err)
	return s.showHome(c, me, request.StatusOf(err), err)
}

// openedPage is the page of a room that was opened just now. It says what the room was opened without.
func openedPage(o room.OpenedRoom) string {
	to := pages.Room.With(o.Room.ID)
	if len(o.Cut) > 0 {
		to += "?cut=" + o.Cut[0].Field
	}
	return to
}

// closedPage shows a room that has closed to somebody who belonged to it. It reports whether it did.
func (s *Site) closedPage(c *gin.Context, me *session.Session) bool {
	id, err := idOf(c, "channel", actions.ErrNoRoom)
	if err != nil {
		return false
	}
	closed, err := s.actions.ClosedRoom(c.Request.Context(), me, id)
	if err != nil {
		return false
	}
	p := &view.Closed{
		Layout: s.req.Layout(c, closed.Setup.RoomName),
		Card:   view.ClosedCard{ClosedRoom: closed, Guild: s.actions.Guild(closed.GuildID)},
	}
	p.Path = pages.Room.With(id)
	return s.req.Page(c, http.StatusGone, p) == nil
}

// settingsFor gives a server's settings, the ones it begins with if they cannot be had: the first page does not fail
// by that.
func (s *Site) settingsFor(ctx context.Context, id snowflake.ID) guild.Settings {
	out, _, err := s.actions.Settings(ctx, id)
	if err != nil {
		s.log.WarnContext(ctx, "a server's settings could not be read", "guild_id", id, "err", err)
		return guild.Defaults()
	}
	return out
}

func (s *Site) card(l actions.LiveRoom, st access.Standing, settings guild.Settings) view.RoomCard {
	owner, _ := s.actions.OwnerName(l.Room, l.Roster)
	return view.RoomCard{
		Room: l.Room, Roster: l.Roster, Rev: l.Rev, OwnerName: owner,
		MayEnter: l.Room.Access.MayEnter(st), Mine: l.Room.Access.OwnerID == st.UserID,
		In:        room.In(l.Roster, st.UserID),
		Overfills: l.Room.Access.MayOverfill(st) && settings.MayOverfill(st),
		MayKnock:  l.Room.Access.MayKnock(st), Knocked: s.actions.Knocking(l.Room.ID, st.UserID),
	}
}
