package world

import (
	"strconv"
	"time"

	"snug/shared/discordsim/internal/world/form"
)

// The types in this file are Discord's objects as they appear in responses and events. Fields that
// Discord always sends have no omitempty.

// WireUser is a user as others see them.
type WireUser struct {
	ID               ID      `json:"id"`
	Username         string  `json:"username"`
	Avatar           *string `json:"avatar"`
	Discriminator    string  `json:"discriminator"`
	PublicFlags      int     `json:"public_flags"`
	Flags            int     `json:"flags"`
	Bot              bool    `json:"bot,omitempty"`
	Banner           *string `json:"banner"`
	AccentColor      *int    `json:"accent_color"`
	GlobalName       *string `json:"global_name"`
	AvatarDecoration any     `json:"avatar_decoration_data"`
	Collectibles     any     `json:"collectibles"`
	PrimaryGuild     any     `json:"primary_guild"`
}

// WireSelf is a user as they see themselves.
type WireSelf struct {
	WireUser
	MFA      bool    `json:"mfa_enabled"`
	Locale   string  `json:"locale"`
	Premium  int     `json:"premium_type"`
	Email    *string `json:"email"`
	Verified bool    `json:"verified"`
}

// WireRole is a role.
type WireRole struct {
	ID           ID          `json:"id"`
	Name         string      `json:"name"`
	Permissions  Permissions `json:"permissions"`
	Position     int         `json:"position"`
	Color        int         `json:"color"`
	Colors       wireColors  `json:"colors"`
	Hoist        bool        `json:"hoist"`
	Managed      bool        `json:"managed"`
	Mentionable  bool        `json:"mentionable"`
	Icon         *string     `json:"icon"`
	UnicodeEmoji *string     `json:"unicode_emoji"`
	Flags        int         `json:"flags"`
	Tags         *wireTags   `json:"tags,omitempty"`
}

type wireColors struct {
	Primary   int  `json:"primary_color"`
	Secondary *int `json:"secondary_color"`
	Tertiary  *int `json:"tertiary_color"`
}

type wireTags struct {
	BotID ID `json:"bot_id"`
}

// WireMember is a member of a guild.
type WireMember struct {
	Avatar           *string      `json:"avatar"`
	AvatarDecoration any          `json:"avatar_decoration_data"`
	Banner           *string      `json:"banner"`
	Collectibles     any          `json:"collectibles"`
	TimedOutUntil    *Stamp       `json:"communication_disabled_until"`
	Flags            int          `json:"flags"`
	JoinedAt         Stamp        `json:"joined_at"`
	Nick             *string      `json:"nick"`
	Pending          bool         `json:"pending"`
	PremiumSince     *Stamp       `json:"premium_since"`
	Roles            []ID         `json:"roles"`
	User             *WireUser    `json:"user,omitempty"`
	Mute             *bool        `json:"mute,omitempty"`
	Deaf             *bool        `json:"deaf,omitempty"`
	Permissions      *Permissions `json:"permissions,omitempty"`
	GuildID          *ID          `json:"guild_id,omitempty"`
}

type wireOverwrite struct {
	ID    ID          `json:"id"`
	Type  int         `json:"type"`
	Allow Permissions `json:"allow"`
	Deny  Permissions `json:"deny"`
}

// WireChannel is a channel of a guild.
type WireChannel struct {
	ID          ID              `json:"id"`
	Type        ChannelType     `json:"type"`
	LastMessage *NullID         `json:"last_message_id,omitempty"`
	Flags       int             `json:"flags"`
	LastPin     *Stamp          `json:"last_pin_timestamp,omitempty"`
	GuildID     *ID             `json:"guild_id,omitempty"`
	Name        string          `json:"name"`
	ParentID    *ID             `json:"parent_id"`
	Slowmode    *int            `json:"rate_limit_per_user,omitempty"`
	Bitrate     *int            `json:"bitrate,omitempty"`
	UserLimit   *int            `json:"user_limit,omitempty"`
	RTCRegion   *NullString     `json:"rtc_region,omitempty"`
	Quality     *int            `json:"video_quality_mode,omitempty"`
	Topic       *NullString     `json:"topic,omitempty"`
	ArchiveMins *int            `json:"default_auto_archive_duration,omitempty"`
	Tags        []Tag           `json:"available_tags,omitempty"`
	Position    int             `json:"position"`
	Overwrites  []wireOverwrite `json:"permission_overwrites"`
	NSFW        bool            `json:"nsfw"`
	Permissions *Permissions    `json:"permissions,omitempty"`
	Status      *NullString     `json:"status,omitempty"` // only for the page: Discord sends it in CHANNEL_INFO
}

