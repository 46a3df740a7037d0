package rooms_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"golang.org/x/sync/errgroup"

	"snug/bot/rooms"
	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/preset"
	"snug/shared/room"
)

// reopen opens the room again for a user.
func (w *world) reopen(user snowflake.ID) (room.OpenedRoom, error) {
	out, err := w.bot.Again(w.Context(), w.guild, room.Request{Actor: actor(user), RoomID: w.room})
	w.settle()
	return out, err
}

// stored returns the document of an open room.
func (w *world) stored(id snowflake.ID) room.Room {
	w.Helper()
	r, ok := w.docs()[id]
	if !ok {
		w.Fatalf("room %d isn't stored", id)
	}
	return r
}

// circle returns what a user is offered.
func (w *world) circle(user snowflake.ID) room.Circle {
	w.Helper()
	c, err := w.bot.Circle(w.Context(), w.guild, room.CircleRequest{Actor: actor(user)})
	w.must(err)
	return c
}

// TestAgain: a closed room opens again with its name, seats and privacy, its people are let in and hear of it, and who
// was banned stays so.
func TestAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	then(opened, guests(jonas, kiyo), inside(mara, jonas),
		acted(mara, room.DoShare, room.ChangeRequest{}),
		acted(mara, room.DoBan, room.ChangeRequest{User: priya}), closed)(w)
	w.must(w.forgotten(mara)) // what is remembered for her next room does not matter
	out, err := w.reopen(mara)
	w.must(err)
	r := w.stored(out.Room.ID)
	if r.ID == w.room || r.AgainOf != w.room || r.Name != "Den" || r.Seats != 3 || !r.Private || !r.GuestsInvite {
		t.Errorf("it was opened as %s", jsonOf(r))
	}
	if r.OwnerID != mara || r.Guest(jonas) == nil || r.Guest(kiyo) == nil || len(r.Guests) != 2 || !r.Banned(priya) {
		t.Errorf("its people are %s, banned %s", jsonOf(r.Guests), jsonOf(r.Bans))
	}
	if out.Invite.Code == "" || out.Joined || len(out.Cut) != 0 {
		t.Errorf("the answer is %s", jsonOf(out))
	}
	if got := w.toldAgain(); !slices.Equal(got, []snowflake.ID{jonas, kiyo}) {
		t.Errorf("told %v", got)
	}
	if e := w.opening(r.ID); e.Old != w.room.String() || e.By != mara || e.Message() != "audit.room_opened.again" {
		t.Errorf("the entry is %s", jsonOf(e))
	}
	w.consistent()
}

// TestAgainBySomebodyElse: a guest opens the room again and owns it. They get who they could see in it, and learn
// neither of guests who never came nor of bans.
func TestAgainBySomebodyElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	then(opened, guests(jonas), inside(mara, jonas), guests(kiyo), acted(mara, room.DoBan,
		room.ChangeRequest{User: priya}), closed)(w)
	seen := w.circle(jonas).Closed
	if len(seen) != 1 || len(seen[0].People) != 1 || seen[0].People[0].UserID != mara || seen[0].Mine {
		t.Fatalf("jonas is offered %s", jsonOf(seen))
	}
	out, err := w.reopen(jonas)
	w.must(err)
	r := w.stored(out.Room.ID)
	if r.OwnerID != jonas || r.Guest(mara) == nil || len(r.Guests) != 1 || len(r.Bans) != 0 {
		t.Errorf("owned by %d, guests %s, bans %s", r.OwnerID, jsonOf(r.Guests), jsonOf(r.Bans))
	}
	if _, err := w.reopen(priya); errs.CodeOf(err) != errs.RoomNotFound {
		t.Errorf("who was banned gets %v", err)
	}
	w.consistent()
}

// TestAgainAtOnce: whoever opens it twice, or at the same moment as others, gets one room.
func TestAgainAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	then(opened, guests(jonas), inside(mara, jonas), closed)(w)
	var all errgroup.Group
	rooms := make([]snowflake.ID, 6)
	for i := range rooms {
		all.Go(func() error {
			out, err := w.bot.Again(w.Context(), w.guild, room.Request{
				Actor: actor([]snowflake.ID{mara, jonas}[i%2]), RoomID: w.room,
			})
			rooms[i] = out.Room.ID
			return err
		})
	}
	w.must(all.Wait())
	w.settle()
	if one := slices.Compact(slices.Clone(rooms)); len(one) != 1 || len(w.docs()) != 1 {
		t.Errorf("rooms %v, stored %d", rooms, len(w.docs()))
	}
	r := w.stored(rooms[0])
	other := map[snowflake.ID]snowflake.ID{mara: jonas, jonas: mara}[r.OwnerID]
	out, err := w.reopen(other)
	w.must(err)
	if out.Room.ID != r.ID || !out.Joined || out.Invite.Code != "" {
		t.Errorf("the other one gets %s", jsonOf(out))
	}
	if c := w.circle(other).Closed; len(c) != 1 || c[0].Again != r.ID {
		t.Errorf("the other one is offered %s", jsonOf(c))
	}
	w.consistent()
}

