package world

import "slices"

// Webhook posts messages in a channel for everybody who has its token ("Webhook Resource", type Incoming).
type Webhook struct {
	ID      ID     `json:"id"`
	Guild   ID     `json:"guild_id"`
	Channel ID     `json:"channel_id"`
	Name    string `json:"name"`
	Avatar  string `json:"avatar,omitempty"` // its hash
	Token   string `json:"token"`
	App     ID     `json:"application_id,omitempty"` // whose bot made it; 0: a person did
	Creator ID     `json:"user_id"`
}

// Limits on webhooks ("JSON Error Codes", 30007 and 30058).
const (
	WebhooksPerChannel = 15
	WebhooksPerGuild   = 1000
)

// WireWebhook is a webhook in responses.
type WireWebhook struct {
	ID      ID        `json:"id"`
	Type    int       `json:"type"`
	Guild   ID        `json:"guild_id"`
	Channel ID        `json:"channel_id"`
	Name    string    `json:"name"`
	Avatar  *string   `json:"avatar"`
	Token   string    `json:"token,omitempty"`
	App     *ID       `json:"application_id"`
	User    *WireUser `json:"user,omitempty"`
}

// Wire returns a webhook as it is shown with its token, without who made it.
func (h *Webhook) Wire() WireWebhook {
	return WireWebhook{ID: h.ID, Type: 1, Guild: h.Guild, Channel: h.Channel, Name: h.Name, Avatar: Optional(h.Avatar),
		Token: h.Token, App: OptionalID(h.App)}
}

// Author returns who a webhook's message is by: nobody who has an account.
func (h *Webhook) Author(name, avatar string) *User {
	return &User{ID: h.ID, Username: name, Avatar: avatar, Bot: true, webhook: true}
}

// WebhooksOf lists the webhooks that match, oldest first.
func (s *State) WebhooksOf(match func(*Webhook) bool) []*Webhook {
	list := []*Webhook{}
	for _, h := range s.Webhooks {
		if match(h) {
			list = append(list, h)
		}
	}
	slices.SortFunc(list, func(a, b *Webhook) int { return CompareIDs(a.ID, b.ID) })
	return list
}

// WebhooksEvent dispatches that a channel's webhooks changed.
func (s *State) WebhooksEvent(guild, channel ID) {
	s.Dispatch(Event{Name: "WEBHOOKS_UPDATE", Intent: IntentGuildWebhooks, Guild: s.Guilds[guild], Data: struct {
		GuildRef
		Channel ID `json:"channel_id"`
	}{GuildRef{guild}, channel}})
}