// WireDM is a DM channel.
type WireDM struct {
	ID          ID          `json:"id"`
	Type        ChannelType `json:"type"`
	LastMessage *ID         `json:"last_message_id"`
	Flags       int         `json:"flags"`
	Recipients  []WireUser  `json:"recipients"`
}

// WireVoice is a voice state.
type WireVoice struct {
	GuildID    *ID         `json:"guild_id,omitempty"`
	ChannelID  *ID         `json:"channel_id"`
	UserID     ID          `json:"user_id"`
	Member     *WireMember `json:"member,omitempty"`
	SessionID  string      `json:"session_id"`
	Deaf       bool        `json:"deaf"`
	Mute       bool        `json:"mute"`
	SelfDeaf   bool        `json:"self_deaf"`
	SelfMute   bool        `json:"self_mute"`
	SelfStream bool        `json:"self_stream"`
	SelfVideo  bool        `json:"self_video"`
	Suppress   bool        `json:"suppress"`
	Speak      *Stamp      `json:"request_to_speak_timestamp"`
}

// Stamp is a time in Discord's ISO 8601 form.
type Stamp time.Time

// MarshalJSON writes the time in UTC, with microseconds.
func (t Stamp) MarshalJSON() ([]byte, error) {
	return []byte(`"` + time.Time(t).UTC().Format("2006-01-02T15:04:05.000000-07:00") + `"`), nil
}

// NullString is a string that is null if absent; a pointer with omitempty would omit the field.
type NullString struct{ s *string }

// MarshalJSON writes the string, or null.
func (n NullString) MarshalJSON() ([]byte, error) {
	if n.s == nil {
		return []byte("null"), nil
	}
	return form.Marshal(*n.s), nil
}

// NullID is an id, or null for 0.
type NullID struct{ ID ID }

// MarshalJSON writes the id in quotes, or null.
func (n NullID) MarshalJSON() ([]byte, error) {
	if n.ID == 0 {
		return []byte("null"), nil
	}
	return form.Marshal(n.ID), nil
}

// OrNull encodes a missing text as null.
func OrNull(s *string) *NullString { return &NullString{s} }

// Optional returns nil for an empty text.
func Optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// OptionalID returns nil for 0.
func OptionalID(id ID) *ID {
	if id == 0 {
		return nil
	}
	return &id
}

// OptionalTime returns nil for the zero time.
func OptionalTime(t time.Time) *Stamp {
	if t.IsZero() {
		return nil
	}
	v := Stamp(t)
	return &v
}

// Wire returns a user as others see them.
func (u *User) Wire() WireUser {
	return WireUser{ID: u.ID, Username: u.Username, Avatar: Optional(u.Avatar), Discriminator: u.discriminator(),
		PublicFlags: u.flags, Flags: u.flags, Bot: u.Bot, GlobalName: Optional(u.GlobalName)}
}

// discriminator is "0" for people; bots still have four digits.
func (u *User) discriminator() string {
	switch {
	case u.webhook:
		return "0000"
	case !u.Bot:
		return "0"
	}
	d := strconv.Itoa(int(u.ID>>22) % 10000)
	return "0000"[len(d):] + d
}

