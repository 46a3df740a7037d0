// Package roomstest has a Discord server in memory for tests of rooms, and rooms that run on it and on a hub.
// Only tests import it.
package roomstest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/rooms"
	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/room"
)

// Discord's limits that the fake holds to.
const (
	maxAtOnce    = 100 // overwrites in the request that creates a channel
	maxPerCall   = 20  // overwrites that one SetAccess changes
	maxInGuild   = 500 // channels
	maxInParent  = 50  // channels in a category
	renameBudget = 2
	renameWindow = 10 * time.Minute
)

// mark is what the bot's own overwrite allows on channels that Snug created.
const mark = access.Enter | access.MoveMembers

// Discord is a server in memory that does what package rooms asks of it, as strictly as Discord where
// rooms depends on it. The events that follow a change are collected, and a test delivers them.
type Discord struct {
	now   func() time.Time
	guild snowflake.ID
	bot   snowflake.ID
	woken chan struct{} // holds a token while there are events

	mu        sync.Mutex
	owner     snowflake.ID
	roles     access.Roles
	roleNames map[snowflake.ID]string
	lastID    snowflake.ID
	channels  map[snowflake.ID]*channel
	members   map[snowflake.ID]*access.Standing
	tokens    map[snowflake.ID]string // by user
	outside   map[snowflake.ID]string // names of users who are not in the server
	voice     map[snowflake.ID]snowflake.ID
	invites   map[string]invite
	badNames  []string // words that no channel's name may contain
	afk       snowflake.ID
	mayNot    map[snowflake.ID]bool // members who may not create invites
	denied    map[string]bool       // permissions the bot lacks
	events    []event
	emitted   int        // events so far
	muted     bool       // nothing that happens is an event
	breaks    bool       // the next SetAccess fails after its first change
	following bool       // a Bot is being told events
	caughtUp  *sync.Cond // on mu; for changes of events and following
	around    Around
}

type channel struct {
	rooms.Channel
	overwrites map[snowflake.ID]access.Overwrite
	status     string
	since      time.Time // when the first of those inside joined; zero: nobody is
	renames    []time.Time
	hidden     bool // from the bot
}

type invite struct {
	channel, user snowflake.ID
	byBot         bool
}

// event is what Discord tells over the gateway without the members intent. One field is set.
type event struct {
	changed, deleted snowflake.ID
	voice, in        snowflake.ID // whose voice state changed, and the channel they are in since
	status           snowflake.ID // the channel whose status changed
	info             bool         // the answer to a request at asked
	asked            time.Time
}

// NewDiscord returns a server where @everyone may see and enter voice channels, without members and channels.
func NewDiscord(guild snowflake.ID, now func() time.Time) *Discord {
	d := &Discord{
		now: now, guild: guild, bot: BotID, woken: make(chan struct{}, 1),
		roles: access.Roles{guild: access.Enter}, roleNames: map[snowflake.ID]string{},
		channels: map[snowflake.ID]*channel{}, members: map[snowflake.ID]*access.Standing{},
		outside: map[snowflake.ID]string{}, voice: map[snowflake.ID]snowflake.ID{}, invites: map[string]invite{},
		tokens: map[snowflake.ID]string{}, mayNot: map[snowflake.ID]bool{}, denied: map[string]bool{},
		around: func(_ string, do func() error) error { return do() },
	}
	d.caughtUp = sync.NewCond(&d.mu)
	return d
}

// newID returns the id of something created now.
func (d *Discord) newID() snowflake.ID {
	d.lastID = max(d.lastID+1, snowflake.New(d.now()))
	return d.lastID
}

func gone(what string) error {
	return errs.E(errs.NotFound, "Discord can't find it. Check whether it still exists.").
		Because(fmt.Errorf("fake: no %s", what))
}

func (d *Discord) channel(id snowflake.ID) (*channel, error) {
	c := d.channels[id]
	if c == nil {
		return nil, gone("channel " + id.String())
	}
	if c.hidden {
		return nil, refused()
	}
	return c, nil
}

func refused() error {
	return errs.E(errs.MissingPermission, "Snug needs a permission to do that: Manage Channels.")
}

// ---- what tests and people do

// AddUser adds a user who is not in the server.
func (d *Discord) AddUser(id snowflake.ID, name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.outside[id] = name
}

