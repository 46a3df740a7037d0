package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/errs"
	"snug/shared/room"
	"snug/shared/schema"
)

// serverPage lists the rooms of a server that the person may see.
func (s *Server) serverPage(c *gin.Context, me *session.Session) error {
	return s.showServer(c, me, http.StatusOK, nil)
}

// showServer renders the server page, with the form as it was filled in when creating did not work.
func (s *Server) showServer(c *gin.Context, me *session.Session, status int, form *view.CreateForm) error {
	g, st, err := s.standing(c, me)
	if err != nil {
		return err
	}
	settings, _, err := s.settings(c.Request.Context(), g.ID)
	if err != nil {
		return err
	}
	p := &view.Server{Layout: s.layout(c, g.Name), Guild: g, Manager: st.Manager, MayCreate: settings.MayCreate(st)}
	last := s.remembered(c.Request.Context(), g.ID, me)
	p.Form, p.Remembered = view.NewCreateForm(settings, last), !last.Empty()
	if !p.MayCreate {
		p.WhyNot = p.Text.Say("server.may-not")
	}
	if form != nil {
		p.Form = *form
	}
	for _, l := range s.visibleRooms(st) {
		p.Rooms = append(p.Rooms, s.card(l, st, settings))
	}
	if form == nil && c.Query("forgotten") != "" {
		p.Notice = &view.Notice{Text: p.Text.Say("server.forgotten")}
	}
	if form == nil && c.Query("closed") != "" {
		p.Notice = &view.Notice{Text: p.Text.Say("server.closed")}
	}
	return s.page(c, status, p)
}

// remembered is what a member last chose for a room of theirs. The page does without if it cannot be had.
func (s *Server) remembered(ctx context.Context, guildID snowflake.ID, me *session.Session) room.Preferences {
	ctx, cancel := context.WithTimeout(ctx, historyTime)
	defer cancel()
	out, err := s.keeper.Preferences(ctx, guildID, room.PreferencesRequest{Actor: actor(me)})
	if err != nil {
		s.log.InfoContext(ctx, "a member's preferences could not be read", "guild_id", guildID, "user_id", me.User.ID,
			"err", err)
	}
	return out.Preferences
}

// createInput is what a new room can be told.
type createInput struct {
	Name    string `json:"name" required:"false" doc:"1 to 100 characters."`
	Seats   *int   `json:"seats" required:"false" doc:"1 to 99. Left out, the server's setting."`
	Private *bool  `json:"private" required:"false" doc:"Left out, the server's setting."`
}

func (in *createInput) form(f url.Values) error {
	in.Name = f.Get("name")
	private := f.Get("private") != ""
	in.Private = &private
	if text := strings.TrimSpace(f.Get("seats")); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			return errs.Field("seats", "%.20q is not a whole number. Please type one, like 4.", text)
		}
		in.Seats = &n
	}
	return nil
}

// request checks the input and makes the keeper's request of it.
func (in *createInput) request(me *session.Session) (room.OpenRequest, error) {
	q := room.OpenRequest{Actor: actor(me), Private: in.Private}
	var err error
	if q.Name, err = schema.CleanName(in.Name); err != nil {
		return q, err
	}
	if in.Seats != nil {
		if err := schema.CheckSeats(*in.Seats); err != nil {
			return q, err
		}
		q.Seats = *in.Seats
	}
	return q, nil
}

// createRoom opens a room and leads to its page.
func (s *Server) createRoom(c *gin.Context, me *session.Session) error {
	var in createInput
	err := read(c, &in, in.form)
	if err == nil {
		err = s.openRoom(c, me, &in)
	}
	if err == nil || !isForm(c) || !worthAgain(err) {
		return err
	}
	e := errs.Public(err)
	s.logFailure(c, statusOf(err), err)
	return s.showServer(c, me, statusOf(err), &view.CreateForm{
		Name: in.Name, Seats: c.Request.PostFormValue("seats"), Private: c.Request.PostFormValue("private") != "",
		Err: e,
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

func (s *Server) openRoom(c *gin.Context, me *session.Session, in *createInput) error {
	id, err := idOf(c, "guild", errNoServer)
	if err != nil {
		return err
	}
	out, err := s.open(c.Request.Context(), me, id, in)
	if err != nil {
		return err
	}
	return back(c, http.StatusCreated, out, "/game/"+out.ChannelID.String())
}

// open opens a room and says how to reach it.
func (s *Server) open(ctx context.Context, me *session.Session, id snowflake.ID, in *createInput) (openedJSON, error) {
	q, err := in.request(me)
	if err != nil {
		return openedJSON{}, err
	}
	g, err := s.guildInfo(id)
	if err != nil {
		return openedJSON{}, err
	}
	opened, err := s.keeper.OpenRoom(ctx, g.ID, q)
	if errs.Has(err, errs.Forbidden) { // to who is not in the server there is none
		if _, _, e := s.standingIn(ctx, me, id); errs.Has(e, errs.NotFound) {
			err = e
		}
	}
	if err != nil {
		return openedJSON{}, err
	}
	s.recent.add(opened.Room.ID, g.ID, s.now())
	s.log.InfoContext(ctx, "room opened", "guild_id", g.ID, "room_id", opened.Room.ID, "user_id", me.User.ID)
	out := openedJSON{RoomJSON: s.roomJSON(liveRoom{Live: room.Live{Room: opened.Room}})}
	if opened.Invite.Token != "" {
		v := s.inviteJSON(opened.Room.ID, opened.Invite)
		out.Invite = &v
	}
	return out, nil
}
