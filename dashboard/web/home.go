package web

import (
	"context"
	"net/http"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/actions"
	"snug/dashboard/request"
	"snug/dashboard/view"
	"snug/shared/access"
	"snug/shared/guild"
	"snug/shared/pages"
	"snug/shared/room"
)

// home says what Snug is, and shows who is signed in their servers and rooms.
func (s *Site) home(c *gin.Context) error {
	p := &view.Home{Layout: s.req.Layout(c, s.req.Texts(c).Say("land.title"))}
	me, err := s.req.Me(c)
	request.Private(c)
	if err != nil {
		s.found(&p.Layout, pages.Home, "")
		return s.req.Page(c, http.StatusOK, p)
	}
	p.Title = p.Text.Say("home.title")
	for _, m := range s.actions.Memberships(c.Request.Context(), me) {
		card := view.ServerCard{Guild: m.Guild, Manager: m.Manager}
		for _, l := range s.actions.VisibleRooms(m.Standing) {
			card.Rooms++
			card.People += l.Occupied()
			if mine(l.Live, me.User.ID) {
				rc := s.card(l, m.Standing, s.settingsFor(c.Request.Context(), m.Guild.ID))
				rc.Guild = m.Guild
				p.Rooms = append(p.Rooms, rc)
			}
		}
		p.Servers = append(p.Servers, card)
	}
	return s.req.Page(c, http.StatusOK, p)
}

// mine says whether a room concerns a person: theirs, one they were let into, or one they sit in.
func mine(l room.Live, user snowflake.ID) bool {
	return l.Room.Access.Admitted(user) || room.In(l.Roster, user)
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