// SetMember adds a member, or gives one these roles alone and all else anew.
func (d *Discord) SetMember(id snowflake.ID, username, displayName string, roles ...snowflake.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.outside, id)
	d.members[id] = &access.Standing{
		GuildID: d.guild, UserID: id, Member: true, Roles: roles, Username: username,
		DisplayName: displayName,
	}
}

// EditMember changes what a member is.
func (d *Discord) EditMember(id snowflake.ID, change func(*access.Standing)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d.members[id])
}

// AddRole adds a role.
func (d *Discord) AddRole(id snowflake.ID, name string, permissions access.Permissions) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.roles[id], d.roleNames[id] = permissions, name
}

// emit collects an event. The caller holds mu.
func (d *Discord) emit(e event) {
	if d.muted {
		return
	}
	d.events, d.emitted = append(d.events, e), d.emitted+1
	select {
	case d.woken <- struct{}{}:
	default:
	}
}

// RemoveMember has a member leave the server.
func (d *Discord) RemoveMember(id snowflake.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.outside[id] = d.members[id].Username
	delete(d.members, id)
	d.setVoice(id, 0)
	for _, c := range d.channels {
		delete(c.overwrites, id)
	}
}

// AddChannel adds a channel that Snug did not create.
func (d *Discord) AddChannel(kind rooms.Kind, name string, parent snowflake.ID) snowflake.ID {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.create(kind, name, parent).ID
}

func (d *Discord) create(kind rooms.Kind, name string, parent snowflake.ID) *channel {
	c := &channel{
		Channel:    rooms.Channel{ID: d.newID(), Name: name, Kind: kind, ParentID: parent},
		overwrites: map[snowflake.ID]access.Overwrite{},
	}
	d.channels[c.ID] = c
	d.emit(event{changed: c.ID})
	return c
}

// SetOverwrite sets an overwrite of a channel, as somebody in Discord does.
func (d *Discord) SetOverwrite(channel snowflake.ID, o access.Overwrite) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.channels[channel].overwrites[o.ID] = o
	d.emit(event{changed: channel})
}

// SetParent moves a channel into a category, as somebody in Discord does.
func (d *Discord) SetParent(channel, category snowflake.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.channels[channel].ParentID = category
	d.emit(event{changed: channel})
}

func (d *Discord) remove(id snowflake.ID) {
	if d.channels[id] == nil {
		return
	}
	delete(d.channels, id)
	for _, c := range d.channels {
		if c.ParentID == id {
			c.ParentID = 0
		}
	}
	for user, in := range d.voice {
		if in == id {
			d.setVoice(user, 0)
		}
	}
	maps.DeleteFunc(d.invites, func(_ string, i invite) bool { return i.channel == id })
	d.emit(event{deleted: id})
}

func (d *Discord) setVoice(user, to snowflake.ID) {
	from := d.voice[user]
	if from == to {
		return
	}
	if d.voice[user] = to; to == 0 {
		delete(d.voice, user)
	}
	d.emit(event{voice: user, in: to})
	if c := d.channels[from]; c != nil && len(d.inside(from)) == 0 {
		c.status, c.since = "", time.Time{}
	}
	if c := d.channels[to]; c != nil && c.since.IsZero() {
		c.since = d.now()
	}
}

// inside lists who is in a voice channel.
func (d *Discord) inside(channel snowflake.ID) (users []snowflake.ID) {
	for _, user := range slices.Sorted(maps.Keys(d.voice)) {
		if d.voice[user] == channel {
			users = append(users, user)
		}
	}
	return users
}

// Join has a member join a voice channel themselves. It fails where Discord does not let them.
func (d *Discord) Join(user, channel snowflake.ID) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, m := d.channels[channel], d.members[user]
	if c == nil || m == nil {
		return gone("channel or member")
	}
	p := d.standing(user).PermissionsIn(slices.Collect(maps.Values(c.overwrites)))
	if !p.Has(access.Enter) || c.UserLimit > 0 && len(d.inside(channel)) >= c.UserLimit && !p.Has(access.MoveMembers) {
		return fmt.Errorf("Discord does not let %s into %s", m.Username, c.Name)
	}
	d.setVoice(user, channel)
	return nil
}

// Leave has a member leave voice.
func (d *Discord) Leave(user snowflake.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.setVoice(user, 0)
}

// Accept has a user accept a Discord invite, which only who it is for can, once.
func (d *Discord) Accept(user snowflake.ID, code string) error {
	d.mu.Lock()
	i, there := d.invites[code]
	name, out := d.outside[user]
	delete(d.invites, code)
	d.mu.Unlock()
	if !there || i.user != user || !out {
		return fmt.Errorf("no invite %q for %s", code, user)
	}
	d.SetMember(user, name, name)
	return nil
}

