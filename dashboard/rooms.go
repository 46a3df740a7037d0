package dashboard

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/errs"
	"snug/shared/room"
)

// roomOrLanding shows a room, or to who follows an invite what they are invited to.
func (s *Server) roomOrLanding(c *gin.Context) error {
	private(c)
	if token := c.Query("t"); token != "" {
		return s.landing(c, token)
	}
	me, err := s.me(c)
	if err != nil {
		return err
	}
	return s.roomPage(c, me)
}

// see asks for the room of the path as the person may see it. Whoever may not
// is told the same as if there were none.
func (s *Server) see(c *gin.Context, me *session.Session) (room.View, liveRoom, error) {
	guildID, id, err := s.place(c)
	if err != nil {
		return room.View{}, liveRoom{}, err
	}
	return s.seeRoom(c.Request.Context(), me, guildID, id)
}

// seeRoom is see for a room that was found.
func (s *Server) seeRoom(
	ctx context.Context, me *session.Session, guildID, id snowflake.ID,
) (room.View, liveRoom, error) {
	v, err := s.keeper.ViewRoom(ctx, guildID, room.Request{Actor: actor(me), RoomID: id})
	switch errs.CodeOf(err) {
	case "":
	case errs.Forbidden, errs.NotFound, errs.RoomNotFound:
		return v, liveRoom{}, errNoRoom
	default:
		return v, liveRoom{}, err
	}
	s.sawIn(ctx, me, v.Standing)
	// The live table's state has a revision, so that a page that connects misses nothing and repeats nothing.
	l, ok := s.roomOf(guildID, id)
	if ok {
		v.Room, v.Roster = l.Room, l.Roster
	} else {
		l = liveRoom{Live: room.Live{Room: v.Room, Roster: v.Roster}}
	}
	return v, l, nil
}

func (s *Server) roomPage(c *gin.Context, me *session.Session) error {
	v, l, err := s.see(c, me)
	if errors.Is(err, errNoRoom) && s.onTheWay(c, me) {
		return nil
	}
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	settings, _, err := s.settings(ctx, v.Room.GuildID)
	if err != nil {
		return err
	}
	g, _ := s.guilds.Get(v.Room.GuildID.String())
	p := &view.Room{
		Layout: s.layout(c, v.Room.Name), Guild: g, View: v, Rev: l.rev,
		DeepLink:    s.deepLink(v.Room.GuildID, v.Room.ID),
		IdleTimeout: settings.IdleTimeout, OwnerName: s.askOwnerName(ctx, v.Room, v.Roster),
		HeldUntil: s.heldUntil(c, v.Roster, me),
	}
	p.Path = "/game/" + v.Room.ID.String()
	for _, i := range v.Invites {
		p.Invites = append(p.Invites, view.Invite{
			ID: i.Invite.ID, URL: s.inviteURL(v.Room.ID, i.Token), ExpiresAt: i.Invite.ExpiresAt,
			MaxUses: i.Invite.MaxUses, Left: i.Invite.Left(),
		})
	}
	slices.Reverse(p.Invites) // the newest first
	if p.HeldUntil.IsZero() {
		p.HeldUntil = v.HeldUntil
	}
	p.Knocked = c.Query("knocked") != "" || s.index.knocking(v.Room.ID, me.User.ID, s.now())
	s.furnish(ctx, p)
	if v.Out != nil {
		p.Notice = view.NoticeOf(p.Text, v.Out)
	}
	if c.Query("kept") != "" && v.Room.ClosingAt.IsZero() {
		p.Notice = &view.Notice{Text: p.Text.Say("room.kept")}
	}
	return s.page(c, http.StatusOK, p)
}

// heldUntil is until when the seat is held that this page's form asked for just now.
func (s *Server) heldUntil(c *gin.Context, roster []room.Person, me *session.Session) time.Time {
	unix, err := strconv.ParseInt(c.Query("joined"), 10, 64)
	until := time.Unix(unix, 0)
	if left := until.Sub(s.now()); err != nil || left <= 0 || left > 10*time.Minute || room.In(roster, me.User.ID) {
		return time.Time{}
	}
	return until
}

