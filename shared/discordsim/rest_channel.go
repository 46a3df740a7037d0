package discordsim

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// guild returns the guild in the path and the bot's membership in it.
func (c *call) guild() (*guild, *member, error) {
	g := c.guilds[c.id("guild")]
	if g == nil {
		return nil, nil, errUnknownGuild()
	}
	m := g.members[c.app.id]
	if m == nil { // guilds that the bot isn't in are unknown to it
		return nil, nil, errUnknownGuild()
	}
	return g, m, nil
}

// guildWith also checks a permission in the guild.
func (c *call) guildWith(p Permissions) (*guild, *member, error) {
	g, m, err := c.guild()
	if err == nil && !c.basePerms(g, m).Has(p) {
		err = errMissingPermissions()
	}
	if err == nil {
		err = c.checkTwoFactor(g, p)
	}
	return g, m, err
}

// channel returns the channel in the path, which the bot must be able to view.
func (c *call) channel() (*channel, error) {
	ch := c.channels[c.id("channel")]
	switch {
	case ch == nil:
		return nil, errUnknownChannel()
	case !c.canSee(c.app.id, ch):
		return nil, errMissingAccess()
	}
	return ch, nil
}

// channelWith also checks a permission in a guild's channel.
func (c *call) channelWith(p Permissions) (*guild, *member, *channel, error) {
	ch, err := c.channel()
	if err != nil {
		return nil, nil, nil, err
	}
	if ch.guild == 0 {
		return nil, nil, nil, fail(403, 50003, "Cannot execute action on a DM channel")
	}
	g := c.guilds[ch.guild]
	m := g.members[c.app.id]
	if !c.permsIn(g, m, ch).Has(p) {
		return nil, nil, nil, errMissingPermissions()
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
	list := []wireChannel{}
	for _, ch := range g.sortedChannels() {
		if !c.hiddenFrom(g, c.app.id, ch) {
			list = append(list, ch.wire())
		}
	}
	return 200, list, nil
}

func getChannel(c *call) (int, any, error) {
	ch, err := c.channel()
	if err != nil {
		return 0, nil, err
	}
	if ch.guild == 0 {
		return 200, c.wireDMFor(ch, c.app.id), nil
	}
	return 200, ch.wire(), nil
}

func createChannel(c *call) (int, any, error) {
	g, m, err := c.guildWith(PermManageChannels)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	kind := ChannelType(f.choice("type", 0, 2, 4, 5, 13, 15))
	draft := &channel{guild: g.id, kind: kind}
	f.required("name")
	c.readChannel(f, g, draft, true)
	if err := checkWords(g, f, draft.name); err != nil {
		return 0, nil, err
	}
	ows := c.readOverwrites(f, g)
	if err := f.errs.err(); err != nil {
		return 0, nil, err
	}
	if len(g.channels) >= c.opts.Limits.Channels {
		return 0, nil, fail(400, 30013,
			"Maximum number of guild channels reached ("+strconv.Itoa(c.opts.Limits.Channels)+")")
	}
	if p := g.channels[draft.parent]; p != nil && !c.permsIn(g, m, p).Has(PermManageChannels) {
		return 0, nil, errMissingPermissions()
	}
	if err := c.checkOverwrites(g, m, nil, nil, ows); err != nil {
		return 0, nil, err
	}
	ch := c.newChannel(g, kind, draft.name)
	draft.id = ch.id
	if !f.given("position") {
		draft.position = ch.position
	}
	draft.bitrate = cmp.Or(draft.bitrate, ch.bitrate)
	draft.quality = cmp.Or(draft.quality, ch.quality)
	*ch = *draft
	ch.overwrites = ows
	if ows == nil && g.channels[ch.parent] != nil {
		ch.overwrites = slices.Clone(g.channels[ch.parent].overwrites)
	}
	c.channelEvent("CHANNEL_CREATE", ch)
	c.audit(g, auditChannelCreate, ch.id, change{"name", nil, ch.name}, change{"type", nil, int(ch.kind)})
	return 201, ch.wire(), nil
}

// readChannel reads a request's channel into ch.
func (c *call) readChannel(f *form, g *guild, ch *channel, create bool) {
	if f.has("name") && (create || !f.isNull("name")) {
		name := f.str("name", 1, 100)
		if ch.kind == ChannelText || ch.kind == ChannelAnnouncement {
			name = textName(name)
		}
		ch.name = name
	}
	if f.has("topic") {
		limit := 1024
		if ch.kind == ChannelForum {
			limit = 4096
		}
		ch.topic = optional(f.str("topic", 0, limit))
	}
	if f.given("position") {
		ch.position = f.num("position", 0, math.MaxInt32)
	}
	if f.given("nsfw") {
		ch.nsfw = f.yes("nsfw")
	}
	if f.has("rate_limit_per_user") {
		ch.slowmode = f.num("rate_limit_per_user", 0, 21600)
	}
	if f.given("default_auto_archive_duration") {
		ch.archiveMins = f.choice("default_auto_archive_duration", 60, 1440, 4320, 10080)
	}
	if f.has("parent_id") {
		c.readParent(f, g, ch)
	}
	if ch.voice() {
		readVoiceChannel(f, ch)
	}
}

func readVoiceChannel(f *form, ch *channel) {
	if f.given("bitrate") {
		high := 96000
		if ch.kind == ChannelStage {
			high = 64000
		}
		ch.bitrate = f.num("bitrate", 8000, high)
	}
	if f.has("user_limit") {
		high := 99
		if ch.kind == ChannelStage {
			high = 10000
		}
		ch.userLimit = f.num("user_limit", 0, high)
	}
	if f.given("video_quality_mode") {
		ch.quality = f.choice("video_quality_mode", 1, 2)
	}
	if f.has("rtc_region") {
		ch.region = optional(f.str("rtc_region", 0, 64))
		if ch.region != nil && !slices.Contains(voiceRegions, *ch.region) {
			f.errs.at("rtc_region").add("BASE_TYPE_CHOICES", "Value must be one of {'%s'}.",
				strings.Join(voiceRegions, "', '"))
		}
	}
}

func (c *call) readParent(f *form, g *guild, ch *channel) {
	parent := f.id("parent_id")
	if parent == ch.parent {
		return
	}
	t := f.errs.at("parent_id")
	switch p := g.channels[parent]; {
	case parent == 0:
	case p == nil:
		t.add("CHANNEL_PARENT_INVALID", "Category does not exist")
	case p.kind != ChannelCategory || ch.kind == ChannelCategory:
		t.add("CHANNEL_PARENT_INVALID_TYPE", "Not a category")
	case g.childCount(parent) >= c.opts.Limits.CategoryChilds:
		t.add("CHANNEL_PARENT_MAX_CHANNELS", "Maximum number of channels in category reached (%d)",
			c.opts.Limits.CategoryChilds)
	}
	ch.parent = parent
}

func updateChannel(c *call) (int, any, error) {
	g, m, ch, err := c.channelWith(PermManageChannels)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	draft := *ch
	if f.given("type") {
		if t := ChannelType(f.choice("type", 0, 5)); t != ch.kind &&
			(ch.kind == ChannelText || ch.kind == ChannelAnnouncement) {
			draft.kind = t
		}
	}
	c.readChannel(f, g, &draft, false)
	if err := checkWords(g, f, draft.name); err != nil {
		return 0, nil, err
	}
	var ows []overwrite
	if f.has("permission_overwrites") {
		ows = c.readOverwrites(f, g)
	}
	if err := f.errs.err(); err != nil {
		return 0, nil, err
	}
	if p := g.channels[draft.parent]; draft.parent != ch.parent && p != nil &&
		!c.permsIn(g, m, p).Has(PermManageChannels) {
		return 0, nil, errMissingPermissions()
	}
	if f.has("permission_overwrites") {
		if !c.permsIn(g, m, ch).Has(PermManageRoles) && !slices.Equal(ows, ch.overwrites) {
			return 0, nil, errMissingPermissions()
		}
		if err := c.checkOverwrites(g, m, ch, ch.overwrites, ows); err != nil {
			return 0, nil, err
		}
		draft.overwrites = ows
	}
	if draft.name != ch.name || !same(draft.topic, ch.topic) {
		if err := c.rename(&draft); err != nil {
			return 0, nil, err
		}
	}
	changes := channelChanges(ch, &draft)
	overwritten := !slices.Equal(draft.overwrites, ch.overwrites)
	was := ch.overwrites
	*ch = draft
	if len(changes) > 0 || overwritten {
		c.channelEvent("CHANNEL_UPDATE", ch)
		c.syncChildren(g, ch, was)
		c.audit(g, auditChannelUpdate, ch.id, changes...)
	}
	return 200, ch.wire(), nil
}

// rename counts a change of name or topic: Discord allows two per channel in ten minutes, and no
// header shows this before it rejects one.
func (c *call) rename(ch *channel) error {
	if c.opts.Limits.Renames == 0 {
		return nil
	}
	now := c.now()
	recent := slices.DeleteFunc(slices.Clone(ch.renames),
		func(t time.Time) bool { return now.Sub(t) >= 10*time.Minute })
	if len(recent) >= c.opts.Limits.Renames {
		return tooMany((10*time.Minute - now.Sub(recent[0])).Seconds(), "shared")
	}
	ch.renames = append(recent, now)
	return nil
}

func channelChanges(old, now *channel) []change {
	var list []change
	add := func(key string, a, b any) {
		if a != b {
			list = append(list, change{key, a, b})
		}
	}
	add("name", old.name, now.name)
	add("position", old.position, now.position)
	add("user_limit", old.userLimit, now.userLimit)
	add("bitrate", old.bitrate, now.bitrate)
	add("nsfw", old.nsfw, now.nsfw)
	add("type", int(old.kind), int(now.kind))
	add("rate_limit_per_user", old.slowmode, now.slowmode)
	add("parent_id", old.parent, now.parent)
	add("video_quality_mode", old.quality, now.quality)
	add("default_auto_archive_duration", old.archiveMins, now.archiveMins)
	add("topic", text(old.topic), text(now.topic))
	add("rtc_region", text(old.region), text(now.region))
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
	if ch.guild == 0 {
		return 200, c.wireDMFor(ch, c.app.id), nil
	}
	g, _, ch, err := c.channelWith(PermManageChannels)
	if err != nil {
		return 0, nil, err
	}
	c.removeChannel(ch)
	c.audit(g, auditChannelDelete, ch.id, change{"name", ch.name, nil}, change{"type", int(ch.kind), nil})
	return 200, ch.wire(), nil
}

// moveChannels is the bulk change of positions and parents.
func moveChannels(c *call) (int, any, error) {
	g, _, err := c.guildWith(PermManageChannels)
	if err != nil {
		return 0, nil, err
	}
	f, err := parseForm([]byte(`{"channels":` + string(c.body) + `}`))
	if err != nil {
		return 0, nil, err
	}
	items := f.objects("channels", 0, 1000)
	drafts := make([]channel, 0, len(items))
	for _, it := range items {
		ch := g.channels[it.id("id")]
		if ch == nil {
			return 0, nil, errUnknownChannel()
		}
		d := *ch
		if it.given("position") {
			d.position = it.num("position", 0, math.MaxInt32)
		}
		if it.has("parent_id") {
			c.readParent(it, g, &d)
		}
		if p := g.channels[d.parent]; it.yes("lock_permissions") && p != nil {
			d.overwrites = slices.Clone(p.overwrites)
		}
		drafts = append(drafts, d)
	}
	if err := f.errs.err(); err != nil {
		return 0, nil, err
	}
	for _, d := range drafts {
		ch := g.channels[d.id]
		*ch = d
		c.channelEvent("CHANNEL_UPDATE", ch)
	}
	return noContent()
}