// takeEvents returns the events since the last call.
func (d *Discord) takeEvents() []event {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := d.events
	d.events, d.following = nil, true
	return list
}

// followed ends what takeEvents began: the Bot has been told the events.
func (d *Discord) followed() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.following = false
	d.caughtUp.Broadcast()
}

func (d *Discord) awaitFollowed() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.events) > 0 || d.following {
		d.caughtUp.Wait()
	}
}

// Emitted counts the events so far.
func (d *Discord) Emitted() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.emitted
}

// requestInfo has the statuses and start times of voice channels told.
func (d *Discord) requestInfo() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.emit(event{info: true, asked: time.Now()})
}

// info returns what channels have while somebody is in them.
func (d *Discord) info() map[snowflake.ID]rooms.ChannelInfo {
	out := map[snowflake.ID]rooms.ChannelInfo{}
	for id, c := range d.channels {
		if c.status != "" || !c.since.IsZero() {
			out[id] = rooms.ChannelInfo{Status: c.status, Since: c.since}
		}
	}
	return out
}

func (d *Discord) state(user snowflake.ID) (discord.VoiceState, discord.Member) {
	s := discord.VoiceState{GuildID: d.guild, UserID: user}
	if in := d.voice[user]; in != 0 {
		s.ChannelID = &in
	}
	m := discord.Member{GuildID: d.guild, User: discord.User{ID: user}}
	if who := d.members[user]; who != nil {
		m.User.Username, m.User.Bot = who.Username, who.Bot
		m.User.GlobalName = &who.DisplayName
	}
	return s, m
}

// ---- rooms.Discord

// view returns a channel as the bot sees it.
func (d *Discord) view(c *channel) rooms.Channel {
	out := c.Channel
	for _, id := range slices.Sorted(maps.Keys(c.overwrites)) {
		o := c.overwrites[id]
		switch {
		case id == d.guild:
			out.Hides, out.Locks = o.Deny.Has(access.ViewChannel), o.Deny.Has(access.Connect)
		case id == d.bot:
			out.Marked = o.Allow == mark && o.Deny == 0
		case !o.Member:
		case o.Allow.Has(access.Enter):
			out.Admitted = append(out.Admitted, id)
		case o.Deny.Has(access.Connect):
			out.Banned = append(out.Banned, id)
		}
		if o.Member && o.Deny&access.Enter != 0 {
			out.Denied = append(out.Denied, id)
		}
	}
	return out
}

// byOthers returns what a member overwrite that is not Snug's denies a user.
func byOthers(have map[snowflake.ID]access.Overwrite, user snowflake.ID, a rooms.RoomAccess) access.Permissions {
	deny := have[user].Deny
	if stood, lifted := a.PendingUnbans[user]; lifted {
		deny = deny&^access.Enter | stood
	}
	return deny
}

// want returns the overwrites that a room's channel should have, the most needed first.
func (d *Discord) want(a rooms.RoomAccess, have map[snowflake.ID]access.Overwrite) []access.Overwrite {
	list := []access.Overwrite{{ID: d.bot, Member: true, Allow: mark}}
	put := func(o access.Overwrite) {
		if !slices.ContainsFunc(list, func(x access.Overwrite) bool { return x.ID == o.ID }) {
			list = append(list, o)
		}
	}
	admit := func(user snowflake.ID) {
		deny := byOthers(have, user, a)
		put(access.Overwrite{ID: user, Member: true, Allow: access.Enter &^ deny, Deny: deny})
	}
	if closed := room.EveryoneDenied(a.Private, a.Locked, a.Hidden); closed != 0 {
		put(access.Overwrite{ID: d.guild, Deny: closed})
		for _, role := range a.Helpers {
			put(access.Overwrite{ID: role, Allow: access.Enter})
		}
	}
	if a.OwnerID != 0 {
		admit(a.OwnerID)
	}
	for _, u := range a.Banned {
		put(access.Overwrite{ID: u, Member: true, Deny: access.Enter | byOthers(have, u, a)})
	}
	for _, u := range slices.Sorted(maps.Keys(have)) { // what others denied by name stays
		o := have[u]
		if deny := byOthers(have, u, a); o.Member && u != d.bot && deny != 0 && !slices.Contains(a.Guests, u) {
			put(access.Overwrite{ID: u, Member: true, Deny: deny})
		}
	}
	for _, u := range a.Guests {
		admit(u)
	}
	return list
}

