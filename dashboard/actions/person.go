package actions

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/session"
	"snug/dashboard/wire"
	"snug/shared/apitoken"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/preset"
	"snug/shared/room"
)

// maxStory bounds the entries of one server's audit log in an export.
const maxStory = 5000

type (
	// PersonExport is everything that is stored of a person, as they get it.
	PersonExport struct {
		ExportedAt time.Time        `json:"exported_at"`
		User       session.User     `json:"user"`
		Sessions   []session.Stored `json:"sessions"`
		Tokens     []wire.Token     `json:"api_tokens"`
		Presets    []preset.Preset  `json:"presets"`
		Servers    []GuildExport    `json:"servers"`
		Notify     NotifyExport     `json:"notifications"`
	}
	// GuildExport is what is kept of a person in one server.
	GuildExport struct {
		ID      snowflake.ID `json:"id"`
		Name    string       `json:"name,omitempty"`
		Visited bool         `json:"visited"` // they looked at it on these pages
		*room.PersonData
		// the audit log's entries by them or about them, oldest first
		Happened []audit.Entry `json:"happened"`
		// when they came into open rooms and went, oldest first of each
		Comings []VisitExport `json:"comings"`
		More    bool          `json:"more_omitted,omitempty"` // there are more than maxStory
		Failed  string        `json:"failed,omitempty"`       // why the server could not be asked just now
	}
)

// VisitExport is when somebody came into a room, or went.
type VisitExport struct {
	RoomID snowflake.ID `json:"room_id"`
	room.Visit
}

// personGuilds lists the servers that may keep something of a person: where they were seen, where they chose something,
// and where a room names them. Among few servers all are asked.
func (a *Actions) personGuilds(ctx context.Context, me *session.Session) (all, visited []snowflake.ID, err error) {
	if visited, err = a.o.Sessions.Guilds(ctx, me.User.ID); err != nil {
		return nil, nil, err
	}
	all = append(a.likelyGuilds(ctx, me), a.index.naming(me.User.ID)...)
	all = append(all, a.closed.guildsOf(me.User.ID, true)...)
	stored, err := a.storedGuilds(ctx, me.User.ID)
	if err != nil {
		return nil, nil, err
	}
	all = append(all, stored...)
	slices.SortFunc(all, cmp.Compare)
	return slices.Compact(all), visited, nil
}

// storedGuilds lists the servers, also those that Snug was removed from, where somebody chose something, where a member
// lets them in, and where they were in a room. It reads all that is stored of that: few people ask, and rarely.
func (a *Actions) storedGuilds(ctx context.Context, user snowflake.ID) (ids []snowflake.ID, err error) {
	add := func(key string, mine bool) {
		g, who, _ := strings.Cut(key, ".")
		if id, err := snowflake.Parse(g); err == nil && (mine || who == user.String()) {
			ids = append(ids, id)
		}
	}
	members, err := a.o.Hub.Members.List(ctx, "")
	if err != nil {
		return nil, err
	}
	for _, e := range members {
		add(e.Key, slices.Contains(e.Value.Guests, user))
	}
	visits, err := a.o.Hub.Visits.List(ctx, "")
	for _, e := range visits {
		add(e.Key, slices.ContainsFunc(e.Value.List, func(v room.Visit) bool { return v.UserID == user }))
	}
	return ids, err
}

// ExportPerson gathers everything that is stored of somebody. A server that cannot be asked says so in its part.
func (a *Actions) ExportPerson(ctx context.Context, me *session.Session) (*PersonExport, error) {
	out := &PersonExport{ExportedAt: a.now().UTC(), User: me.User, Tokens: []wire.Token{}, Servers: []GuildExport{}}
	var err error
	if out.Sessions, err = a.o.Sessions.Stored(ctx, me.User.ID); err != nil {
		return nil, err
	}
	own, err := a.OwnPresets(ctx, me)
	if err != nil {
		return nil, err
	}
	out.Presets = append([]preset.Preset{}, own...)
	if out.Notify, err = a.exportNotifications(ctx, me.User.ID); err != nil {
		return nil, err
	}
	guilds, visited, err := a.personGuilds(ctx, me)
	if err != nil {
		return nil, err
	}
	tokens, err := a.tokensOf(ctx, me, guilds)
	if err != nil {
		return nil, err
	}
	for _, t := range tokens {
		out.Tokens = append(out.Tokens, wire.NewToken(t))
	}
	for _, id := range guilds {
		p := a.placeOf(ctx, me, id)
		if p.Visited = slices.Contains(visited, id); p.holds() {
			out.Servers = append(out.Servers, p)
		}
	}
	return out, nil
}

// holds says whether there is anything to tell.
func (p *GuildExport) holds() bool {
	return p.Visited || p.Failed != "" || len(p.Happened) > 0 || len(p.Comings) > 0 ||
		p.PersonData != nil && (!p.Preferences.Empty() || p.RememberedBy > 0 || len(p.Rooms)+len(p.Closed) > 0)
}

