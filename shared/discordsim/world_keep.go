package discordsim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kept is the part of a world that is stored from one run to the next: guilds with their invites
// and the last messages of each channel. It doesn't contain sign-ins, direct messages, attachments,
// ephemeral messages and voice states. Keep makes it, and Restore restores it in a world with the
// same seed and founding time.
type Kept struct {
	Guilds []keptGuild `json:"guilds"`
}

type keptGuild struct {
	ID       ID            `json:"id"`
	Name     string        `json:"name"`
	AFK      ID            `json:"afk_channel_id"`
	Roles    []keptRole    `json:"roles"`
	Channels []keptChannel `json:"channels"`
	Members  []keptMember  `json:"members"`
	Bans     map[ID]string `json:"bans"`
	Invites  []keptInvite  `json:"invites,omitempty"`
	Messages []keptMessage `json:"messages,omitempty"`
}

// keptMessages is how many messages of a channel are stored: the newest, and those that are pinned or have components.
const keptMessages = 50

type keptMessage struct {
	ID         ID               `json:"id"`
	Channel    ID               `json:"channel_id"`
	Author     ID               `json:"author_id"`
	App        ID               `json:"application_id,omitempty"`
	Content    string           `json:"content"`
	Embeds     []map[string]any `json:"embeds,omitempty"`
	Components json.RawMessage  `json:"components,omitempty"`
	Flags      int              `json:"flags,omitempty"`
	Kind       int              `json:"type,omitempty"`
	PinnedAt   time.Time        `json:"pinned_at,omitzero"`
	Edited     time.Time        `json:"edited_timestamp,omitzero"`
	Mentions   []ID             `json:"mentions,omitempty"`
	Roles      []ID             `json:"mention_roles,omitempty"`
	Everyone   bool             `json:"mention_everyone,omitempty"`
	RefChannel ID               `json:"reference_channel_id,omitempty"`
	RefMessage ID               `json:"reference_message_id,omitempty"`
}

type keptInvite struct {
	Code      string    `json:"code"`
	Channel   ID        `json:"channel_id"`
	Inviter   ID        `json:"inviter_id"`
	MaxAge    int       `json:"max_age"`
	MaxUses   int       `json:"max_uses"`
	Uses      int       `json:"uses"`
	Temporary bool      `json:"temporary"`
	Created   time.Time `json:"created_at"`
	Targeted  bool      `json:"targeted"`
	Targets   []ID      `json:"target_users,omitempty"`
	Since     time.Time `json:"targets_since,omitzero"`
	Roles     []ID      `json:"roles,omitempty"`
}

type keptRole struct {
	ID          ID          `json:"id"`
	Name        string      `json:"name"`
	Permissions Permissions `json:"permissions"`
	Position    int         `json:"position"`
	Color       int         `json:"color"`
	Hoist       bool        `json:"hoist"`
	Managed     bool        `json:"managed"`
	Mentionable bool        `json:"mentionable"`
	Bot         ID          `json:"bot_id"`
}

type keptChannel struct {
	ID         ID              `json:"id"`
	Parent     ID              `json:"parent_id"`
	Kind       ChannelType     `json:"type"`
	Name       string          `json:"name"`
	Topic      *string         `json:"topic"`
	Position   int             `json:"position"`
	Bitrate    int             `json:"bitrate"`
	UserLimit  int             `json:"user_limit"`
	Slowmode   int             `json:"rate_limit_per_user"`
	NSFW       bool            `json:"nsfw"`
	Region     *string         `json:"rtc_region"`
	Quality    int             `json:"video_quality_mode"`
	Archive    int             `json:"default_auto_archive_duration"`
	Status     string          `json:"status"`
	Overwrites []keptOverwrite `json:"overwrites"`
}

type keptOverwrite struct {
	ID    ID          `json:"id"`
	Kind  int         `json:"type"`
	Allow Permissions `json:"allow"`
	Deny  Permissions `json:"deny"`
}

type keptMember struct {
	User    ID        `json:"user_id"`
	Nick    string    `json:"nick"`
	Roles   []ID      `json:"roles"`
	Joined  time.Time `json:"joined_at"`
	Timeout time.Time `json:"communication_disabled_until"`
	Pending bool      `json:"pending"`
}

// Keep returns the part of the world to store, as JSON that is the same as long as nothing in it changes.
func (s *state) Keep() ([]byte, error) {
	var k Kept
	for _, id := range sortedIDs(s.guilds) {
		g := s.guilds[id].keep()
		s.keepTalk(&g)
		k.Guilds = append(k.Guilds, g)
	}
	return json.Marshal(k)
}

func (g *guild) keep() keptGuild {
	k := keptGuild{ID: g.id, Name: g.name, AFK: g.afk, Bans: g.bans}
	for _, r := range g.sortedRoles() {
		k.Roles = append(k.Roles,
			keptRole{r.id, r.name, r.permissions, r.position, r.color, r.hoist, r.managed, r.mentionable, r.botID})
	}
	for _, c := range g.sortedChannels() {
		kc := keptChannel{ID: c.id, Parent: c.parent, Kind: c.kind, Name: c.name, Topic: c.topic, Position: c.position,
			Bitrate: c.bitrate, UserLimit: c.userLimit,
			Slowmode: c.slowmode, NSFW: c.nsfw, Region: c.region, Quality: c.quality, Archive: c.archiveMins,
			Status: c.status}
		for _, o := range c.overwrites {
			kc.Overwrites = append(kc.Overwrites, keptOverwrite{o.id, o.kind, o.allow, o.deny})
		}
		k.Channels = append(k.Channels, kc)
	}
	for _, m := range g.sortedMembers() {
		k.Members = append(k.Members, keptMember{m.user.id, m.nick, m.roles, m.joinedAt, m.timeout, m.pending})
	}
	return k
}

