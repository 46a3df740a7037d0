package dashboard

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/api"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
	"snug/shared/stats"
)

// What Snug stores of a person, for that person: to download, and to erase.

// personTime bounds how long gathering or erasing may take: a request ends after requestTime, and the rest is told.
const personTime = requestTime - 3*time.Second

// maxStory bounds the entries of one server's audit log in an export.
const maxStory = 5000

type (
	personJSON struct {
		ExportedAt time.Time        `json:"exported_at"`
		User       session.User     `json:"user"`
		Sessions   []session.Stored `json:"sessions"`
		Tokens     []TokenJSON      `json:"api_tokens"`
		Servers    []keptJSON       `json:"servers"`
	}
	// keptJSON is what is kept of a person in one server.
	keptJSON struct {
		ID      snowflake.ID `json:"id"`
		Name    string       `json:"name,omitempty"`
		Visited bool         `json:"visited"` // they looked at it on these pages
		*room.PersonData
		// the audit log's entries by them or about them, oldest first
		Happened []audit.Entry `json:"happened"`
		// when they came into open rooms and went, oldest first of each
		Comings []comingJSON `json:"comings"`
		More    bool         `json:"more_omitted,omitempty"` // there are more than maxStory
		Failed  string       `json:"failed,omitempty"`       // why the server could not be asked just now
	}
)

// comingJSON is when somebody came into a room, or went.
type comingJSON struct {
	RoomID snowflake.ID `json:"room_id"`
	room.Visit
}

// personGuilds lists the servers that may keep something of a person: where they were seen, where they chose something,
// and where a room names them. Among few servers all are asked.
func (s *Server) personGuilds(ctx context.Context, me *session.Session) (all, visited []snowflake.ID, err error) {
	if visited, err = s.sessions.Guilds(ctx, me.User.ID); err != nil {
		return nil, nil, err
	}
	all = append(s.likelyGuilds(ctx, me), s.index.naming(me.User.ID)...)
	keys, err := s.o.Hub.Members.Keys(ctx, "")
	if err != nil {
		return nil, nil, err
	}
	for _, key := range keys {
		if g, user, _ := strings.Cut(key, "."); user == me.User.ID.String() {
			if id, err := snowflake.Parse(g); err == nil {
				all = append(all, id)
			}
		}
	}
	slices.SortFunc(all, cmp.Compare)
	return slices.Compact(all), visited, nil
}

// exportPerson gives somebody everything that is stored of them.
func (s *Server) exportPerson(c *gin.Context, me *session.Session) error {
	if err := s.limits.person.allow("u" + me.User.ID.String()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), personTime)
	defer cancel()
	out := personJSON{ExportedAt: s.now().UTC(), User: me.User, Tokens: []TokenJSON{}, Servers: []keptJSON{}}
	var err error
	if out.Sessions, err = s.sessions.Stored(ctx, me.User.ID); err != nil {
		return err
	}
	guilds, visited, err := s.personGuilds(ctx, me)
	if err != nil {
		return err
	}
	tokens, err := s.tokensOf(ctx, me, guilds)
	if err != nil {
		return err
	}
	for _, t := range tokens {
		out.Tokens = append(out.Tokens, newTokenJSON(t))
	}
	for _, id := range guilds {
		p := s.placeOf(ctx, me, id)
		if p.Visited = slices.Contains(visited, id); p.holds() {
			out.Servers = append(out.Servers, p)
		}
	}
	b, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	c.Header("Content-Disposition", `attachment; filename="snug-`+me.User.ID.String()+`.json"`)
	c.Data(http.StatusOK, "application/json", b)
	return nil
}

// holds says whether there is anything to tell.
func (p *keptJSON) holds() bool {
	return p.Visited || p.Failed != "" || len(p.Happened) > 0 || len(p.Comings) > 0 ||
		p.PersonData != nil && (!p.Preferences.Empty() || p.RememberedBy > 0 || len(p.Rooms) > 0)
}

// tokensOf lists the API tokens that a person made: their own, and those of servers.
func (s *Server) tokensOf(
	ctx context.Context, me *session.Session, guilds []snowflake.ID,
) (list []api.Token, err error) {
	for _, id := range append([]snowflake.ID{0}, guilds...) {
		tokens, err := s.tokens.List(ctx, me.User.ID, id)
		if err != nil {
			return nil, err
		}
		for _, t := range tokens {
			if t.UserID == me.User.ID {
				list = append(list, t)
			}
		}
	}
	return list, nil
}