// tokensOf lists the API tokens that a person made: their own, and those of servers.
func (a *Actions) tokensOf(
	ctx context.Context, me *session.Session, guilds []snowflake.ID,
) (list []apitoken.Token, err error) {
	for _, id := range append([]snowflake.ID{0}, guilds...) {
		tokens, err := a.tokens.List(ctx, me.User.ID, id)
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
func (a *Actions) placeOf(ctx context.Context, me *session.Session, id snowflake.ID) GuildExport {
	p := GuildExport{ID: id, Name: a.Guild(id).Name, Happened: []audit.Entry{}, Comings: []VisitExport{}}
	data, err := a.storedBy(ctx, id, room.PersonRequest{UserID: me.User.ID})
	if err == nil {
		data.Rooms, data.Closed = tellable(data.Rooms), tellable(data.Closed)
		p.PersonData = &data
		err = a.o.Hub.Audit.Since(ctx, id, 0, time.Time{}, func(e hub.AuditEntry) error {
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
		var list []VisitExport
		if list, err = a.visitsBy(ctx, me.User.ID, id); err == nil {
			p.Comings = append(p.Comings, list...)
		}
	}
	if err != nil && !errors.Is(err, errEnough) {
		a.log.WarnContext(ctx, "a server did not say what it keeps of somebody", "guild_id", id, "user_id", me.User.ID,
			"err", err)
		p.Failed = errs.Public(err).Message
	}
	return p
}

// visitsBy gives when a person came into a server's rooms and went.
func (a *Actions) visitsBy(ctx context.Context, user, guildID snowflake.ID) (out []VisitExport, err error) {
	rooms, err := a.o.Hub.Visits.List(ctx, guildID.String())
	for _, e := range rooms {
		_, channel, _ := strings.Cut(e.Key, ".")
		id, err := snowflake.Parse(channel)
		if err != nil {
			continue // not a room's key
		}
		for _, c := range e.Value.List {
			if c.UserID == user {
				out = append(out, VisitExport{id, c})
			}
		}
	}
	return out, err
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

// storedBy asks the bot what is stored in a server. Of one that Snug was removed from the bot tells nothing, and writes
// nothing there: what is still stored of it is read, and with Erase removed, here.
func (a *Actions) storedBy(ctx context.Context, id snowflake.ID, q room.PersonRequest) (room.PersonData, error) {
	if _, here := a.guilds.Get(id.String()); here || a.starting() {
		return hub.PersonOf.Call(ctx, a.o.Hub, id, q)
	}
	key := id.String() + "." + q.UserID.String()
	p, _, err := a.o.Hub.Members.Get(ctx, key)
	if errs.Has(err, errs.NotFound) {
		err = nil
	} else if err == nil && q.Erase {
		err = a.o.Hub.Members.Delete(ctx, key)
	}
	out := room.PersonData{Preferences: p}
	if err == nil {
		out.RememberedBy, err = a.rememberedBy(ctx, id, q)
	}
	if err == nil {
		err = a.closedBy(ctx, id, q, &out)
	}
	return out, err
}

// rememberedBy counts the members of a server that Snug was removed from who let a person into their rooms, and with
// Erase has that forgotten. Remembered bans stay.
func (a *Actions) rememberedBy(ctx context.Context, id snowflake.ID, q room.PersonRequest) (n int, err error) {
	list, err := a.o.Hub.Members.List(ctx, id.String())
	for _, e := range list {
		if !slices.Contains(e.Value.Guests, q.UserID) {
			continue
		}
		n++
		if !q.Erase {
			continue
		}
		_, _, err := a.o.Hub.Members.Edit(ctx, e.Key, func(p *room.Preferences) error {
			p.Guests = slices.DeleteFunc(slices.Clone(p.Guests), func(o snowflake.ID) bool { return o == q.UserID })
			return nil
		})
		if err != nil && !errs.Has(err, errs.NotFound) {
			return n, err
		}
	}
	return n, err
}

// closedBy gives, and with Erase removes, what the closed rooms of a server that Snug was removed from store of a
// person.
func (a *Actions) closedBy(ctx context.Context, id snowflake.ID, q room.PersonRequest, out *room.PersonData) error {
	list, err := a.o.Hub.Closed.List(ctx, id.String())
	for _, e := range list {
		as := e.Value.Parts(q.UserID)
		if len(as) == 0 {
			continue
		}
		out.Closed = append(out.Closed, room.PersonRoom{ID: e.Value.ID, Name: e.Value.Setup.RoomName, As: as})
		if !q.Erase {
			continue
		}
		_, _, err := a.o.Hub.Closed.Edit(ctx, e.Key, func(p *room.Past) error {
			p.Forget(q.UserID)
			return nil
		})
		if err != nil && !errs.Has(err, errs.NotFound) {
			return err
		}
	}
	return err
}