func (d *Discord) CreateRoomChannel(
	_ context.Context, in room.PendingCreate, a rooms.RoomAccess,
) (snowflake.ID, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.mayCreate(in.Name, in.CategoryID); err != nil {
		return 0, false, err
	}
	c := d.create(rooms.KindVoice, in.Name, in.CategoryID)
	c.UserLimit = in.Seats
	list := d.want(a, nil)
	for _, o := range list[:min(len(list), maxAtOnce)] {
		c.overwrites[o.ID] = o
	}
	return c.ID, len(list) <= maxAtOnce, nil
}

// mayCreate fails where Discord would.
func (d *Discord) mayCreate(name string, parent snowflake.ID) error {
	in, p := 0, d.channels[parent]
	for _, c := range d.channels {
		if c.ParentID == parent {
			in++
		}
	}
	switch {
	case slices.ContainsFunc(d.badNames, func(w string) bool { return strings.Contains(name, w) }):
		return errs.E(errs.Invalid, "Discord does not allow these words here.").Because(rooms.ErrNameNotAllowed)
	case parent != 0 && (p == nil || p.Kind != rooms.KindCategory):
		return errs.E(errs.Invalid, "The category does not exist any more.").Because(rooms.ErrCategoryGone)
	case parent != 0 && in >= maxInParent:
		return errs.E(errs.Invalid, "The category is full.").Because(rooms.ErrCategoryFull)
	case len(d.channels) >= maxInGuild:
		return errs.E(errs.RoomLimit, "This server has as many channels as Discord allows (500).")
	}
	return nil
}

func (d *Discord) CreateLobby(
	_ context.Context, _, category snowflake.ID, name string,
) (snowflake.ID, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.mayCreate(name, category); err != nil {
		return 0, err
	}
	c := d.create(rooms.KindVoice, name, category)
	c.overwrites[d.bot] = access.Overwrite{ID: d.bot, Member: true, Allow: mark}
	return c.ID, nil
}

func (d *Discord) CreateCategory(
	_ context.Context, _ snowflake.ID, name string, like snowflake.ID,
) (snowflake.ID, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.mayCreate(name, 0); err != nil {
		return 0, err
	}
	c := d.create(rooms.KindCategory, name, 0)
	if l := d.channels[like]; l != nil {
		maps.Copy(c.overwrites, l.overwrites)
	}
	c.overwrites[d.bot] = access.Overwrite{ID: d.bot, Member: true, Allow: mark}
	return c.ID, nil
}

func (d *Discord) DeleteChannel(_ context.Context, id snowflake.ID, _ string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.remove(id)
	return nil
}

func (d *Discord) FetchChannel(_ context.Context, _, id snowflake.ID) (rooms.Channel, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.channel(id)
	if err != nil {
		return rooms.Channel{}, err
	}
	return d.view(c), nil
}

func (d *Discord) Channels(context.Context, snowflake.ID) ([]rooms.Channel, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.all(), nil
}

func (d *Discord) all() (list []rooms.Channel) {
	for _, id := range slices.Sorted(maps.Keys(d.channels)) {
		list = append(list, d.listed(d.channels[id]))
	}
	return list
}

// listed returns a channel as lists and events show it to the bot.
func (d *Discord) listed(c *channel) rooms.Channel {
	if c.hidden {
		return rooms.Channel{ID: c.ID, ParentID: c.ParentID, Kind: c.Kind, Unseen: true}
	}
	return d.view(c)
}