// placeOf gathers what is kept of a person in one server.
func (s *Server) placeOf(ctx context.Context, me *session.Session, id snowflake.ID) keptJSON {
	p := keptJSON{ID: id, Name: s.guildName(id), Happened: []audit.Entry{}, Comings: []comingJSON{}}
	data, err := s.keptBy(ctx, id, room.PersonRequest{UserID: me.User.ID})
	if err == nil {
		data.Rooms = tellable(data.Rooms)
		p.PersonData = &data
		err = s.o.Hub.Audit.Since(ctx, id, 0, time.Time{}, func(e hub.AuditEntry) error {
			if about, entry := entryAbout(e, me.User.ID); about {
				if p.More = len(p.Happened) == maxStory; p.More {
					return errEnough
				}
				if entry.By != me.User.ID {
					entry.By = 0 // who did it is about them
				}
				p.Happened = append(p.Happened, entry)
			}
			return nil
		})
	}
	if err == nil || errors.Is(err, errEnough) {
		var list []comingJSON
		if list, err = s.comingsBy(ctx, me.User.ID, id); err == nil {
			p.Comings = append(p.Comings, list...)
		}
	}
	if err != nil && !errors.Is(err, errEnough) {
		s.log.WarnContext(ctx, "a server did not say what it keeps of somebody", "guild_id", id, "user_id", me.User.ID,
			"err", err)
		p.Failed = errs.Public(err).Message
	}
	return p
}

// comingsBy gives when a person came into a server's rooms and went.
func (s *Server) comingsBy(ctx context.Context, user, guildID snowflake.ID) (out []comingJSON, err error) {
	rooms, err := s.o.Hub.Visits.List(ctx, guildID.String())
	for _, e := range rooms {
		_, channel, _ := strings.Cut(e.Key, ".")
		id, err := snowflake.Parse(channel)
		if err != nil {
			continue // not a room's key
		}
		for _, c := range e.Value.List {
			if c.UserID == user {
				out = append(out, comingJSON{id, c})
			}
		}
	}
	return out, err
}

// eraseComings erases when a person came into a server's rooms and went, and gives how many there were.
func (s *Server) eraseComings(ctx context.Context, user, guildID snowflake.ID) (n int, err error) {
	keys, err := s.o.Hub.Visits.Keys(ctx, guildID.String())
	for _, key := range keys {
		was := 0
		_, _, err := s.o.Hub.Visits.Edit(ctx, key, func(c *room.VisitLog) error {
			if was = c.DropUser(user); was == 0 {
				return hub.Unchanged
			}
			return nil
		}, hub.TTL(stats.Keep))
		if err != nil && !errs.Has(err, errs.NotFound) {
			return n, err
		}
		n += was
	}
	return n, err
}

// tellable leaves out what would tell of a room that the person may not see: that they are banned there, or were let in
// and out again.
func tellable(rooms []room.PersonRoom) []room.PersonRoom {
	shown := []room.Part{room.PartOwner, room.PartInside, room.PartGuest, room.PartWaiting, room.PartHeld}
	return slices.DeleteFunc(rooms, func(r room.PersonRoom) bool {
		return slices.Contains(r.As, room.PartBanned) ||
			!slices.ContainsFunc(r.As, func(p room.Part) bool { return slices.Contains(shown, p) })
	})
}

var errEnough = errors.New("dashboard: enough entries")

func entryAbout(e hub.AuditEntry, user snowflake.ID) (bool, audit.Entry) {
	var entry audit.Entry
	err := json.Unmarshal(e.Data, &entry)
	return err == nil && entry.About(user), entry
}

func (s *Server) guildName(id snowflake.ID) string {
	g, _ := s.guilds.Get(id.String())
	return g.Name
}

// keptBy asks a server's keeper. A server that Snug was removed from has none; what a member chose there is then nobody
// else's to write.
func (s *Server) keptBy(ctx context.Context, id snowflake.ID, q room.PersonRequest) (room.PersonData, error) {
	if _, here := s.guilds.Get(id.String()); here || s.starting() {
		return s.keeper.Person(ctx, id, q)
	}
	key := id.String() + "." + q.UserID.String()
	p, _, err := s.o.Hub.Members.Get(ctx, key)
	if errs.Has(err, errs.NotFound) {
		return room.PersonData{}, nil
	}
	if err == nil && q.Erase {
		err = s.o.Hub.Members.Delete(ctx, key)
	}
	return room.PersonData{Preferences: p}, err
}

// erased counts what was erased, and names what was not.
type erased struct {
	entries, rooms, tokens, servers int
	stays                           []string // rooms in use
	failed                          []string // servers that did not answer
}

