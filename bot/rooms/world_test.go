package rooms_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/rooms"
	"snug/bot/rooms/roomstest"
	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/keyring"
	"snug/shared/room"
	"snug/shared/testkit"
)

// The people of every world.
const (
	mara    = snowflake.ID(1) // opens rooms
	jonas   = snowflake.ID(2) // often a guest
	kiyo    = snowflake.ID(3)
	priya   = snowflake.ID(4)
	boss    = snowflake.ID(5) // manages the server
	ada     = snowflake.ID(6) // not in the server
	jukebox = snowflake.ID(7) // a bot

	managers = snowflake.ID(900)
	regulars = snowflake.ID(901)
	helpers  = snowflake.ID(902)
)

var names = map[snowflake.ID]string{
	mara: "Mara", jonas: "Jonas", kiyo: "Kiyo", priya: "Priya", boss: "Boss", ada: "Ada", jukebox: "Jukebox",
}

// theHub is shared by all worlds: each has a guild of its own, and opening one takes long.
var theHub = sync.OnceValues(func() (*hub.Hub, error) {
	dir, err := os.MkdirTemp("", "snug-rooms-")
	if err != nil {
		return nil, err
	}
	hubDir.Store(&dir)
	return hub.Open(context.Background(), hub.Options{Dir: dir, Log: testkit.Logger(), Around: aroundWrites})
})

var hubDir atomic.Pointer[string]

func TestMain(m *testing.M) {
	code := m.Run()
	if dir := hubDir.Load(); dir != nil {
		if h, err := theHub(); err == nil {
			_ = h.Close(context.Background())
		}
		_ = os.RemoveAll(*dir)
	}
	os.Exit(code)
}

// lastGuild is the id of the newest world's guild.
var lastGuild atomic.Uint64

// world is a server in memory, with rooms that run on the shared hub.
type world struct {
	*testing.T
	guild   snowflake.ID
	hub     *hub.Hub
	keys    *keyring.Keyring
	discord *roomstest.Discord
	bot     *roomstest.Bot
	clock   *testkit.Clock
	faults  *faults
	log     *slog.Logger

	room    snowflake.ID // of mara, if the test opened one
	lobby   snowflake.ID
	denials map[snowflake.ID]access.Permissions // by user: what moderators deny in the room's channel by name

	mu      sync.Mutex
	notices []rooms.Notice
}

func newWorld(t *testing.T) *world {
	t.Helper()
	h, err := theHub()
	testkit.NoError(t, err)
	w := &world{
		T: t, guild: snowflake.ID(1_000_000 + lastGuild.Add(1)), hub: h, faults: &faults{},
		clock: testkit.NewStoppedClock(time.Now()), denials: map[snowflake.ID]access.Permissions{},
		log: testkit.Logger(),
	}
	guilds.Store(w.guild, w.faults)
	t.Cleanup(func() { guilds.Delete(w.guild) })
	w.keys, err = keyring.New([]byte(strings.Repeat("k", 32)))
	w.must(err)
	d := roomstest.NewDiscord(w.guild, w.clock.Now)
	d.AddRole(managers, "Managers", access.ManageGuild)
	d.AddRole(regulars, "Regulars", 0)
	d.AddRole(helpers, "Helpers", 0)
	for _, u := range []snowflake.ID{mara, jonas, kiyo, priya} {
		d.SetMember(u, strings.ToLower(names[u]), names[u], regulars)
	}
	d.SetMember(boss, "boss", names[boss], managers)
	d.SetMember(jukebox, "jukebox", names[jukebox])
	d.EditMember(jukebox, func(s *access.Standing) { s.Bot = true })
	d.AddUser(ada, names[ada])
	d.SetAround(w.faults.call)
	w.discord, w.faults.discord = d, d
	w.start()
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// start starts the rooms and waits until they have compared everything.
func (w *world) start() {
	w.Helper()
	w.build()
	w.load()
}

func (w *world) build() {
	w.Helper()
	w.bot = roomstest.Start(w.T, w.discord, roomstest.Options{
		Hub: w.hub, Keys: w.keys, Now: w.clock.Now, Log: w.log, Notify: w.notify,
	})
}

func (w *world) load() {
	w.Helper()
	w.bot.LoadGuild("Friends")
	testkit.Eventually(w, "the server is ready", func() bool { return w.bot.Snapshot(w.guild).Ready })
	w.settle()
}

// restart ends the process, if it has not died, and starts another.
func (w *world) restart() {
	w.Helper()
	w.bot.Stop(w.T)
	w.faults.disarm()
	w.start()
}

func (w *world) notify(_ context.Context, _ snowflake.ID, _ string, n rooms.Notice) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notices = append(w.notices, n)
	return nil
}