func (d *Discord) SetAccess(
	_ context.Context, channel snowflake.ID, a rooms.RoomAccess, _ string,
) (more bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.channel(channel)
	if err != nil {
		return false, err
	}
	list, changed, most := d.want(a, c.overwrites), 0, maxPerCall
	breaks := d.breaks
	if d.breaks = false; breaks {
		most = 1
	}
	step := func(id snowflake.ID, o access.Overwrite, remove bool) {
		if have, there := c.overwrites[id]; there == !remove && (remove || have == o) {
			return
		}
		if changed++; changed > most {
			more = true
			return
		}
		if c.overwrites[id] = o; remove {
			delete(c.overwrites, id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.overwrites)) { // what takes away comes first
		if !slices.ContainsFunc(list, func(o access.Overwrite) bool { return o.ID == id }) {
			step(id, access.Overwrite{}, true)
		}
	}
	for _, o := range list {
		step(o.ID, o, false)
	}
	d.emit(event{changed: channel})
	if breaks {
		return false, fmt.Errorf("%w: %w", rooms.ErrPartial, refused())
	}
	return more, nil
}

func (d *Discord) Admit(_ context.Context, channel, user snowflake.ID, a rooms.RoomAccess, _ string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.channel(channel)
	if err != nil {
		return err
	}
	deny := byOthers(c.overwrites, user, a)
	c.overwrites[user] = access.Overwrite{ID: user, Member: true, Allow: access.Enter &^ deny, Deny: deny}
	d.emit(event{changed: channel})
	return nil
}

func (d *Discord) Expel(
	_ context.Context, channel, user snowflake.ID, ban bool, a rooms.RoomAccess, _ string,
) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.channel(channel)
	if errs.Has(err, errs.NotFound) && !ban {
		return nil
	}
	if err != nil {
		return err
	}
	o := access.Overwrite{ID: user, Member: true, Deny: byOthers(c.overwrites, user, a)}
	if ban {
		o.Deny |= access.Enter
	}
	if c.overwrites[user] = o; o.Deny == 0 {
		delete(c.overwrites, user)
	}
	d.emit(event{changed: channel})
	return nil
}

func (d *Discord) Deny(_ context.Context, channel snowflake.ID, o access.Overwrite, _ string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.channel(channel)
	if err != nil {
		return err
	}
	o.Deny |= c.overwrites[o.ID].Deny
	o.Allow = c.overwrites[o.ID].Allow &^ o.Deny
	c.overwrites[o.ID] = o
	d.emit(event{changed: channel})
	return nil
}

func (d *Discord) Move(_ context.Context, _, user, _, to snowflake.ID, _ string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.voice[user] == 0 {
		return errs.E(errs.NotInVoice, "You aren't connected to voice. Join a voice channel first.")
	}
	if to != 0 {
		if c, err := d.channel(to); err != nil || c.Kind != rooms.KindVoice {
			return cmp.Or(err, gone("voice channel"))
		}
	}
	d.setVoice(user, to)
	return nil
}

func (d *Discord) Rename(_ context.Context, channel snowflake.ID, name, _ string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.channel(channel)
	if err != nil {
		return err
	}
	now := d.now()
	c.renames = slices.DeleteFunc(c.renames, func(at time.Time) bool { return now.Sub(at) >= renameWindow })
	if len(c.renames) >= renameBudget {
		wait := c.renames[0].Add(renameWindow).Sub(now)
		return errs.E(errs.RateLimited, "Discord asks Snug to slow down.").After(wait)
	}
	if slices.ContainsFunc(d.badNames, func(w string) bool { return strings.Contains(name, w) }) {
		return errs.E(errs.Invalid, "Discord does not allow these words here.").Because(rooms.ErrNameNotAllowed)
	}
	c.renames, c.Name = append(c.renames, now), name
	d.emit(event{changed: channel})
	return nil
}

func (d *Discord) SetLimit(_ context.Context, channel snowflake.ID, limit int, _ string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.channel(channel)
	if err != nil {
		return err
	}
	c.UserLimit = limit
	d.emit(event{changed: channel})
	return nil
}

func (d *Discord) SetStatus(_ context.Context, channel snowflake.ID, status, _ string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.channel(channel)
	if err != nil {
		return err
	}
	c.status = status
	d.emit(event{status: channel})
	return nil
}

func (d *Discord) standing(user snowflake.ID) access.Standing {
	m := d.members[user]
	if m == nil {
		return access.Standing{GuildID: d.guild, UserID: user, Username: d.outside[user], CheckedAt: d.now()}
	}
	s := *m
	s.CheckedAt = d.now()
	return s.WithGuild(access.Guild{OwnerID: d.owner, Roles: d.roles})
}

func (d *Discord) Standing(_ context.Context, _, user snowflake.ID) (access.Standing, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.standing(user), nil
}