// keepTalk adds a guild's messages and invites.
func (s *state) keepTalk(g *keptGuild) {
	for _, c := range g.Channels {
		list := s.messages[c.ID]
		for i, m := range list {
			if m.only != 0 || len(list)-i > keptMessages && !m.pinned && len(m.components) == 0 {
				continue
			}
			k := keptMessage{ID: m.id, Channel: m.channel, Author: m.author.id, Content: m.content, Embeds: m.embeds,
				Flags: m.flags,
				Kind:  m.kind, PinnedAt: m.pinnedAt, Edited: m.edited, Mentions: m.mentions, Roles: m.roles,
				Everyone:   m.everyone,
				RefChannel: m.refChannel, RefMessage: m.refMessage}
			if len(m.components) > 0 {
				k.Components = marshal(m.components)
			}
			if m.app != nil {
				k.App = m.app.id
			}
			g.Messages = append(g.Messages, k)
		}
	}
	now := s.now()
	for _, i := range s.invitesOf(func(i *invite) bool { return i.guild == g.ID && !i.expired(now) }) {
		k := keptInvite{
			i.code, i.channel, i.inviter, i.maxAge, i.maxUses, i.uses, i.temporary, i.created, i.targets != nil, nil,
			time.Time{}, i.roles,
		}
		if i.targets != nil {
			k.Targets, k.Since = i.targets.users, i.targets.since
		}
		g.Invites = append(g.Invites, k)
	}
	slices.SortFunc(g.Invites, func(a, b keptInvite) int { return strings.Compare(a.Code, b.Code) })
}

// restoreTalk restores a guild's messages and invites.
func (s *state) restoreTalk(k keptGuild) {
	for _, km := range k.Messages {
		ch, author := s.channels[km.Channel], s.users[km.Author]
		if ch == nil || author == nil {
			continue
		}
		m := &message{id: km.ID, channel: km.Channel, guild: k.ID, author: author, app: s.apps[km.App],
			content: km.Content, embeds: km.Embeds,
			flags: km.Flags, kind: km.Kind, pinned: !km.PinnedAt.IsZero(), pinnedAt: km.PinnedAt, edited: km.Edited,
			mentions: km.Mentions, roles: km.Roles, everyone: km.Everyone, refChannel: km.RefChannel,
			refMessage: km.RefMessage}
		if km.Components != nil { // parsed as when they were sent, for Go's types of menus and buttons
			r := componentReader{v2: m.flags&flagV2 != 0, newID: s.nextID}
			m.components = r.top(sub(marshal(map[string]any{"components": km.Components}), &tree{}), "components",
				maxV2Components)
		}
		s.messages[ch.id] = append(s.messages[ch.id], m)
		ch.lastMessage = m.id
	}
	for _, ki := range k.Invites {
		if s.channels[ki.Channel] == nil {
			continue
		}
		i := &invite{code: ki.Code, guild: k.ID, channel: ki.Channel, inviter: ki.Inviter, maxAge: ki.MaxAge,
			maxUses: ki.MaxUses, uses: ki.Uses,
			temporary: ki.Temporary, created: ki.Created, roles: ki.Roles}
		if ki.Targeted {
			i.targets = &targets{ki.Targets, ki.Since}
		}
		s.invites[i.code] = i
	}
}

// Restore replaces the contents of the guilds with what Keep returned. Nobody may be
// connected yet. It skips guilds and people that this world doesn't have.
func (s *state) Restore(kept []byte) error {
	var k Kept
	if err := json.Unmarshal(kept, &k); err != nil {
		return fmt.Errorf("discordsim: not a stored world: %w", err)
	}
	for _, from := range k.Guilds {
		if g := s.guilds[from.ID]; g != nil {
			s.restoreGuild(g, from)
			s.restoreTalk(from)
		}
	}
	s.rng = newRand(0) // otherwise the tokens of the previous run would be reused
	return nil
}

func (s *state) restoreGuild(g *guild, k keptGuild) {
	for id := range g.channels {
		delete(s.channels, id)
		delete(s.messages, id)
	}
	g.name, g.afk, g.bans = k.Name, k.AFK, k.Bans
	if g.bans == nil {
		g.bans = map[ID]string{}
	}
	g.roles, g.channels = map[ID]*role{}, map[ID]*channel{}
	for _, r := range k.Roles {
		g.roles[r.ID] = &role{
			r.ID, r.Name, r.Permissions, r.Position, r.Color, r.Hoist, r.Managed, r.Mentionable, r.Bot,
		}
	}
	for _, kc := range k.Channels {
		c := &channel{id: kc.ID, guild: g.id, parent: kc.Parent, kind: kc.Kind, name: kc.Name, topic: kc.Topic,
			position: kc.Position, bitrate: kc.Bitrate,
			userLimit: kc.UserLimit, slowmode: kc.Slowmode, nsfw: kc.NSFW, region: kc.Region, quality: kc.Quality,
			archiveMins: kc.Archive, status: kc.Status}
		for _, o := range kc.Overwrites {
			c.overwrites = append(c.overwrites, overwrite{o.ID, o.Kind, o.Allow, o.Deny})
		}
		g.channels[c.id], s.channels[c.id] = c, c
	}
	members := map[ID]*member{}
	for _, m := range k.Members {
		u := s.users[m.User]
		if u == nil {
			continue
		}
		members[u.id] = &member{
			user: u, nick: m.Nick, roles: m.Roles, joinedAt: m.Joined, timeout: m.Timeout, pending: m.Pending,
		}
	}
	g.members = members
}
