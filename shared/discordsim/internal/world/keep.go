package world

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"snug/shared/discordsim/internal/world/form"
)

// Kept is the part of a world that is stored from one run to the next: guilds with their invites
// and the last messages of each channel. It doesn't contain sign-ins, direct messages, attachments,
// ephemeral messages and voice states. Keep makes it, and Restore restores it in a world with the
// same seed and founding time.
type Kept struct {
	Guilds []keptGuild `json:"guilds"`
	DMs    []keptDM    `json:"dms,omitempty"` // of a snapshot alone
}

type keptDM struct {
	ID       ID            `json:"id"`
	Parties  []ID          `json:"recipients"`
	Messages []keptMessage `json:"messages,omitempty"`
}

type keptGuild struct {
	ID       ID                `json:"id"`
	Name     string            `json:"name"`
	AFK      ID                `json:"afk_channel_id"`
	Roles    []keptRole        `json:"roles"`
	Channels []keptChannel     `json:"channels"`
	Members  []keptMember      `json:"members"`
	Bans     map[ID]string     `json:"bans"`
	Invites  []keptInvite      `json:"invites,omitempty"`
	Messages []keptMessage     `json:"messages,omitempty"`
	Threads  []keptThread      `json:"threads,omitempty"`
	Events   []*ScheduledEvent `json:"scheduled_events,omitempty"`
	Stages   []*Stage          `json:"stage_instances,omitempty"`
	Webhooks []*Webhook        `json:"webhooks,omitempty"`
	Emojis   []*CustomEmoji    `json:"emojis,omitempty"`
	ModRules []*ModRule        `json:"auto_moderation_rules,omitempty"`
	Audit    []AuditEntry      `json:"audit_log,omitempty"` // of a snapshot alone
}

// KeptMessages is how many messages of a channel are stored: the newest, and those that are pinned or have components.
const KeptMessages = 50

type keptMessage struct {
	ID         ID               `json:"id"`
	Channel    ID               `json:"channel_id"`
	Author     ID               `json:"author_id"`
	App        ID               `json:"application_id,omitempty"`
	Webhook    *keptSender      `json:"webhook,omitempty"`
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

	// The rest is in snapshots alone.
	Attachments []keptAttachment `json:"attachments,omitempty"`
	Reactions   []keptReaction   `json:"reactions,omitempty"`
}

// keptSender is the webhook that sent a message, by the name that the message has.
type keptSender struct {
	ID     ID     `json:"id"`
	Name   string `json:"name"`
	Avatar string `json:"avatar,omitempty"`
}

type keptAttachment struct {
	ID          ID     `json:"id"`
	Name        string `json:"filename"`
	Kind        string `json:"content_type"`
	Description string `json:"description,omitempty"`
	Data        []byte `json:"data"`
}

type keptReaction struct {
	Emoji string `json:"name"`
	ID    ID     `json:"id,omitempty"`
	Users []ID   `json:"users"`
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
	Tags       []Tag           `json:"available_tags,omitempty"`
	Overwrites []keptOverwrite `json:"overwrites"`
}

type keptThread struct {
	keptChannel
	Thread Thread `json:"thread"`
	Last   ID     `json:"last_message_id,omitempty"`
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
	Mute    bool      `json:"mute,omitempty"`
	Deaf    bool      `json:"deaf,omitempty"`
	Flags   int       `json:"flags,omitempty"`
}

// Keep returns the part of the world to store, as JSON that is the same as long as nothing in it changes.
func (s *State) Keep() ([]byte, error) { return s.keepAs(false) }

// keepAs also keeps, for a snapshot, all messages with what belongs to them, direct messages and audit logs.
func (s *State) keepAs(whole bool) ([]byte, error) {
	var k Kept
	for _, id := range SortedIDs(s.Guilds) {
		g := s.Guilds[id].keep()
		g.Webhooks = s.WebhooksOf(func(h *Webhook) bool { return h.Guild == id })
		s.keepTalk(&g, whole)
		if whole {
			g.Audit = s.Guilds[id].Audit
		}
		k.Guilds = append(k.Guilds, g)
	}
	if whole {
		k.DMs = s.keepDMs()
	}
	return json.Marshal(k)
}

