package discordsim

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// message is a message in a channel or a DM channel.
type message struct {
	id          ID
	channel     ID
	guild       ID
	author      *user
	app         *application // whose webhook sent it: a response to an interaction
	content     string
	embeds      []map[string]any
	components  []component
	attachments []attachment
	flags       int
	kind        int
	tts         bool
	pinned      bool
	pinnedAt    time.Time
	edited      time.Time
	mentions    []ID
	roles       []ID
	everyone    bool
	refChannel  ID
	refMessage  ID
	nonce       json.RawMessage
	act         *interaction // that it responds to
	only        ID           // ephemeral: the only user who sees it
	reactions   []reaction
}

// attachment is a file of a message.
type attachment struct {
	id          ID
	name        string
	kind        string
	field       string
	description string
	data        []byte
}

// reaction is an emoji with the users who reacted with it.
type reaction struct {
	emoji string
	id    ID
	users []ID
}

const messagesKept = 500 // per channel

// created returns when a message was written.
func (m *message) created() time.Time { return m.id.Time() }

// wireMessage is a message in responses and events.
type wireMessage struct {
	ID          ID                `json:"id"`
	ChannelID   ID                `json:"channel_id"`
	GuildID     *ID               `json:"guild_id,omitempty"`
	Author      wireUser          `json:"author"`
	Member      *wireMember       `json:"member,omitempty"`
	Type        int               `json:"type"`
	Content     string            `json:"content"`
	Timestamp   stamp             `json:"timestamp"`
	Edited      *stamp            `json:"edited_timestamp"`
	TTS         bool              `json:"tts"`
	Everyone    bool              `json:"mention_everyone"`
	Mentions    []mentioned       `json:"mentions"`
	Roles       []ID              `json:"mention_roles"`
	Attachments []wireAttachment  `json:"attachments"`
	Embeds      []map[string]any  `json:"embeds"`
	Components  []component       `json:"components"`
	Reactions   []wireReaction    `json:"reactions,omitempty"`
	Pinned      bool              `json:"pinned"`
	Flags       int               `json:"flags"`
	Nonce       json.RawMessage   `json:"nonce,omitempty"`
	WebhookID   *ID               `json:"webhook_id,omitempty"`
	AppID       *ID               `json:"application_id,omitempty"`
	Metadata    map[string]any    `json:"interaction_metadata,omitempty"`
	Interaction map[string]any    `json:"interaction,omitempty"`
	Reference   *messageReference `json:"message_reference,omitempty"`
	Referenced  *wireMessage      `json:"referenced_message,omitempty"`
}

// mentioned is a user in a message; the gateway includes their member object.
type mentioned struct {
	wireUser
	Member *wireMember `json:"member,omitempty"`
}

type messageReference struct {
	Type      int `json:"type"`
	MessageID ID  `json:"message_id"`
	ChannelID ID  `json:"channel_id"`
	GuildID   *ID `json:"guild_id,omitempty"`
}

type wireAttachment struct {
	ID          ID      `json:"id"`
	Filename    string  `json:"filename"`
	Size        int     `json:"size"`
	URL         string  `json:"url"`
	ProxyURL    string  `json:"proxy_url"`
	ContentType string  `json:"content_type,omitempty"`
	Description *string `json:"description,omitempty"`
	Ephemeral   bool    `json:"ephemeral,omitempty"`
}

type wireReaction struct {
	Emoji   map[string]any `json:"emoji"`
	Count   int            `json:"count"`
	Details map[string]int `json:"count_details"`
	Colors  []string       `json:"burst_colors"`
	MeBurst bool           `json:"me_burst"`
	Burst   bool           `json:"burst_me"`
	Me      bool           `json:"me"`
	Bursts  int            `json:"burst_count"`
}

