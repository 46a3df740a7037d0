package rest

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// guild returns the guild in the path and the bot's membership in it.
func (c *call) guild() (*world.Guild, *world.Member, error) {
	g := c.Guilds[c.id("guild")]
	if g == nil {
		return nil, nil, form.UnknownGuild()
	}
	m := g.Members[c.me().ID]
	if m == nil { // guilds that the bot isn't in are unknown to it
		return nil, nil, form.UnknownGuild()
	}
	return g, m, nil
}

// guildWith also checks a permission in the guild.
func (c *call) guildWith(p world.Permissions) (*world.Guild, *world.Member, error) {
	g, m, err := c.guild()
	if err == nil && !c.BasePerms(g, m).Has(p) {
		err = form.MissingPermissions()
	}
	if err == nil {
		err = c.checkTwoFactor(g, p)
	}
	return g, m, err
}

// channel returns the channel in the path, which the bot must be able to view.
func (c *call) channel() (*world.Channel, error) {
	ch := c.Channels[c.id("channel")]
	switch {
	case ch == nil:
		return nil, form.UnknownChannel()
	case !c.CanSee(c.me().ID, ch):
		return nil, form.MissingAccess()
	}
	return ch, nil
}

// channelWith also checks a permission in a guild's channel.
func (c *call) channelWith(p world.Permissions) (*world.Guild, *world.Member, *world.Channel, error) {
	ch, err := c.channel()
	if err != nil {
		return nil, nil, nil, err
	}
	if ch.Guild == 0 {
		return nil, nil, nil, form.Fail(403, 50003, "Cannot execute action on a DM channel")
	}
	g := c.Guilds[ch.Guild]
	m := g.Members[c.me().ID]
	if !c.PermsIn(g, m, ch).Has(p) {
		return nil, nil, nil, form.MissingPermissions()
	}
	if err := c.checkTwoFactor(g, p); err != nil {
		return nil, nil, nil, err
	}
	return g, m, ch, nil
}

func getGuildChannels(c *call) (int, any, error) {
	g, _, err := c.guild()
	if err != nil {
		return 0, nil, err
	}
	list := []world.WireChannel{}
	for _, ch := range g.SortedChannels() {
		if !c.HiddenFrom(g, c.me().ID, ch) {
			list = append(list, ch.Wire())
		}
	}
	return 200, list, nil
}

func getChannel(c *call) (int, any, error) {
	ch, err := c.channel()
	if err != nil {
		return 0, nil, err
	}
	if ch.Guild == 0 {
		return 200, c.WireDMFor(ch, c.me().ID), nil
	}
	if ch.Thread != nil {
		return 200, c.WireThread(ch, c.me().ID), nil
	}
	return 200, ch.Wire(), nil
}

func createChannel(c *call) (int, any, error) {
	g, m, err := c.guildWith(world.PermManageChannels)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	kind := world.ChannelType(f.Choice("type", 0, 2, 4, 5, 13, 15))
	draft := &world.Channel{Guild: g.ID, Kind: kind}
	f.Required("name")
	c.readChannel(f, g, draft, true)
	if err := checkWords(g, f, draft.Name); err != nil {
		return 0, nil, err
	}
	ows := c.readOverwrites(f, g)
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	if len(g.Channels) >= c.Opts.Limits.Channels {
		return 0, nil, form.Fail(400, 30013,
			"Maximum number of guild channels reached ("+strconv.Itoa(c.Opts.Limits.Channels)+")")
	}
	if p := g.Channels[draft.Parent]; p != nil && !c.PermsIn(g, m, p).Has(world.PermManageChannels) {
		return 0, nil, form.MissingPermissions()
	}
	if err := c.checkOverwrites(g, m, nil, nil, ows); err != nil {
		return 0, nil, err
	}
	ch := c.NewChannel(g, kind, draft.Name)
	draft.ID = ch.ID
	if !f.Given("position") {
		draft.Position = ch.Position
	}
	draft.Bitrate = cmp.Or(draft.Bitrate, ch.Bitrate)
	draft.Quality = cmp.Or(draft.Quality, ch.Quality)
	*ch = *draft
	ch.Overwrites = ows
	if ows == nil && g.Channels[ch.Parent] != nil {
		ch.Overwrites = slices.Clone(g.Channels[ch.Parent].Overwrites)
	}
	c.ChannelEvent("CHANNEL_CREATE", ch)
	c.audit(g, auditChannelCreate, ch.ID,
		world.Change{Key: "name", Old: nil, New: ch.Name}, world.Change{Key: "type", Old: nil, New: int(ch.Kind)})
	return 201, ch.Wire(), nil
}