func (s *State) keepDMs() []keptDM {
	list := []keptDM{}
	for _, ch := range s.DMs {
		k := keptDM{ID: ch.ID, Parties: ch.Parties}
		for _, m := range s.Messages[ch.ID] {
			if m.Only == 0 {
				k.Messages = append(k.Messages, m.keep(true))
			}
		}
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b keptDM) int { return CompareIDs(a.ID, b.ID) })
	return list
}

func (m *Message) keep(whole bool) keptMessage {
	k := keptMessage{ID: m.ID, Channel: m.Channel, Author: m.Author.ID, Content: m.Content, Embeds: m.embeds,
		Flags: m.Flags, Kind: m.Kind, PinnedAt: m.PinnedAt, Edited: m.Edited, Mentions: m.Mentions, Roles: m.roles,
		Everyone: m.everyone, RefChannel: m.RefChannel, RefMessage: m.RefMessage}
	if len(m.Components) > 0 {
		k.Components = form.Marshal(m.Components)
	}
	if m.App != nil {
		k.App = m.App.ID
	}
	if m.Webhook != 0 {
		k.Webhook = &keptSender{m.Webhook, m.Author.Username, m.Author.Avatar}
	}
	if !whole {
		return k
	}
	for _, a := range m.Attachments {
		k.Attachments = append(k.Attachments, keptAttachment{a.ID, a.Name, a.Kind, a.description, a.Data})
	}
	for _, r := range m.reactions {
		k.Reactions = append(k.Reactions, keptReaction{r.emoji, r.id, r.users})
	}
	return k
}

func (g *Guild) keep() keptGuild {
	k := keptGuild{ID: g.ID, Name: g.Name, AFK: g.AFK, Bans: g.Bans}
	for _, r := range g.SortedRoles() {
		k.Roles = append(k.Roles,
			keptRole{r.ID, r.Name, r.Permissions, r.Position, r.Color, r.Hoist, r.Managed, r.Mentionable, r.BotID})
	}
	for _, c := range g.SortedChannels() {
		kc := keptChannel{ID: c.ID, Parent: c.Parent, Kind: c.Kind, Name: c.Name, Topic: c.Topic, Position: c.Position,
			Bitrate: c.Bitrate, UserLimit: c.UserLimit,
			Slowmode: c.Slowmode, NSFW: c.NSFW, Region: c.Region, Quality: c.Quality, Archive: c.ArchiveMins,
			Status: c.Status, Tags: c.Tags}
		for _, o := range c.Overwrites {
			kc.Overwrites = append(kc.Overwrites, keptOverwrite{o.ID, o.Kind, o.Allow, o.Deny})
		}
		k.Channels = append(k.Channels, kc)
	}
	for _, c := range g.ThreadsOf(func(*Channel) bool { return true }) {
		k.Threads = append(k.Threads, keptThread{keptChannel{ID: c.ID, Parent: c.Parent, Kind: c.Kind, Name: c.Name,
			Slowmode: c.Slowmode}, *c.Thread, c.LastMessage})
	}
	for _, id := range SortedIDs(g.Events) {
		k.Events = append(k.Events, g.Events[id])
	}
	for _, id := range SortedIDs(g.Emojis) {
		k.Emojis = append(k.Emojis, g.Emojis[id])
	}
	for _, id := range SortedIDs(g.ModRules) {
		k.ModRules = append(k.ModRules, g.ModRules[id])
	}
	for _, id := range SortedIDs(g.Stages) {
		k.Stages = append(k.Stages, g.Stages[id])
	}
	for _, m := range g.SortedMembers() {
		k.Members = append(k.Members, keptMember{m.User.ID, m.Nick, m.Roles, m.JoinedAt, m.Timeout, m.Pending,
			m.Mute, m.Deaf, m.flags})
	}
	return k
}

