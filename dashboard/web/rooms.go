package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/actions"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/pages"
	"snug/shared/room"
)

// see asks for the room of the path as the person may see it. Whoever may not
// is told the same as if there were none.
func (s *Site) see(c *gin.Context, me *session.Session) (room.View, actions.LiveRoom, error) {
	guildID, id, err := s.place(c)
	if err != nil {
		return room.View{}, actions.LiveRoom{}, err
	}
	return s.actions.SeeRoom(c.Request.Context(), me, guildID, id)
}

func (s *Site) roomPage(c *gin.Context, me *session.Session) error {
	v, l, err := s.see(c, me)
	if errors.Is(err, actions.ErrNoRoom) && (s.onTheWay(c, me) || s.closedPage(c, me)) {
		return nil
	}
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	if v.IdleTimeout == 0 { // nobody serves the server at the moment
		settings, _, err := s.actions.Settings(ctx, v.Room.GuildID)
		if err != nil {
			return err
		}
		v.IdleTimeout = settings.IdleTimeout.Std()
	}
	g := s.actions.Guild(v.Room.GuildID)
	p := &view.Room{
		Layout: s.req.Layout(c, v.Room.Name), Guild: g, View: v, Rev: l.Rev,
		DeepLink:    s.o.Links.Channel(v.Room.GuildID, v.Room.ID),
		IdleTimeout: guild.Duration(v.IdleTimeout), OwnerName: s.actions.AskOwnerName(ctx, v.Room, v.Roster),
		HeldUntil: s.heldUntil(c, v.Roster, me),
	}
	p.Path = pages.Room.With(v.Room.ID)
	for _, i := range v.Invites {
		p.Invites = append(p.Invites, view.Invite{
			ID: i.Invite.ID, Title: view.InviteTitle(p.Text, i.Invite, i.Invite.By == me.User.ID),
			URL: s.o.Links.Invite(i.Code), ExpiresAt: i.Invite.ExpiresAt,
			MaxUses: i.Invite.MaxUses, Left: i.Invite.Left(),
		})
	}
	slices.Reverse(p.Invites) // the newest first
	if p.HeldUntil.IsZero() {
		p.HeldUntil = v.HeldUntil
	}
	p.Knocked = c.Query("knocked") != "" || s.actions.Knocking(v.Room.ID, me.User.ID)
	s.loadHistory(ctx, p)
	if v.Suspended != nil {
		p.Notice = view.NoticeOf(p.Text, v.Suspended)
	}
	if c.Query("cut") == "room_name" {
		p.Notice = &view.Notice{Text: p.Text.Say("room.cut.room_name")}
	}
	if c.Query("kept") != "" && v.Room.ClosingAt.IsZero() {
		p.Notice = &view.Notice{Text: p.Text.Say("room.kept")}
	}
	return s.req.Page(c, http.StatusOK, p)
}

// heldUntil is until when the seat is held that this page's form asked for just now.
func (s *Site) heldUntil(c *gin.Context, roster []room.Person, me *session.Session) time.Time {
	until, err := time.Parse(time.RFC3339, c.Query("joined"))
	if left := until.Sub(s.now()); err != nil || left <= 0 || left > 10*time.Minute || room.In(roster, me.User.ID) {
		return time.Time{}
	}
	return until
}

// joinRoom has the bot move the person into the room. For who is not in voice a seat is held, and the page has the
// link that opens it in Discord.
func (s *Site) joinRoom(
	ctx context.Context, guildID snowflake.ID, q room.Request, _ none,
) (to string, err error) {
	to = pages.Room.With(q.RoomID)
	j, err := s.actions.JoinRoom(ctx, guildID, q)
	if err != nil || j.Moved {
		return to, err
	}
	held := j.HeldUntil
	if held.IsZero() {
		held = s.now().Add(time.Minute)
	}
	return to + "?joined=" + url.QueryEscape(held.UTC().Format(time.RFC3339)) + "#actions", nil
}

// keepRoom calls an announced closing off.
func (s *Site) keepRoom(
	ctx context.Context, guildID snowflake.ID, q room.Request, _ none,
) (to string, err error) {
	_, err = s.actions.KeepRoom(ctx, guildID, q)
	return pages.Room.With(q.RoomID) + "?kept=1", err
}

// closeRoom ends the room.
func (s *Site) closeRoom(
	ctx context.Context, guildID snowflake.ID, q room.Request, _ none,
) (to string, err error) {
	_, err = s.actions.CloseRoom(ctx, guildID, q)
	return pages.Server.With(guildID) + "?closed=1", err
}

// place finds the room of the path: its guild and id. Whether the person may see it is not yet said.
func (s *Site) place(c *gin.Context) (guildID, id snowflake.ID, err error) {
	if id, err = idOf(c, "channel", actions.ErrNoRoom); err != nil {
		return 0, 0, err
	}
	guildID, err = s.actions.FindRoom(c.Request.Context(), id)
	return guildID, id, err
}

// inRoom makes the bot's request about the room of the path.
func (s *Site) inRoom(c *gin.Context, me *session.Session) (snowflake.ID, room.Request, error) {
	guildID, id, err := s.place(c)
	return guildID, room.Request{Actor: actions.Actor(me), RoomID: id}, err
}

// standing gives a signed-in person's place in the guild of the path. Who is
// not in it gets the answer that there is none.
func (s *Site) standing(c *gin.Context, me *session.Session) (room.GuildInfo, access.Standing, error) {
	id, err := idOf(c, "guild", actions.ErrNoServer)
	if err != nil {
		return room.GuildInfo{}, access.Standing{}, err
	}
	return s.actions.Standing(c.Request.Context(), me, id)
}

// look is standing for a page that only shows the guild.
func (s *Site) look(c *gin.Context, me *session.Session) (room.GuildInfo, access.Standing, error) {
	id, err := idOf(c, "guild", actions.ErrNoServer)
	if err != nil {
		return room.GuildInfo{}, access.Standing{}, err
	}
	return s.actions.Look(c.Request.Context(), me, id)
}

// idOf reads an id from the path; what is none is an error of the code given.
func idOf(c *gin.Context, name string, missing *errs.Error) (snowflake.ID, error) {
	return actions.ParseID(c.Param(name), missing)
}

const (
	historyTime = 2 * time.Second // how long the page waits for its history, and for people's names
)

// loadHistory adds to a room's page what happened there, the names of people who
// are not in voice, and the link for spectators. The page does without what cannot be had.
func (s *Site) loadHistory(ctx context.Context, p *view.Room) {
	ctx, cancel := context.WithTimeout(ctx, historyTime)
	defer cancel()
	p.History = s.actions.RoomHistory(ctx, &p.View)
	p.Comings = s.actions.Visits(ctx, &p.View)
	p.Names = s.actions.NamesInRoom(ctx, &p.View, p.OwnerName, p.History)
	if c := p.View.Control; c != nil && c.WatchToken != "" {
		p.WatchURL = s.o.Links.Watch(p.View.Room.ID, c.WatchToken)
	}
}