// TestAgainIsChecked: at the time of opening it again, everything is decided anew.
func TestAgainIsChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		given func(*world)
		code  errs.Code
		check func(*testing.T, *world, room.OpenedRoom)
	}{
		"may not open rooms": {
			given: settings(func(s *guild.Settings) { s.CreatorRoles = []snowflake.ID{helpers} }), code: errs.Forbidden,
		},
		"timed out": {
			given: func(w *world) {
				w.bot.EditMember(mara, func(s *access.Standing) { s.TimedOutUntil = w.clock.Now().Add(time.Hour) })
			},
			code: errs.Forbidden,
		},
		"left the server": {
			given: func(w *world) { w.bot.RemoveMember(mara) }, code: errs.Forbidden,
		},
		"has a room": {
			given: func(w *world) {
				_, err := w.bot.Open(w.Context(), w.guild, "", room.OpenRequest{Actor: actor(mara), Name: "New"})
				w.must(err)
			},
			code: errs.RoomLimit,
		},
		"after two weeks": {
			given: func(w *world) { w.sweep(room.PastTTL) }, code: errs.RoomNotFound,
		},
		"after the server's retention": {
			given: then(settings(func(s *guild.Settings) { s.AuditRetention = guild.Duration(24 * time.Hour) }),
				func(w *world) { w.sweep(25 * time.Hour) }),
			code: errs.RoomNotFound,
		},
		"a guest left the server": {
			given: func(w *world) { w.bot.RemoveMember(jonas) },
			check: func(t *testing.T, w *world, out room.OpenedRoom) {
				if r := w.stored(out.Room.ID); r.Guest(jonas) != nil && r.Guest(jonas).Suspended == "" {
					t.Error("who left is let in")
				}
			},
		},
		"its name is blocked": {
			given: settings(func(s *guild.Settings) { s.BlockedWords = []string{"den"} }),
			check: func(t *testing.T, _ *world, out room.OpenedRoom) {
				if out.Room.Name != "Mara's room" || len(out.Cut) != 1 || out.Cut[0].Field != "room_name" {
					t.Errorf("opened %s", jsonOf(out))
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			then(opened, guests(jonas), inside(mara, jonas), closed, c.given)(w)
			out, err := w.reopen(mara)
			if errs.CodeOf(err) != c.code {
				t.Fatalf("the answer is %v", err)
			}
			if c.check != nil {
				c.check(t, w, out)
			}
		})
	}
}

// TestPastIsForgotten: a closed room is gone from disk when its time is over, and somebody's part in it when they have
// their data erased; a ban stays.
func TestPastIsForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	then(opened, guests(jonas), inside(mara, jonas), acted(mara, room.DoBan, room.ChangeRequest{User: priya}),
		closed)(w)
	key := w.guild.String() + "." + w.room.String()
	past := func() *room.Past {
		p, _, err := w.hub.Closed.Latest(w.Context(), key)
		w.must(err)
		return &p
	}
	for _, c := range []struct {
		user  snowflake.ID
		as    []room.Part
		stays []room.Part
	}{
		{jonas, []room.Part{room.PartGuest, room.PartInside}, nil},
		{priya, []room.Part{room.PartBanned}, []room.Part{room.PartBanned}},
		{mara, []room.Part{room.PartOwner, room.PartInside}, nil},
	} {
		if c.user == mara {
			w.must(w.erased(kiyo)) // nothing is stored of kiyo
		}
		data, err := w.bot.Person(w.Context(), w.guild, room.PersonRequest{UserID: c.user, Erase: true})
		w.must(err)
		if len(data.Closed) != 1 || !slices.Equal(data.Closed[0].As, c.as) ||
			!slices.Equal(data.Closed[0].Stays, c.stays) {
			t.Errorf("%s: %s", names[c.user], jsonOf(data.Closed))
		}
		if c.user != mara && past().Person(c.user) != nil {
			t.Errorf("%s is still there", names[c.user])
		}
	}
	if _, _, err := w.hub.Closed.Latest(w.Context(), key); !errs.Has(err, errs.NotFound) {
		t.Errorf("nobody is left of the room, and it is still stored: %v", err)
	}

	w.open()
	then(inside(mara), closed)(w)
	w.restart()
	if c := w.circle(mara).Closed; len(c) != 1 {
		t.Fatalf("after a restart: %s", jsonOf(c))
	}
	w.sweep(room.PastTTL + time.Second)
	if list, err := w.hub.Closed.List(w.Context(), w.guild.String()); err != nil || len(list) != 0 {
		t.Errorf("still stored: %s, %v", jsonOf(list), err)
	}
}