// asks makes the keeper's request about the room of the path. form reads what
// else the page's form says; nil reads nothing.
func (s *Server) asks(
	c *gin.Context, me *session.Session, form func(url.Values) error,
) (snowflake.ID, room.Request, error) {
	if err := read(c, &struct{}{}, form); err != nil {
		return 0, room.Request{}, err
	}
	guildID, id, err := s.place(c)
	return guildID, room.Request{Actor: actor(me), RoomID: id}, err
}

// joinRoom has the bot move the person into the room. Who is not in voice gets
// the link that opens it in Discord, and a seat is held for them.
func (s *Server) joinRoom(c *gin.Context, me *session.Session) error {
	guildID, q, err := s.asks(c, me, nil)
	if err != nil {
		return err
	}
	j, err := s.keeper.JoinRoom(c.Request.Context(), guildID, q)
	if err != nil {
		return s.hide(c, guildID, q, err)
	}
	out := joinedJSON{Moved: j.Moved, DeepLink: s.deepLink(guildID, q.RoomID)}
	to := "/game/" + q.RoomID.String()
	if !j.Moved {
		held := j.HeldUntil
		if held.IsZero() {
			held = s.now().Add(time.Minute)
		} else {
			out.HeldUntil = &held
		}
		to += "?joined=" + strconv.FormatInt(held.Unix(), 10) + "#actions"
	}
	return back(c, http.StatusOK, out, to)
}

// keepRoom calls an announced closing off.
func (s *Server) keepRoom(c *gin.Context, me *session.Session) error {
	guildID, q, err := s.asks(c, me, nil)
	if err != nil {
		return err
	}
	sum, err := s.keeper.KeepRoom(c.Request.Context(), guildID, q)
	if err != nil {
		return s.hide(c, guildID, q, err)
	}
	return back(c, http.StatusOK, s.summaryJSON(sum), "/game/"+q.RoomID.String()+"?kept=1")
}

// closeRoom ends the room.
func (s *Server) closeRoom(c *gin.Context, me *session.Session) error {
	guildID, q, err := s.asks(c, me, nil)
	if err != nil {
		return err
	}
	sum, err := s.keeper.CloseRoom(c.Request.Context(), guildID, q)
	if err != nil {
		return s.hide(c, guildID, q, err)
	}
	s.log.InfoContext(c, "room closed", "guild_id", guildID, "room_id", q.RoomID, "user_id", me.User.ID)
	return back(c, http.StatusOK, s.summaryJSON(sum), "/servers/"+guildID.String()+"?closed=1")
}

// summaryJSON is a room whose roster, if known, is as the live table says.
func (s *Server) summaryJSON(sum room.Summary) RoomJSON {
	l := liveRoom{Live: room.Live{Room: sum}}
	if known, ok := s.roomOf(sum.GuildID, sum.ID); ok {
		l.Roster = known.Roster
	}
	return s.roomJSON(l)
}

// hide keeps a refusal from telling that there is a room: whoever may not see
// it is told what they would be told if there were none.
func (s *Server) hide(c *gin.Context, guildID snowflake.ID, q room.Request, err error) error {
	return s.hideFrom(c.Request.Context(), guildID, q, err)
}

func (s *Server) hideFrom(ctx context.Context, guildID snowflake.ID, q room.Request, err error) error {
	switch errs.CodeOf(err) {
	case errs.NotFound, errs.RoomNotFound:
		return errNoRoom
	case errs.Forbidden:
		_, e := s.keeper.ViewRoom(ctx, guildID, q)
		if errs.Has(e, errs.Forbidden) || errs.Has(e, errs.RoomNotFound) {
			return errNoRoom
		}
	default:
	}
	return err
}