// keepTalk adds a guild's messages and invites.
func (s *State) keepTalk(g *keptGuild, whole bool) {
	ids := make([]ID, 0, len(g.Channels)+len(g.Threads))
	for _, c := range g.Channels {
		ids = append(ids, c.ID)
	}
	for _, t := range g.Threads {
		ids = append(ids, t.ID)
	}
	for _, id := range ids {
		list := s.Messages[id]
		for i, m := range list {
			old := !whole && len(list)-i > KeptMessages && !m.Pinned && len(m.Components) == 0
			if m.Only == 0 && !old {
				g.Messages = append(g.Messages, m.keep(whole))
			}
		}
	}
	now := s.Now()
	for _, i := range s.InvitesOf(func(i *Invite) bool { return i.Guild == g.ID && !i.Expired(now) }) {
		k := keptInvite{
			i.Code, i.Channel, i.Inviter, i.MaxAge, i.MaxUses, i.Uses, i.Temporary, i.Created, i.Targets != nil, nil,
			time.Time{}, i.Roles,
		}
		if i.Targets != nil {
			k.Targets, k.Since = i.Targets.Users, i.Targets.Since
		}
		g.Invites = append(g.Invites, k)
	}
	slices.SortFunc(g.Invites, func(a, b keptInvite) int { return strings.Compare(a.Code, b.Code) })
}

func (s *State) restoreDMs(list []keptDM) {
	for _, k := range list {
		if len(k.Parties) != 2 {
			continue
		}
		ch := &Channel{ID: k.ID, Kind: ChannelDM, Parties: k.Parties}
		s.DMs[DMKey(k.Parties[0], k.Parties[1])], s.Channels[ch.ID] = ch, ch
		s.restoreMessages(0, k.Messages)
	}
}

// restoreMessages restores the messages of channels of a guild, or of direct messages.
func (s *State) restoreMessages(guild ID, list []keptMessage) {
	for _, km := range list {
		ch, author, webhook := s.Channels[km.Channel], s.Users[km.Author], ID(0)
		if h := km.Webhook; h != nil {
			author, webhook = (&Webhook{ID: h.ID}).Author(h.Name, h.Avatar), h.ID
		}
		if ch == nil || author == nil {
			continue
		}
		m := &Message{ID: km.ID, Channel: km.Channel, Guild: guild, Author: author, Webhook: webhook,
			App: s.Apps[km.App], Content: km.Content, embeds: km.Embeds,
			Flags: km.Flags, Kind: km.Kind, Pinned: !km.PinnedAt.IsZero(), PinnedAt: km.PinnedAt, Edited: km.Edited,
			Mentions: km.Mentions, roles: km.Roles, everyone: km.Everyone, RefChannel: km.RefChannel,
			RefMessage: km.RefMessage}
		for _, a := range km.Attachments {
			m.Attachments = append(m.Attachments, Attachment{ID: a.ID, Name: a.Name, Kind: a.Kind,
				description: a.Description, Data: a.Data})
		}
		for _, r := range km.Reactions {
			m.reactions = append(m.reactions, reaction{r.Emoji, r.ID, r.Users})
		}
		if km.Components != nil { // parsed as when they were sent, for Go's types of menus and buttons
			r := ComponentReader{v2: m.Flags&flagV2 != 0, files: m.Attachments, NewID: s.NextID}
			o := form.Sub(form.Marshal(map[string]any{"components": km.Components}), &form.Tree{})
			m.Components = r.Top(o, "components", maxV2Components)
		}
		s.Messages[ch.ID] = append(s.Messages[ch.ID], m)
		ch.LastMessage = m.ID
	}
}

// restoreTalk restores a guild's messages and invites.
func (s *State) restoreTalk(k keptGuild) {
	s.restoreMessages(k.ID, k.Messages)
	g := s.Guilds[k.ID]
	if k.Audit != nil {
		g.Audit = k.Audit
	}
	for _, ki := range k.Invites {
		if s.Channels[ki.Channel] == nil {
			continue
		}
		i := &Invite{Code: ki.Code, Guild: k.ID, Channel: ki.Channel, Inviter: ki.Inviter, MaxAge: ki.MaxAge,
			MaxUses: ki.MaxUses, Uses: ki.Uses,
			Temporary: ki.Temporary, Created: ki.Created, Roles: ki.Roles}
		if ki.Targeted {
			i.Targets = &Targets{ki.Targets, ki.Since}
		}
		s.Invites[i.Code] = i
	}
}