// Place knows every change at once: soon makes no difference but for a channel on its way.
func (d *Discord) Place(channel, lobby snowflake.ID, a rooms.RoomAccess, _ bool) rooms.Place {
	d.mu.Lock()
	defer d.mu.Unlock()
	none := func(snowflake.ID) bool { return false }
	gate, parent := d.channels[lobby], d.channels[a.CategoryID]
	if gate == nil {
		gate = parent
	}
	var gates []access.Overwrite
	if gate != nil {
		gates = slices.DeleteFunc(slices.Collect(maps.Values(gate.overwrites)),
			func(o access.Overwrite) bool { return o.ID == d.bot })
	}
	out := rooms.Place{Gates: [][]access.Overwrite{access.Gate(d.guild, gates, none)}}
	list := []access.Overwrite{{ID: d.guild, Deny: room.EveryoneDenied(a.Private, a.Locked, a.Hidden)}}
	if c := d.channels[channel]; c != nil {
		list = slices.DeleteFunc(slices.Collect(maps.Values(c.overwrites)), func(o access.Overwrite) bool {
			mine := o.ID == d.bot || o.Member && (slices.Contains(a.Banned, o.ID) ||
				(o.ID == a.OwnerID || slices.Contains(a.Guests, o.ID)) && o.Deny&access.Enter == 0)
			return mine
		})
	}
	out.Channel = access.Compact(list, access.ChannelMask)
	if byHand := d.denials(channel, a); len(byHand) > 0 {
		out.Gates = append(out.Gates, byHand)
	}
	return out
}

// denials returns what others deny members by name on a room's channel, which is a gate too.
func (d *Discord) denials(channel snowflake.ID, a rooms.RoomAccess) (gate []access.Overwrite) {
	c := d.channels[channel]
	if c == nil {
		return nil
	}
	for _, u := range slices.Sorted(maps.Keys(c.overwrites)) {
		deny := byOthers(c.overwrites, u, a) & access.Enter
		if o := c.overwrites[u]; o.Member && deny != 0 && !slices.Contains(a.Banned, u) {
			gate = append(gate, access.Overwrite{ID: u, Member: true, Deny: deny})
		}
	}
	return gate
}

func (d *Discord) Guild(snowflake.ID) access.Guild {
	d.mu.Lock()
	defer d.mu.Unlock()
	return access.Guild{OwnerID: d.owner, Roles: d.roles.Compact(d.guild, access.RoleMask)}
}

func (d *Discord) AFK(_, channel snowflake.ID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.afk != 0 && channel == d.afk
}

func (d *Discord) CanEnter(channel snowflake.ID, s access.Standing) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.channels[channel]
	return c != nil && s.PermissionsIn(slices.Collect(maps.Values(c.overwrites))).Has(access.Enter)
}

func (d *Discord) BotRole(_, _ snowflake.ID) bool { return false }

func (d *Discord) RoleNames(_ snowflake.ID, roles []snowflake.ID) (names []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range roles {
		names = append(names, d.roleNames[r])
	}
	return names
}

func (d *Discord) AddMember(_ context.Context, _, user snowflake.ID, accessToken string) error {
	d.mu.Lock()
	name, out := d.outside[user]
	d.mu.Unlock()
	if accessToken == "" {
		return errs.E(errs.GuildJoinDenied, "Your sign-in does not let Snug bring you into the server.")
	}
	if out {
		d.SetMember(user, name, name)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tokens[user] = accessToken
	return nil
}

// Token returns the access token with which AddMember was called for a user last; "" for none.
func (d *Discord) Token(user snowflake.ID) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tokens[user]
}

func (d *Discord) MayInvite(_ context.Context, _, _, user snowflake.ID) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.members[user] != nil && !d.mayNot[user], nil
}

func (d *Discord) CreateInvite(
	_ context.Context, channel, user snowflake.ID, _ time.Duration, _ string,
) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.channel(channel); err != nil {
		return "", err
	}
	code := "code" + d.newID().String()
	d.invites[code] = invite{channel: channel, user: user, byBot: true}
	return code, nil
}

func (d *Discord) DeleteInvite(_ context.Context, code, _ string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.invites, code)
	return nil
}

func (d *Discord) ListInvites(_ context.Context, channel snowflake.ID) (codes []string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, code := range slices.Sorted(maps.Keys(d.invites)) {
		if i := d.invites[code]; i.channel == channel && i.byBot {
			codes = append(codes, code)
		}
	}
	return codes, nil
}

func (d *Discord) Permissions(
	_ context.Context, guild snowflake.ID, places []rooms.Channel,
) (out []rooms.Permission, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, name := range []string{"View Channels", "Manage Channels"} {
		for _, p := range append([]rooms.Channel{{ID: guild}}, places...) {
			out = append(out, rooms.Permission{
				Name: name, Why: "open rooms", Where: p.ID, Granted: !d.denied[name] && !p.Unseen,
			})
		}
	}
	return out, nil
}