// wireMessage returns a message as viewer sees it.
func (s *state) wireMessage(m *message, viewer ID) wireMessage {
	w := wireMessage{ID: m.id, ChannelID: m.channel, Author: m.author.wire(), Type: m.kind, Content: m.content,
		Timestamp: stamp(m.created()), Edited: optionalTime(m.edited), TTS: m.tts, Everyone: m.everyone,
		Mentions: []mentioned{}, Roles: m.roles, Attachments: []wireAttachment{}, Embeds: m.embeds,
		Components: m.components, Pinned: m.pinned, Flags: m.flags, Nonce: m.nonce}
	if w.Roles == nil {
		w.Roles = []ID{}
	}
	if w.Embeds == nil {
		w.Embeds = []map[string]any{}
	}
	if w.Components == nil {
		w.Components = []component{}
	}
	for _, id := range m.mentions {
		if u := s.users[id]; u != nil {
			w.Mentions = append(w.Mentions, mentioned{wireUser: u.wire()})
		}
	}
	for _, a := range m.attachments {
		url := s.attachmentURL(m, a)
		w.Embeds, w.Components = located(w.Embeds, a.name, url), located(w.Components, a.name, url)
		w.Attachments = append(w.Attachments, wireAttachment{ID: a.id, Filename: a.name, Size: len(a.data), URL: url,
			ProxyURL: url, ContentType: a.kind, Description: optional(a.description), Ephemeral: m.only != 0})
	}
	for _, r := range m.reactions {
		w.Reactions = append(w.Reactions, r.wire(viewer))
	}
	if m.app != nil {
		w.WebhookID, w.AppID = &m.app.id, &m.app.id
	}
	if m.act != nil {
		w.Metadata = m.act.metadata()
		w.Interaction = m.act.oldMetadata()
	}
	if m.refMessage != 0 {
		w.Reference = &messageReference{MessageID: m.refMessage, ChannelID: m.refChannel, GuildID: optionalID(m.guild)}
		if ref := s.findMessage(m.refChannel, m.refMessage); ref != nil && ref.refMessage == 0 {
			rw := s.wireMessage(ref, viewer)
			w.Referenced = &rw
		}
	}
	return w
}

// located returns embeds or components in which an attachment is replaced by its URL.
// https://docs.discord.com/developers/reference#editing-message-attachments
func located[T any](v T, name, url string) T {
	out, _ := locate(any(v), "attachment://"+name, url).(T)
	return out
}

func locate(v any, from, to string) any {
	switch v := v.(type) {
	case string:
		if v == from {
			return to
		}
	case map[string]any:
		return locateIn(v, from, to)
	case component:
		return component(locateIn(v, from, to))
	case []any:
		return locateAll(v, from, to)
	case []map[string]any:
		return locateAll(v, from, to)
	case []component:
		return locateAll(v, from, to)
	}
	return v
}

func locateIn(m map[string]any, from, to string) map[string]any {
	out := maps.Clone(m)
	for k, v := range out {
		out[k] = locate(v, from, to)
	}
	return out
}

func locateAll[T any](list []T, from, to string) []T {
	out := slices.Clone(list)
	for i := range out {
		out[i], _ = locate(any(out[i]), from, to).(T)
	}
	return out
}

func (s *state) attachmentURL(m *message, a attachment) string {
	return s.opts.Files() + "/attachments/" + m.channel.String() + "/" + a.id.String() + "/" + a.name
}

// findMessage finds a message by channel and id, including ephemeral ones.
func (s *state) findMessage(channel, id ID) *message {
	list := s.messages[channel]
	i, ok := slices.BinarySearchFunc(list, id, func(m *message, id ID) int { return compareIDs(m.id, id) })
	if !ok {
		return nil
	}
	return list[i]
}

// addMessage adds a message to its channel and dispatches it.
func (s *state) addMessage(m *message) {
	list := append(s.messages[m.channel], m)
	if len(list) > messagesKept {
		list = slices.Delete(list, 0, len(list)-messagesKept)
	}
	s.messages[m.channel] = list
	if ch := s.channels[m.channel]; ch != nil && m.only == 0 {
		ch.lastMessage = m.id
	}
	s.messageEvent("MESSAGE_CREATE", m)
}

// removeMessage deletes a message.
func (s *state) removeMessage(m *message) {
	s.messages[m.channel] = slices.DeleteFunc(s.messages[m.channel], func(x *message) bool { return x == m })
	s.messageEvent("MESSAGE_DELETE", m)
}

// messageEvent sends the event to bots that may read the channel, and to pages of people who may.
// Ephemeral messages are only shown to their user.
func (s *state) messageEvent(name string, m *message) {
	ch := s.channels[m.channel]
	if ch == nil {
		return
	}
	s.watcher.MessageChanged(s, name, m, ch)
	if m.only != 0 {
		return
	}
	if ch.guild == 0 {
		for _, party := range ch.parties {
			if a := s.apps[party]; a != nil {
				s.dispatch(event{name: name, intent: IntentDirectMessages, app: a, user: m.author.id,
					data: s.messageData(name, m, ch, a, ^Intents(0))})
			}
		}
		return
	}
	g := s.guilds[ch.guild]
	s.dispatch(event{name: name, intent: IntentGuildMessages, guild: g, user: m.author.id,
		per: func(to receiver) any {
			if !s.permsIn(g, g.members[to.app.id], ch).Has(PermViewChannel) {
				return nil
			}
			return s.messageData(name, m, ch, to.app, to.intents)
		}})
}