// readChannel reads a request's channel into ch.
func (c *call) readChannel(f *form.Form, g *world.Guild, ch *world.Channel, create bool) {
	if f.Has("name") && (create || !f.IsNull("name")) {
		name := f.Str("name", 1, 100)
		if ch.Kind == world.ChannelText || ch.Kind == world.ChannelAnnouncement {
			name = world.TextName(name)
		}
		ch.Name = name
	}
	if f.Has("topic") {
		limit := 1024
		if ch.Kind == world.ChannelForum {
			limit = 4096
		}
		ch.Topic = world.Optional(f.Str("topic", 0, limit))
	}
	if f.Given("position") {
		ch.Position = f.Num("position", 0, math.MaxInt32)
	}
	if f.Given("nsfw") {
		ch.NSFW = f.Yes("nsfw")
	}
	if f.Has("rate_limit_per_user") {
		ch.Slowmode = f.Num("rate_limit_per_user", 0, 21600)
	}
	if f.Given("default_auto_archive_duration") {
		ch.ArchiveMins = f.Choice("default_auto_archive_duration", 60, 1440, 4320, 10080)
	}
	if ch.Kind == world.ChannelForum && f.Given("available_tags") {
		ch.Tags = c.readForumTags(f)
	}
	if f.Has("parent_id") {
		c.readParent(f, g, ch)
	}
	if ch.Voice() {
		readVoiceChannel(f, g, ch)
	}
}

func readVoiceChannel(f *form.Form, g *world.Guild, ch *world.Channel) {
	if f.Given("bitrate") {
		high := g.MaxBitrate()
		if ch.Kind == world.ChannelStage {
			high = 64000
		}
		ch.Bitrate = f.Num("bitrate", 8000, high)
	}
	if f.Has("user_limit") {
		high := 99
		if ch.Kind == world.ChannelStage {
			high = 10000
		}
		ch.UserLimit = f.Num("user_limit", 0, high)
	}
	if f.Given("video_quality_mode") {
		ch.Quality = f.Choice("video_quality_mode", 1, 2)
	}
	if f.Has("rtc_region") {
		ch.Region = world.Optional(f.Str("rtc_region", 0, 64))
		if ch.Region != nil && !slices.Contains(voiceRegions, *ch.Region) {
			f.Errs.At("rtc_region").Add("BASE_TYPE_CHOICES", "Value must be one of {'%s'}.",
				strings.Join(voiceRegions, "', '"))
		}
	}
}

func (c *call) readParent(f *form.Form, g *world.Guild, ch *world.Channel) {
	parent := f.ID("parent_id")
	if parent == ch.Parent {
		return
	}
	t := f.Errs.At("parent_id")
	switch p := g.Channels[parent]; {
	case parent == 0:
	case p == nil:
		t.Add("CHANNEL_PARENT_INVALID", "Category does not exist")
	case p.Kind != world.ChannelCategory || ch.Kind == world.ChannelCategory:
		t.Add("CHANNEL_PARENT_INVALID_TYPE", "Not a category")
	case g.ChildCount(parent) >= c.Opts.Limits.CategoryChilds:
		t.Add("CHANNEL_PARENT_MAX_CHANNELS", "Maximum number of channels in category reached (%d)",
			c.Opts.Limits.CategoryChilds)
	}
	ch.Parent = parent
}

func updateChannel(c *call) (int, any, error) {
	g, m, ch, err := c.channelWith(0)
	if err != nil {
		return 0, nil, err
	}
	if ch.Thread != nil {
		return updateThread(c, g, ch)
	}
	if g, m, ch, err = c.channelWith(world.PermManageChannels); err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	draft := *ch
	if f.Given("type") {
		if t := world.ChannelType(f.Choice("type", 0, 5)); t != ch.Kind &&
			(ch.Kind == world.ChannelText || ch.Kind == world.ChannelAnnouncement) {
			draft.Kind = t
		}
	}
	c.readChannel(f, g, &draft, false)
	if err := checkWords(g, f, draft.Name); err != nil {
		return 0, nil, err
	}
	var ows []world.Overwrite
	if f.Has("permission_overwrites") {
		ows = c.readOverwrites(f, g)
	}
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	if p := g.Channels[draft.Parent]; draft.Parent != ch.Parent && p != nil &&
		!c.PermsIn(g, m, p).Has(world.PermManageChannels) {
		return 0, nil, form.MissingPermissions()
	}
	if f.Has("permission_overwrites") {
		if !c.PermsIn(g, m, ch).Has(world.PermManageRoles) && !slices.Equal(ows, ch.Overwrites) {
			return 0, nil, form.MissingPermissions()
		}
		if err := c.checkOverwrites(g, m, ch, ch.Overwrites, ows); err != nil {
			return 0, nil, err
		}
		draft.Overwrites = ows
	}
	if draft.Name != ch.Name || !same(draft.Topic, ch.Topic) {
		if err := c.rename(&draft); err != nil {
			return 0, nil, err
		}
	}
	changes := channelChanges(ch, &draft)
	overwritten := !slices.Equal(draft.Overwrites, ch.Overwrites)
	was := ch.Overwrites
	*ch = draft
	if len(changes) > 0 || overwritten {
		c.ChannelEvent("CHANNEL_UPDATE", ch)
		c.SyncChildren(g, ch, was)
		c.audit(g, auditChannelUpdate, ch.ID, changes...)
	}
	return 200, ch.Wire(), nil
}

