package world

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"snug/shared/discordsim/internal/world/form"
)

// Message is a message in a channel or a DM channel.
type Message struct {
	ID          ID
	Channel     ID
	Guild       ID // 0 in a direct message
	Author      *User
	App         *Application // whose webhook sent it: a response to an interaction, or its webhook of a channel
	Webhook     ID           // of a channel, that sent it; 0: none did
	Content     string
	embeds      []map[string]any
	Components  []Component
	Attachments []Attachment
	Flags       int
	Kind        int // the message's type, with Discord's numbers
	tts         bool
	Pinned      bool
	PinnedAt    time.Time
	Edited      time.Time // zero: never
	Mentions    []ID
	roles       []ID
	everyone    bool
	RefChannel  ID // what it replies to, with RefMessage; 0: nothing
	RefMessage  ID
	Nonce       json.RawMessage // as it was sent
	Act         *Interaction    // that it responds to
	Only        ID              // ephemeral: the only user who sees it
	reactions   []reaction
}

// Attachment is a file of a message.
type Attachment struct {
	ID          ID
	Name        string
	Kind        string // the media type
	Field       string // the part's name in the request, such as files[0]
	description string
	Data        []byte
}

// Types of messages that Discord writes itself, with its numbers.
const (
	MessageThreadCreated = 18
	MessageThreadStarter = 21
)

const messagesKept = 500 // per channel

// Created returns when a message was written.
func (m *Message) Created() time.Time { return m.ID.Time() }

// WireMessage is a message in responses and events.
type WireMessage struct {
	ID          ID                `json:"id"`
	ChannelID   ID                `json:"channel_id"`
	GuildID     *ID               `json:"guild_id,omitempty"`
	Author      WireUser          `json:"author"`
	Member      *WireMember       `json:"member,omitempty"`
	Type        int               `json:"type"`
	Content     string            `json:"content"`
	Timestamp   Stamp             `json:"timestamp"`
	Edited      *Stamp            `json:"edited_timestamp"`
	TTS         bool              `json:"tts"`
	Everyone    bool              `json:"mention_everyone"`
	Mentions    []mentioned       `json:"mentions"`
	Roles       []ID              `json:"mention_roles"`
	Attachments []wireAttachment  `json:"attachments"`
	Embeds      []map[string]any  `json:"embeds"`
	Components  []Component       `json:"components"`
	Reactions   []wireReaction    `json:"reactions,omitempty"`
	Pinned      bool              `json:"pinned"`
	Flags       int               `json:"flags"`
	Nonce       json.RawMessage   `json:"nonce,omitempty"`
	WebhookID   *ID               `json:"webhook_id,omitempty"`
	AppID       *ID               `json:"application_id,omitempty"`
	Metadata    map[string]any    `json:"interaction_metadata,omitempty"`
	Interaction map[string]any    `json:"interaction,omitempty"`
	Reference   *messageReference `json:"message_reference,omitempty"`
	Referenced  *WireMessage      `json:"referenced_message,omitempty"`
	Thread      *WireThread       `json:"thread,omitempty"`
}

// mentioned is a user in a message; the gateway includes their member object.
type mentioned struct {
	WireUser
	Member *WireMember `json:"member,omitempty"`
}