// settle waits until nothing more happens by itself, and has stored what waits for more.
func (w *world) settle() {
	w.Helper()
	w.rest()
	w.bot.Save(w.Context())
}

// rest waits until nothing more happens by itself, but for what is stored later.
func (w *world) rest() {
	w.Helper()
	deadline := time.Now().Add(testkit.Patience)
	for pause := 20 * time.Microsecond; ; pause = min(2*pause, 2*time.Millisecond) {
		told := w.discord.Emitted()
		w.bot.Sync()
		if w.bot.Idle(w.guild) && w.discord.Emitted() == told {
			return
		}
		if time.Now().After(deadline) {
			w.Fatal("it does not come to rest")
		}
		time.Sleep(pause)
	}
}

// sweep lets time pass and sweeps.
func (w *world) sweep(after time.Duration) {
	w.Helper()
	w.clock.Forward(after)
	_ = w.bot.Sweep(w.Context()) // what fails is repeated by the next one
	w.settle()
}

// sweepAll sweeps as often as it takes to make good whatever failed.
func (w *world) sweepAll() {
	w.Helper()
	for _, after := range []time.Duration{time.Second, 40 * time.Second, 3 * time.Minute, 8 * time.Minute} {
		w.sweep(after)
	}
}

func actor(user snowflake.ID) access.Actor { return access.Actor{UserID: user, Via: access.ViaWeb} }

// open opens mara's room, private and called Den, with three seats.
func (w *world) open() {
	w.Helper()
	private := true
	out, err := w.bot.Open(w.Context(), w.guild, "", room.OpenRequest{
		Actor: actor(mara), Name: "Den", Seats: 3, Private: &private,
	})
	w.must(err)
	w.room = out.Room.ID
	w.settle()
}

// change does an action to the room.
func (w *world) change(by snowflake.ID, do room.Action, q room.ChangeRequest) error {
	q.Actor, q.RoomID, q.Do = actor(by), w.room, do
	_, err := w.bot.Change(w.Context(), w.guild, q)
	return err
}

// letIn makes users guests of the room.
func (w *world) letIn(users ...snowflake.ID) {
	w.Helper()
	for _, u := range users {
		w.must(w.invite(u))
	}
	w.settle()
}

// invite lets a user in, by mara.
func (w *world) invite(user snowflake.ID) error {
	_, _, err := w.bot.Invite(w.Context(), w.guild, room.InviteRequest{Actor: actor(mara), RoomID: w.room, For: user})
	return err
}

// link makes an invite link and returns it.
func (w *world) link(uses int) room.InviteLink {
	w.Helper()
	l, _, err := w.bot.Invite(w.Context(), w.guild, room.InviteRequest{Actor: actor(mara), RoomID: w.room, Uses: uses})
	w.must(err)
	return l
}

// enter has users join the room's channel in Discord.
func (w *world) enter(users ...snowflake.ID) {
	w.Helper()
	for _, u := range users {
		w.must(w.discord.Join(u, w.room))
		w.settle()
	}
}

// save changes settings.
func (w *world) save(change func(*guild.Settings)) error {
	s := w.bot.Snapshot(w.guild).Settings.Clone()
	change(&s)
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	_, err = w.bot.SaveSettings(w.Context(), w.guild, room.SettingsRequest{Actor: actor(boss), JSON: data})
	return err
}