// messageData is the event's body. Without MESSAGE_CONTENT, people's messages have no content
// unless they mention the bot.
func (s *state) messageData(name string, m *message, ch *channel, a *application, intents Intents) any {
	if name == "MESSAGE_DELETE" {
		return struct {
			ID        ID  `json:"id"`
			ChannelID ID  `json:"channel_id"`
			GuildID   *ID `json:"guild_id,omitempty"`
		}{m.id, m.channel, optionalID(ch.guild)}
	}
	w := s.wireMessage(m, a.id)
	w.GuildID = optionalID(ch.guild)
	if mem := s.member(ch.guild, m.author.id); mem != nil && m.app == nil {
		wm := mem.wireWithoutUser()
		w.Member = &wm
	}
	for i, u := range w.Mentions {
		if mem := s.member(ch.guild, u.ID); mem != nil {
			wm := mem.wireWithoutUser()
			w.Mentions[i].Member = &wm
		}
	}
	if intents&IntentMessageContent == 0 && m.author.id != a.id && !slices.Contains(m.mentions, a.id) {
		w.Content, w.Embeds, w.Attachments, w.Components = "", []map[string]any{}, []wireAttachment{}, []component{}
	}
	return w
}

func (r *reaction) wire(viewer ID) wireReaction {
	return wireReaction{Emoji: r.wireEmoji(), Count: len(r.users),
		Details: map[string]int{"normal": len(r.users), "burst": 0},
		Colors:  []string{}, Me: slices.Contains(r.users, viewer)}
}

func (r *reaction) wireEmoji() map[string]any {
	return map[string]any{"name": r.emoji, "id": optionalID(r.id)}
}

// findMentions finds the mentions in a text that allowed permits.
func (s *state) findMentions(m *message, allowed mentionRules) {
	m.mentions, m.roles, m.everyone = nil, nil, false
	g := s.guilds[m.guild]
	for part := range strings.SplitSeq(m.content, "<") {
		body, _, ok := strings.Cut(part, ">")
		if !ok {
			continue
		}
		switch {
		case strings.HasPrefix(body, "@&"):
			if id := parseID(body[2:]); g != nil && g.roles[id] != nil && allowed.role(id) &&
				!slices.Contains(m.roles, id) {
				m.roles = append(m.roles, id)
			}
		case strings.HasPrefix(body, "@"):
			id := parseID(strings.TrimPrefix(body[1:], "!"))
			if s.users[id] != nil && allowed.user(id) && !slices.Contains(m.mentions, id) {
				m.mentions = append(m.mentions, id)
			}
		}
	}
	m.everyone = allowed.everyone && (strings.Contains(m.content, "@everyone") || strings.Contains(m.content, "@here"))
}

// setReaction adds or removes a user's reaction.
func (s *state) setReaction(m *message, ch *channel, emoji string, user ID, on bool) {
	name, idText, _ := strings.Cut(emoji, ":")
	i := slices.IndexFunc(m.reactions, func(r reaction) bool { return r.emoji == name })
	if i < 0 && on {
		m.reactions = append(m.reactions, reaction{emoji: name, id: parseID(idText)})
		i = len(m.reactions) - 1
	}
	if i < 0 || slices.Contains(m.reactions[i].users, user) == on {
		return
	}
	r := &m.reactions[i]
	told := r.wireEmoji()
	eventName := "MESSAGE_REACTION_ADD"
	if on {
		r.users = append(r.users, user)
	} else {
		eventName = "MESSAGE_REACTION_REMOVE"
		r.users = slices.DeleteFunc(r.users, func(id ID) bool { return id == user })
		if len(r.users) == 0 {
			m.reactions = slices.Delete(m.reactions, i, i+1)
		}
	}
	data := map[string]any{
		"user_id": user, "channel_id": ch.id, "message_id": m.id, "emoji": told, "burst": false, "type": 0,
	}
	s.watcher.MessageChanged(s, "MESSAGE_UPDATE", m, ch)
	if g := s.guilds[ch.guild]; g != nil {
		data["guild_id"] = g.id
		if mem := g.members[user]; mem != nil && on {
			data["member"] = mem.wire()
		}
		s.dispatch(event{name: eventName, intent: IntentGuildReactions, guild: g, user: user, data: data})
	}
}