// erasePerson has everything that is stored of somebody erased, and signs them out. If a server does not answer they
// stay signed in and are told, to do it once more.
func (s *Server) erasePerson(c *gin.Context, me *session.Session) error {
	if err := s.limits.person.allow("u" + me.User.ID.String()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), personTime)
	defer cancel()
	guilds, _, err := s.personGuilds(ctx, me)
	if err != nil {
		return err
	}
	var done erased
	if done.tokens, err = s.eraseTokens(ctx, me, guilds); err != nil {
		return err
	}
	for _, id := range guilds {
		if err := s.eraseIn(ctx, me, id, &done); err != nil {
			s.log.WarnContext(ctx, "a server did not erase what it keeps of somebody", "guild_id", id,
				"user_id", me.User.ID, "err", err)
			done.failed = append(done.failed, cmp.Or(s.guildName(id), id.String()))
		}
	}
	s.log.InfoContext(ctx, "somebody's data was erased", "user_id", me.User.ID, "entries", done.entries,
		"rooms", done.rooms, "failed", len(done.failed))
	if len(done.failed) == 0 {
		if err := s.sessions.Erase(ctx, s.cookies.ID(c.Request), me.User.ID); err != nil {
			return err
		}
		v := visitOf(c)
		v.me, v.err = nil, errNobody
		http.SetCookie(c.Writer, s.cookies.Clear())
	}
	return s.page(c, http.StatusOK, s.erasedPage(c, done))
}

func (s *Server) eraseTokens(ctx context.Context, me *session.Session, guilds []snowflake.ID) (int, error) {
	list, err := s.tokensOf(ctx, me, guilds)
	for _, t := range list {
		if err := s.tokens.Revoke(ctx, t); err != nil && !errs.Has(err, errs.NotFound) {
			return 0, fmt.Errorf("dashboard: erasing a token: %w", err)
		}
	}
	return len(list), err
}

// eraseIn erases what is kept of a person in one server.
func (s *Server) eraseIn(ctx context.Context, me *session.Session, id snowflake.ID, done *erased) error {
	data, err := s.keptBy(ctx, id, room.PersonRequest{UserID: me.User.ID, Erase: true})
	if err != nil {
		return err
	}
	for _, r := range data.Rooms {
		if slices.Contains(r.Stays, room.PartOwner) || slices.Contains(r.Stays, room.PartInside) {
			done.stays = append(done.stays, r.Name)
		} else {
			done.rooms++
		}
	}
	n, err := s.o.Hub.Audit.Erase(ctx, id, func(e hub.AuditEntry) bool {
		about, entry := entryAbout(e, me.User.ID)
		return about && !entry.Accounts()
	})
	if done.entries += n; err != nil {
		return err
	}
	came, err := s.eraseComings(ctx, me.User.ID, id)
	if done.entries, n = done.entries+came, n+came; err != nil {
		return err
	}
	if n > 0 || len(data.Rooms) > 0 || !data.Preferences.Empty() {
		done.servers++
	}
	return nil
}

// erasedPage says what was erased.
func (s *Server) erasedPage(c *gin.Context, done erased) *view.Message {
	t := s.texts(c)
	m := &view.Message{Layout: s.layout(c, t.Say("erase.done")), Mood: view.MoodBye}
	m.Path = "/privacy"
	what := "erase.done.text"
	if len(done.failed) > 0 { // their sign-in stays, to do it once more
		what = "erase.part.text"
	}
	say := []string{t.Say(what, "Entries", done.entries, "Rooms", done.rooms, "Tokens", done.tokens)}
	if len(done.stays) > 0 {
		say = append(say, t.Say("erase.stays", "Rooms", t.List(done.stays)))
	}
	m.Actions = []view.Action{{Label: t.Say("bye.what"), URL: "/", Primary: true}}
	if len(done.failed) > 0 {
		m.Title, m.Mood = t.Say("erase.failed"), view.MoodBroken
		say = append(say, t.Say("erase.failed.text", "Servers", t.List(done.failed)))
		m.Actions = []view.Action{{Label: t.Say("erase.again"), URL: "/privacy/erase", Post: true, Primary: true}}
	}
	m.Sentence = strings.Join(say, " ")
	return m
}

// askErase asks whether somebody means it.
func (s *Server) askErase(c *gin.Context, me *session.Session) error {
	t := s.texts(c)
	m := &view.Message{
		Layout: s.layout(c, t.Say("erase.ask")), Mood: view.MoodClosed,
		Sentence: t.Say("erase.ask.text", "Name", me.User.DisplayName),
	}
	m.Actions = []view.Action{
		{Label: t.Say("erase.yes"), URL: "/privacy/erase", Post: true, Primary: true},
		{Label: t.Say("erase.no"), URL: "/privacy"},
	}
	return s.page(c, http.StatusOK, m)
}