// rename counts a change of name or topic: Discord allows two per channel in ten minutes, and no
// header shows this before it rejects one.
func (c *call) rename(ch *world.Channel) error {
	if c.Opts.Limits.Renames == 0 {
		return nil
	}
	now := c.Now()
	recent := slices.DeleteFunc(slices.Clone(ch.Renames),
		func(t time.Time) bool { return now.Sub(t) >= 10*time.Minute })
	if len(recent) >= c.Opts.Limits.Renames {
		return form.TooMany((10*time.Minute - now.Sub(recent[0])).Seconds(), "shared")
	}
	ch.Renames = append(recent, now)
	return nil
}

func channelChanges(old, now *world.Channel) []world.Change {
	var list []world.Change
	add := func(key string, a, b any) {
		if a != b {
			list = append(list, world.Change{Key: key, Old: a, New: b})
		}
	}
	add("name", old.Name, now.Name)
	add("position", old.Position, now.Position)
	add("user_limit", old.UserLimit, now.UserLimit)
	add("bitrate", old.Bitrate, now.Bitrate)
	add("nsfw", old.NSFW, now.NSFW)
	add("type", int(old.Kind), int(now.Kind))
	add("rate_limit_per_user", old.Slowmode, now.Slowmode)
	add("parent_id", old.Parent, now.Parent)
	add("video_quality_mode", old.Quality, now.Quality)
	add("default_auto_archive_duration", old.ArchiveMins, now.ArchiveMins)
	add("topic", text(old.Topic), text(now.Topic))
	add("rtc_region", text(old.Region), text(now.Region))
	return list
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func same(a, b *string) bool { return text(a) == text(b) }

func deleteChannel(c *call) (int, any, error) {
	ch, err := c.channel()
	if err != nil {
		return 0, nil, err
	}
	if ch.Guild == 0 {
		return 200, c.WireDMFor(ch, c.me().ID), nil
	}
	if ch.Thread != nil {
		return removeThread(c, c.Guilds[ch.Guild], ch)
	}
	g, _, ch, err := c.channelWith(world.PermManageChannels)
	if err != nil {
		return 0, nil, err
	}
	c.RemoveChannel(ch)
	c.audit(g, auditChannelDelete, ch.ID,
		world.Change{Key: "name", Old: ch.Name, New: nil}, world.Change{Key: "type", Old: int(ch.Kind), New: nil})
	return 200, ch.Wire(), nil
}

// moveChannels is the bulk change of positions and parents.
func moveChannels(c *call) (int, any, error) {
	g, _, err := c.guildWith(world.PermManageChannels)
	if err != nil {
		return 0, nil, err
	}
	f, err := form.Parse([]byte(`{"channels":` + string(c.body) + `}`))
	if err != nil {
		return 0, nil, err
	}
	items := f.Objects("channels", 0, 1000)
	drafts := make([]world.Channel, 0, len(items))
	reparented := 0
	for _, it := range items {
		ch := g.Channels[it.ID("id")]
		if ch == nil {
			return 0, nil, form.UnknownChannel()
		}
		d := *ch
		if it.Given("position") {
			d.Position = it.Num("position", 0, math.MaxInt32)
		}
		if it.Has("parent_id") {
			c.readParent(it, g, &d)
		}
		if d.Parent != ch.Parent {
			reparented++
		}
		if p := g.Channels[d.Parent]; it.Yes("lock_permissions") && p != nil {
			d.Overwrites = slices.Clone(p.Overwrites)
		}
		drafts = append(drafts, d)
	}
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	if reparented > 1 {
		return 0, nil, form.Fail(400, 40009, "Only one channel can have a parent_id modified at a time")
	}
	for _, d := range drafts {
		ch := g.Channels[d.ID]
		*ch = d
		c.ChannelEvent("CHANNEL_UPDATE", ch)
	}
	return noContent()
}