type messageReference struct {
	Type      int `json:"type"`
	MessageID *ID `json:"message_id,omitempty"`
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

// WireMessage returns a message as viewer sees it.
func (s *State) WireMessage(m *Message, viewer ID) WireMessage {
	w := WireMessage{ID: m.ID, ChannelID: m.Channel, Author: m.Author.Wire(), Type: m.Kind, Content: m.Content,
		Timestamp: Stamp(m.Created()), Edited: OptionalTime(m.Edited), TTS: m.tts, Everyone: m.everyone,
		Mentions: []mentioned{}, Roles: m.roles, Attachments: []wireAttachment{}, Embeds: m.embeds,
		Components: m.Components, Pinned: m.Pinned, Flags: m.Flags, Nonce: m.Nonce}
	if w.Roles == nil {
		w.Roles = []ID{}
	}
	if w.Embeds == nil {
		w.Embeds = []map[string]any{}
	}
	if w.Components == nil {
		w.Components = []Component{}
	}
	for _, id := range m.Mentions {
		if u := s.Users[id]; u != nil {
			w.Mentions = append(w.Mentions, mentioned{WireUser: u.Wire()})
		}
	}
	for _, a := range m.Attachments {
		url := s.attachmentURL(m, a)
		w.Embeds, w.Components = located(w.Embeds, a.Name, url), located(w.Components, a.Name, url)
		w.Attachments = append(w.Attachments, wireAttachment{ID: a.ID, Filename: a.Name, Size: len(a.Data), URL: url,
			ProxyURL: url, ContentType: a.Kind, Description: Optional(a.description), Ephemeral: m.Only != 0})
	}
	for _, r := range m.reactions {
		w.Reactions = append(w.Reactions, r.wire(viewer))
	}
	if m.App != nil {
		w.WebhookID, w.AppID = &m.App.ID, &m.App.ID
	}
	if m.Webhook != 0 {
		w.WebhookID = &m.Webhook
	}
	if m.Act != nil {
		w.Metadata = m.Act.metadata()
		w.Interaction = m.Act.oldMetadata()
	}
	if t := s.Channels[m.ID]; t != nil && t.ID != m.Channel {
		wt := s.WireThread(t, viewer)
		w.Thread, w.Flags = &wt, w.Flags|flagHasThread
	}
	if m.RefChannel != 0 {
		w.Reference = &messageReference{MessageID: OptionalID(m.RefMessage), ChannelID: m.RefChannel,
			GuildID: OptionalID(m.Guild)}
		if ref := s.FindMessage(m.RefChannel, m.RefMessage); ref != nil && ref.RefMessage == 0 {
			rw := s.WireMessage(ref, viewer)
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
	case Component:
		return Component(locateIn(v, from, to))
	case []any:
		return locateAll(v, from, to)
	case []map[string]any:
		return locateAll(v, from, to)
	case []Component:
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

func (s *State) attachmentURL(m *Message, a Attachment) string {
	return s.Opts.Files() + "/attachments/" + m.Channel.String() + "/" + a.ID.String() + "/" + a.Name
}

// FindMessage finds a message by channel and id, including ephemeral ones.
func (s *State) FindMessage(channel, id ID) *Message {
	list := s.Messages[channel]
	i, ok := slices.BinarySearchFunc(list, id, func(m *Message, id ID) int { return CompareIDs(m.ID, id) })
	if !ok {
		return nil
	}
	return list[i]
}

// AddMessage adds a message to its channel and dispatches it.
func (s *State) AddMessage(m *Message) {
	list := append(s.Messages[m.Channel], m)
	if len(list) > messagesKept {
		list = slices.Delete(list, 0, len(list)-messagesKept)
	}
	s.Messages[m.Channel] = list
	if ch := s.Channels[m.Channel]; ch != nil && m.Only == 0 {
		ch.LastMessage = m.ID
	}
	s.MessageEvent("MESSAGE_CREATE", m)
	if ch := s.Channels[m.Channel]; ch != nil && ch.Thread != nil && m.Only == 0 {
		s.threadGrew(ch, m)
	}
}

// RemoveMessage deletes a message.
func (s *State) RemoveMessage(m *Message) {
	s.Messages[m.Channel] = slices.DeleteFunc(s.Messages[m.Channel], func(x *Message) bool { return x == m })
	s.MessageEvent("MESSAGE_DELETE", m)
	ch := s.Channels[m.Channel]
	if ch != nil && ch.Thread != nil && m.ID != ch.ID && m.Kind != MessageThreadStarter {
		ch.Thread.Count--
	}
}

// MessageEvent sends the event to bots that may read the channel, and to pages of people who may.
// Ephemeral messages are only shown to their user.
func (s *State) MessageEvent(name string, m *Message) {
	ch := s.Channels[m.Channel]
	if ch == nil {
		return
	}
	s.Watcher.MessageChanged(s, name, m, ch)
	if m.Only != 0 {
		return
	}
	if ch.Guild == 0 {
		for _, party := range ch.Parties {
			if a := s.Apps[party]; a != nil {
				s.Dispatch(Event{Name: name, Intent: IntentDirectMessages, App: a, User: m.Author.ID,
					Data: s.messageData(name, m, ch, a, ^Intents(0))})
			}
		}
		return
	}
	g := s.Guilds[ch.Guild]
	s.Dispatch(Event{Name: name, Intent: IntentGuildMessages, Guild: g, User: m.Author.ID,
		Per: func(to Receiver) any {
			if !s.PermsIn(g, g.Members[to.App.ID], ch).Has(PermViewChannel) {
				return nil
			}
			return s.messageData(name, m, ch, to.App, to.Intents)
		}})
}

// messageData is the event's body. Without MESSAGE_CONTENT, people's messages have no content
// unless they mention the bot.
func (s *State) messageData(name string, m *Message, ch *Channel, a *Application, intents Intents) any {
	if name == "MESSAGE_DELETE" {
		return struct {
			ID        ID  `json:"id"`
			ChannelID ID  `json:"channel_id"`
			GuildID   *ID `json:"guild_id,omitempty"`
		}{m.ID, m.Channel, OptionalID(ch.Guild)}
	}
	w := s.WireMessage(m, a.ID)
	w.GuildID = OptionalID(ch.Guild)
	if mem := s.Member(ch.Guild, m.Author.ID); mem != nil && m.App == nil {
		wm := mem.wireWithoutUser()
		w.Member = &wm
	}
	for i, u := range w.Mentions {
		if mem := s.Member(ch.Guild, u.ID); mem != nil {
			wm := mem.wireWithoutUser()
			w.Mentions[i].Member = &wm
		}
	}
	if intents&IntentMessageContent == 0 && m.Author.ID != a.ID && !slices.Contains(m.Mentions, a.ID) {
		w.Content, w.Embeds, w.Attachments, w.Components = "", []map[string]any{}, []wireAttachment{}, []Component{}
	}
	return w
}

// findMentions finds the mentions in a text that allowed permits.
func (s *State) findMentions(m *Message, allowed mentionRules) {
	m.Mentions, m.roles, m.everyone = nil, nil, false
	g := s.Guilds[m.Guild]
	for part := range strings.SplitSeq(m.Content, "<") {
		body, _, ok := strings.Cut(part, ">")
		if !ok {
			continue
		}
		switch {
		case strings.HasPrefix(body, "@&"):
			if id := form.ParseID(body[2:]); g != nil && g.Roles[id] != nil && allowed.role(id) &&
				!slices.Contains(m.roles, id) {
				m.roles = append(m.roles, id)
			}
		case strings.HasPrefix(body, "@"):
			id := form.ParseID(strings.TrimPrefix(body[1:], "!"))
			if s.Users[id] != nil && allowed.user(id) && !slices.Contains(m.Mentions, id) {
				m.Mentions = append(m.Mentions, id)
			}
		}
	}
	m.everyone = allowed.everyone && (strings.Contains(m.Content, "@everyone") || strings.Contains(m.Content, "@here"))
}