// TestPresets: a room opens as a preset has it, whatever is remembered; what was asked for comes before it.
func TestPresets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	private, public := true, false
	commander := preset.Preset{Name: "Commander", Setup: preset.Setup{
		RoomName: "Commander night", Seats: 4, Private: &private, Locked: true, GuestsInvite: true,
	}}
	w.must(w.save(func(s *guild.Settings) { s.Presets = []preset.Preset{commander, {Name: "Plain"}} }))
	_, err := w.hub.Presets.Put(w.Context(), mara.String(), preset.List{List: []preset.Preset{
		{Name: "Duo", Setup: preset.Setup{Seats: 2, Private: &public}},
		{Name: "commander", Setup: preset.Setup{Seats: 9}},
	}})
	w.must(err)
	for _, c := range []struct {
		name string
		q    room.OpenRequest
		by   snowflake.ID
		want string
		code errs.Code
	}{
		{"the server's", room.OpenRequest{Preset: "server:Commander"}, mara, "Commander night 4 private,locked", ""},
		{"by its name, whatever the capitals", room.OpenRequest{Preset: "COMMANDER"}, jonas,
			"Commander night 4 private,locked", ""},
		{"the person's own comes first", room.OpenRequest{Preset: "commander"}, mara, "Mara's room 9 private", ""},
		{"the person's own", room.OpenRequest{Preset: "me:Duo"}, mara, "Mara's room 2 open", ""},
		{"one that decides nothing", room.OpenRequest{Preset: "server:Plain"}, mara, "Mara's room 4 private", ""},
		{"with what was asked for",
			room.OpenRequest{Preset: "server:Commander", Name: "Mine", Seats: 5, Private: &public}, mara,
			"Mine 5 locked", ""},
		{"somebody else's", room.OpenRequest{Preset: "me:Duo"}, jonas, "", errs.NotFound},
		{"none", room.OpenRequest{Preset: "server:Chess"}, mara, "", errs.NotFound},
	} {
		c.q.Actor = actor(c.by)
		out, err := w.bot.Open(w.Context(), w.guild, "", c.q)
		if errs.CodeOf(err) != c.code {
			t.Fatalf("%s: %v", c.name, err)
		}
		if err != nil {
			continue
		}
		r := w.stored(out.Room.ID)
		if got := r.Name + " " + strconv.Itoa(r.Seats) + " " + r.Privacy().String(); got != c.want {
			t.Errorf("%s: opened %q, want %q", c.name, got, c.want)
		}
		_, err = w.bot.CloseRoom(w.Context(), w.guild, room.Request{Actor: actor(c.by), RoomID: r.ID})
		w.must(err)
		w.must(w.forgotten(c.by))
		w.clock.Forward(time.Hour)
	}
	w.must(w.save(func(s *guild.Settings) { s.BlockedWords = []string{"commander"} }))
	out, err := w.bot.Open(w.Context(), w.guild, "", room.OpenRequest{Actor: actor(mara), Preset: "server:Commander"})
	w.must(err)
	if out.Room.Name != "Mara's room" || out.Room.Seats != 4 || len(out.Cut) != 1 {
		t.Errorf("with a blocked name: %s", jsonOf(out))
	}
	if e := w.opening(out.Room.ID); e.New != "Commander" || e.Message() != "audit.room_opened.preset" {
		t.Errorf("the entry is %s", jsonOf(e))
	}
}

func (w *world) forgotten(user snowflake.ID) error {
	_, err := w.bot.Preferences(w.Context(), w.guild, room.PreferencesRequest{Actor: actor(user), Forget: true})
	return err
}

func (w *world) erased(user snowflake.ID) error {
	_, err := w.bot.Person(w.Context(), w.guild, room.PersonRequest{UserID: user, Erase: true})
	return err
}

// toldAgain lists who was told that a room is open again, sorted.
func (w *world) toldAgain() (users []snowflake.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.notices {
		if n, ok := n.(rooms.OpenedAgain); ok {
			users = append(users, n.User)
		}
	}
	slices.Sort(users)
	return users
}

// opening returns the entry of a room's opening.
func (w *world) opening(id snowflake.ID) (out audit.Entry) {
	w.Helper()
	list, err := w.hub.Audit.After(w.Context(), w.guild, 0, 1000)
	w.must(err)
	for _, e := range list {
		if e.Kind == string(audit.RoomOpened) && e.Channel == id {
			w.must(json.Unmarshal(e.Data, &out))
		}
	}
	return out
}