// doc returns the room as it is stored; false if it is not.
func (w *world) doc() (room.Room, bool) {
	w.Helper()
	r, _, err := w.hub.Rooms.Latest(w.Context(), w.guild.String()+"."+w.room.String())
	if errs.Has(err, errs.NotFound) {
		return r, false
	}
	w.must(err)
	return r, true
}

// docs returns all rooms as they are stored, by id.
func (w *world) docs() map[snowflake.ID]room.Room {
	w.Helper()
	list, err := w.hub.Rooms.List(w.Context(), w.guild.String())
	w.must(err)
	docs := map[snowflake.ID]room.Room{}
	for _, e := range list {
		docs[e.Value.ID] = e.Value
	}
	return docs
}

// kinds returns the kinds of the guild's audit entries, oldest first.
func (w *world) kinds() (kinds []string) {
	w.Helper()
	list, err := w.hub.Audit.After(w.Context(), w.guild, 0, 1000)
	w.must(err)
	for _, e := range list {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

// check compares what is stored, what the rooms have in memory, and what is in Discord. It returns what is wrong.
func (w *world) check() (wrong []string) {
	w.Helper()
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	docs, now := w.docs(), w.discord.State()
	pending, err := w.hub.PendingCreates.List(w.Context(), w.guild.String())
	w.must(err)
	for _, e := range pending {
		say("a creation of %s is pending", names[e.Value.OwnerID])
	}
	for _, id := range slices.Sorted(maps.Keys(docs)) {
		r := docs[id]
		for _, what := range w.checkRoom(r, now) {
			say("room %s: %s", r.Name, what)
		}
	}
	settings := w.bot.Snapshot(w.guild).Settings
	for _, id := range now.Rooms() {
		if _, known := docs[id]; !known && settings.Lobby(id) == nil {
			say("channel %s belongs to no room", now.Channels[id].Name)
		}
	}
	doc, _, err := w.hub.Settings.Latest(w.Context(), w.guild.String())
	if errs.Has(err, errs.NotFound) {
		doc, err = guild.Document{Settings: guild.Defaults()}, nil
	}
	w.must(err)
	if len(doc.Outbox) > 0 {
		say("%d entries of the settings are not published", len(doc.Outbox))
	}
	if a, b := jsonOf(settings), jsonOf(doc.Settings); a != b {
		say("the settings in memory are not those stored:\n%s\n%s", a, b)
	}
	w.checkMemory(docs, say)
	for deadline := time.Now().Add(testkit.Patience); ; time.Sleep(time.Millisecond) {
		unlike := w.checkPublished(docs)
		if len(unlike) == 0 || time.Now().After(deadline) { // it is published in the background
			return append(wrong, unlike...)
		}
	}
}

// checkPublished compares what pages show with what is stored.
func (w *world) checkPublished(docs map[snowflake.ID]room.Room) (wrong []string) {
	list, err := w.hub.Rosters.List(w.Context(), w.guild.String())
	w.must(err)
	shown := map[snowflake.ID]room.Live{}
	for _, e := range list {
		shown[e.Value.Room.ID] = e.Value
		if _, there := docs[e.Value.Room.ID]; !there && !e.Value.Gone() {
			wrong = append(wrong, fmt.Sprintf("room %s is shown and not stored", e.Value.Room.Name))
		}
	}
	seesPrivate := w.bot.Snapshot(w.guild).Settings.ManagersSeePrivate
	for id, r := range docs {
		show, want := shown[id].Room, r.Summary(seesPrivate)
		a := &show.Access // without what follows from Discord
		show.LiveSince, a.Channel, a.Gates, a.GuestsPastGate = want.LiveSince, nil, nil, false
		if x, y := jsonOf(show), jsonOf(want); x != y {
			wrong = append(wrong, fmt.Sprintf("room %s is shown as\n%s, not\n%s", r.Name, x, y))
		}
	}
	return wrong
}

// checkMemory compares the rooms in memory with those stored.
func (w *world) checkMemory(docs map[snowflake.ID]room.Room, say func(string, ...any)) {
	open := map[snowflake.ID]bool{}
	for _, r := range w.bot.Snapshot(w.guild).Rooms {
		open[r.ID] = true
		if a, b := jsonOf(stored(r)), jsonOf(docs[r.ID]); a != b {
			say("room %s in memory is not the one stored:\n%s\n%s", r.Name, a, b)
		}
	}
	for id, r := range docs {
		if !open[id] && r.State == room.Open {
			say("room %s is stored and not in memory", r.Name)
		}
	}
}

// checkRoom compares a stored room with Discord.
func (w *world) checkRoom(r room.Room, now roomstest.State) (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	c, there := now.Channels[r.ID]
	switch {
	case r.State != room.Open:
		say("is %s", r.State)
		return wrong
	case !there:
		say("has no channel")
		return wrong
	case r.Pending.Any():
		say("calls are pending: %s", jsonOf(r.Pending))
	}
	inside := now.Inside(r.ID)
	if c.Name != r.Name || c.ParentID != r.CategoryID || r.Renames.Wanted != "" {
		say("its channel is called %s in %d, the room %s in %d, and %q is wanted", c.Name, c.ParentID, r.Name,
			r.CategoryID, r.Renames.Wanted)
	}
	if limit := wantLimit(r, inside); c.UserLimit != limit || cmp.Or(r.Limit, r.Seats) != limit {
		say("its channel has %d seats and the room noted %d, not %d", c.UserLimit, r.Limit, limit)
	}
	if c.Status != r.Status {
		say("its channel's status is %q, the room's %q", c.Status, r.Status)
	}
	if want := w.wantOverwrites(r); !maps.Equal(want, c.Overwrites) {
		say("its channel has overwrites %v, not %v", jsonOf(c.Overwrites), jsonOf(want))
	}
	if len(r.Outbox) > 0 {
		say("%d entries are not published", len(r.Outbox))
	}
	wrong = append(wrong, w.checkPeople(r, inside)...)
	wrong = append(wrong, checkInvites(r, now)...)
	var roster []snowflake.ID
	for _, p := range w.bot.Roster(w.guild, r.ID) {
		roster = append(roster, p.UserID)
	}
	if slices.Sort(roster); !slices.Equal(roster, inside) {
		say("its roster is %v, and inside are %v", roster, inside)
	}
	return wrong
}

// wantLimit is the user limit that a room's channel should have.
func wantLimit(r room.Room, inside []snowflake.ID) int {
	limit := r.Seats
	if slices.Contains(inside, jukebox) || r.Guest(jukebox) != nil {
		limit++
	}
	return limit
}

// wantOverwrites are the overwrites that a room's channel should have.
func (w *world) wantOverwrites(r room.Room) map[snowflake.ID]access.Overwrite {
	list := map[snowflake.ID]access.Overwrite{
		roomstest.BotID: {ID: roomstest.BotID, Member: true, Allow: access.Enter | access.MoveMembers},
	}
	if closed := room.EveryoneDenied(r.Private, r.Locked, r.Hidden); closed != 0 {
		list[w.guild] = access.Overwrite{ID: w.guild, Deny: closed}
		for _, role := range w.bot.Snapshot(w.guild).Settings.HelperRoles {
			list[role] = access.Overwrite{ID: role, Allow: access.Enter}
		}
	}
	for u, deny := range w.denials {
		list[u] = access.Overwrite{ID: u, Member: true, Deny: deny}
	}
	for _, g := range r.Guests {
		if g.Suspended == access.Passes {
			list[g.UserID] = access.Overwrite{ID: g.UserID, Member: true, Allow: access.Enter}
		}
	}
	for _, b := range r.Bans {
		list[b.UserID] = access.Overwrite{ID: b.UserID, Member: true, Deny: access.Enter}
	}
	if r.OwnerSuspended == access.Passes {
		list[r.OwnerID] = access.Overwrite{ID: r.OwnerID, Member: true, Allow: access.Enter}
	}
	return list
}

// checkPeople checks who is inside a room, let in, waiting and kept out.
func (w *world) checkPeople(r room.Room, inside []snowflake.ID) (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	humans := slices.DeleteFunc(slices.Clone(inside), func(u snowflake.ID) bool { return u == jukebox })
	if len(humans) > r.Seats {
		say("%d people are inside, and there are %d seats", len(humans), r.Seats)
	}
	for _, u := range inside {
		if r.Banned(u) {
			say("%s is inside and banned", names[u])
		}
		if _, placed := r.SuspendedFor(u); r.Private && !placed && u != jukebox { // a moderator moved it in
			say("%s is inside and was not let in", names[u])
		}
	}
	lists := map[string][]snowflake.ID{}
	for _, g := range r.Guests {
		lists["guests"] = append(lists["guests"], g.UserID)
		if r.Banned(g.UserID) || g.UserID == r.OwnerID || r.Arrival(g.UserID) != nil {
			say("%s is a guest and something else", names[g.UserID])
		}
	}
	for _, b := range r.Bans {
		lists["bans"] = append(lists["bans"], b.UserID)
		if b.UserID == r.OwnerID || r.Arrival(b.UserID) != nil || r.Knock(b.UserID) != nil || r.Place(b.UserID) > 0 {
			say("%s is banned and something else", names[b.UserID])
		}
	}
	held := 0
	for _, h := range r.Holds {
		if lists["holds"] = append(lists["holds"], h.UserID); !w.clock.Now().Before(h.Until) {
			say("the hold for %s has ended", names[h.UserID])
		}
		if slices.Contains(inside, h.UserID) {
			say("a seat is held for %s, who has one", names[h.UserID])
		} else {
			held++
		}
	}
	if len(humans)+held > r.Seats {
		say("%d people are inside and %d seats are held, of %d", len(humans), held, r.Seats)
	}
	for _, q := range r.Waiting {
		if lists["waiting"] = append(lists["waiting"], q.UserID); slices.Contains(inside, q.UserID) {
			say("%s waits for a seat and has one", names[q.UserID])
		}
	}
	for _, q := range r.Knocks {
		lists["knocks"] = append(lists["knocks"], q.UserID)
	}
	for _, v := range r.Invites {
		lists["redeemers of "+v.ID] = v.Redeemers
		if len(v.Redeemers) > v.MaxUses {
			say("an invite was used %d times, and is for %d", len(v.Redeemers), v.MaxUses)
		}
	}
	for what, list := range lists {
		slices.Sort(list)
		if len(slices.Compact(slices.Clone(list))) < len(list) {
			say("somebody is twice in %s: %v", what, list)
		}
	}
	if empty := len(humans) == 0; empty == r.Idle.EmptySince.IsZero() {
		say("it counts as empty since %v with %v inside", r.Idle.EmptySince, inside)
	}
	if away := !slices.Contains(inside, r.OwnerID); away == r.OwnerLeftAt.IsZero() {
		say("its owner counts as away since %v with %v inside", r.OwnerLeftAt, inside)
	}
	return wrong
}

// checkInvites compares Discord's invites with those that arrivals need.
func checkInvites(r room.Room, now roomstest.State) (wrong []string) {
	var have, want []string
	for code, channel := range now.Invites {
		if channel == r.ID {
			have = append(have, code)
		}
	}
	for _, a := range r.Arrivals {
		if a.Code != "" {
			want = append(want, a.Code)
		}
	}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) || len(r.SpentInvites) > 0 {
		wrong = append(wrong, fmt.Sprintf("Discord has invites %v, arrivals have %v, %v are to be revoked", have, want,
			r.SpentInvites))
	}
	return wrong
}

// consistent fails the test for whatever check finds.
func (w *world) consistent() {
	w.Helper()
	for _, what := range w.check() {
		w.Error(what)
	}
}

// stored returns a room as it is after it was stored and read.
func stored(r room.Room) (out room.Room) {
	b, err := json.Marshal(r)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		panic(err)
	}
	return out
}

func jsonOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