// Restore replaces the contents of the guilds with what Keep returned. Nobody may be
// connected yet. It skips guilds and people that this world doesn't have.
func (s *State) Restore(kept []byte) error {
	if err := s.restoreKept(kept); err != nil {
		return err
	}
	s.seed(0) // otherwise the tokens of the previous run would be reused
	return nil
}

func (s *State) restoreKept(kept []byte) error {
	var k Kept
	if err := json.Unmarshal(kept, &k); err != nil {
		return fmt.Errorf("discordsim: not a stored world: %w", err)
	}
	for _, from := range k.Guilds {
		if g := s.Guilds[from.ID]; g != nil {
			s.restoreGuild(g, from)
			s.restoreTalk(from)
		}
	}
	s.restoreDMs(k.DMs)
	return nil
}

func (s *State) restoreGuild(g *Guild, k keptGuild) {
	for id := range g.Channels {
		delete(s.Channels, id)
		delete(s.Messages, id)
	}
	for _, t := range g.Threads {
		s.dropThread(g, t)
	}
	for _, h := range s.WebhooksOf(func(h *Webhook) bool { return h.Guild == g.ID }) {
		delete(s.Webhooks, h.ID)
	}
	for _, h := range k.Webhooks {
		s.Webhooks[h.ID] = h
	}
	g.Name, g.AFK, g.Bans = k.Name, k.AFK, k.Bans
	if g.Bans == nil {
		g.Bans = map[ID]string{}
	}
	g.Roles, g.Channels = map[ID]*Role{}, map[ID]*Channel{}
	for _, r := range k.Roles {
		g.Roles[r.ID] = &Role{
			r.ID, r.Name, r.Permissions, r.Position, r.Color, r.Hoist, r.Managed, r.Mentionable, r.Bot,
		}
	}
	for _, kc := range k.Channels {
		c := &Channel{ID: kc.ID, Guild: g.ID, Parent: kc.Parent, Kind: kc.Kind, Name: kc.Name, Topic: kc.Topic,
			Position: kc.Position, Bitrate: kc.Bitrate,
			UserLimit: kc.UserLimit, Slowmode: kc.Slowmode, NSFW: kc.NSFW, Region: kc.Region, Quality: kc.Quality,
			ArchiveMins: kc.Archive, Status: kc.Status, Tags: kc.Tags}
		for _, o := range kc.Overwrites {
			c.Overwrites = append(c.Overwrites, Overwrite{o.ID, o.Kind, o.Allow, o.Deny})
		}
		g.Channels[c.ID], s.Channels[c.ID] = c, c
	}
	g.Threads = map[ID]*Channel{}
	for _, kt := range k.Threads {
		t := kt.Thread
		c := &Channel{ID: kt.ID, Guild: g.ID, Parent: kt.Parent, Kind: kt.Kind, Name: kt.Name, Slowmode: kt.Slowmode,
			Thread: &t, LastMessage: kt.Last}
		g.Threads[c.ID], s.Channels[c.ID] = c, c
	}
	g.Events, g.Stages = map[ID]*ScheduledEvent{}, map[ID]*Stage{}
	for _, e := range k.Events {
		g.Events[e.ID] = e
	}
	g.Emojis = map[ID]*CustomEmoji{}
	for _, e := range k.Emojis {
		g.Emojis[e.ID] = e
	}
	g.ModRules = map[ID]*ModRule{}
	for _, r := range k.ModRules {
		g.ModRules[r.ID] = r
	}
	for _, st := range k.Stages {
		g.Stages[st.Channel] = st
	}
	members := map[ID]*Member{}
	for _, m := range k.Members {
		u := s.Users[m.User]
		if u == nil {
			continue
		}
		members[u.ID] = &Member{
			User: u, Nick: m.Nick, Roles: m.Roles, JoinedAt: m.Joined, Timeout: m.Timeout, Pending: m.Pending,
			Mute: m.Mute, Deaf: m.Deaf, flags: m.Flags,
		}
	}
	g.Members = members
}