// Self returns a user as they see themselves; email adds their address.
func (u *User) Self(email bool) WireSelf {
	w := WireSelf{WireUser: u.Wire(), MFA: u.Bot, Locale: u.Locale, Verified: true}
	if email && !u.Bot {
		mail := u.Username + "@example.invalid"
		w.Email = &mail
	}
	return w
}

// Wire returns a role as it is sent.
func (r *Role) Wire() WireRole {
	w := WireRole{ID: r.ID, Name: r.Name, Permissions: r.Permissions, Position: r.Position, Color: r.Color,
		Colors: wireColors{Primary: r.Color}, Hoist: r.Hoist, Managed: r.Managed, Mentionable: r.Mentionable}
	if r.BotID != 0 {
		w.Tags = &wireTags{BotID: r.BotID}
	}
	return w
}

// Wire returns a member as they are sent, with their user.
func (m *Member) Wire() WireMember {
	w := m.wireWithoutUser()
	u := m.User.Wire()
	w.User = &u
	return w
}

// wireWithoutUser returns a member where their user is sent beside them.
func (m *Member) wireWithoutUser() WireMember {
	roles := m.Roles
	if roles == nil {
		roles = []ID{}
	}
	return WireMember{TimedOutUntil: OptionalTime(m.Timeout), Flags: m.flags, JoinedAt: Stamp(m.JoinedAt),
		Nick: Optional(m.Nick), Pending: m.Pending, Roles: roles, Mute: &m.Mute, Deaf: &m.Deaf}
}

// WirePartial returns the partial member used where members are only mentioned.
func (m *Member) WirePartial() WireMember {
	w := m.wireWithoutUser()
	w.Mute, w.Deaf = nil, nil
	return w
}

// Wire returns a channel as it is sent to those who can view it.
func (c *Channel) Wire() WireChannel {
	w := WireChannel{ID: c.ID, Type: c.Kind, Name: c.Name, ParentID: OptionalID(c.Parent), Position: c.Position,
		NSFW: c.NSFW, GuildID: OptionalID(c.Guild), Overwrites: make([]wireOverwrite, len(c.Overwrites))}
	for i, o := range c.Overwrites {
		w.Overwrites[i] = wireOverwrite{o.ID, o.Kind, o.Allow, o.Deny}
	}
	if c.Kind == ChannelCategory {
		return w
	}
	w.LastMessage, w.LastPin, w.Slowmode = &NullID{c.LastMessage}, OptionalTime(c.LastPin), &c.Slowmode
	if c.Voice() {
		w.Bitrate, w.UserLimit, w.RTCRegion = &c.Bitrate, &c.UserLimit, OrNull(c.Region)
		w.Quality = &c.Quality
	} else {
		w.Topic, w.Tags = OrNull(c.Topic), c.Tags
		if c.ArchiveMins != 0 {
			w.ArchiveMins = &c.ArchiveMins
		}
	}
	return w
}

// WireDMFor returns a DM channel as one of its recipients sees it.
func (s *State) WireDMFor(c *Channel, viewer ID) WireDM {
	w := WireDM{ID: c.ID, Type: ChannelDM, LastMessage: OptionalID(c.LastMessage), Recipients: []WireUser{}}
	for _, id := range c.Parties {
		if u := s.Users[id]; u != nil && id != viewer {
			w.Recipients = append(w.Recipients, u.Wire())
		}
	}
	return w
}

// WireVoice returns a voice state. A nil state is that of a member who isn't connected.
func (g *Guild) WireVoice(m *Member, v *voiceState, withMember bool) WireVoice {
	w := WireVoice{GuildID: &g.ID, UserID: m.User.ID, Deaf: m.Deaf, Mute: m.Mute}
	if v != nil {
		w.ChannelID, w.SessionID = OptionalID(v.Channel), v.session
		w.SelfDeaf, w.SelfMute, w.SelfStream, w.SelfVideo = v.selfDeaf, v.selfMute, v.SelfStream, v.SelfVideo
		w.Suppress, w.Speak = v.Suppress, OptionalTime(v.Speak)
	}
	if withMember {
		wm := m.Wire()
		w.Member = &wm
	}
	return w
}
