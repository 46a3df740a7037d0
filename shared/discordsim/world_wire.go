package discordsim

import (
	"strconv"
	"time"
)

// The types in this file are Discord's objects as they appear in responses and events. Fields that
// Discord always sends have no omitempty.

// wireUser is a user as others see them.
type wireUser struct {
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

// wireSelf is a user as they see themselves.
type wireSelf struct {
	wireUser
	MFA      bool    `json:"mfa_enabled"`
	Locale   string  `json:"locale"`
	Premium  int     `json:"premium_type"`
	Email    *string `json:"email"`
	Verified bool    `json:"verified"`
}

// wireRole is a role.
type wireRole struct {
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

// wireMember is a member of a guild.
type wireMember struct {
	Avatar           *string      `json:"avatar"`
	AvatarDecoration any          `json:"avatar_decoration_data"`
	Banner           *string      `json:"banner"`
	Collectibles     any          `json:"collectibles"`
	TimedOutUntil    *stamp       `json:"communication_disabled_until"`
	Flags            int          `json:"flags"`
	JoinedAt         stamp        `json:"joined_at"`
	Nick             *string      `json:"nick"`
	Pending          bool         `json:"pending"`
	PremiumSince     *stamp       `json:"premium_since"`
	Roles            []ID         `json:"roles"`
	User             *wireUser    `json:"user,omitempty"`
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

// wireChannel is a channel of a guild.
type wireChannel struct {
	ID          ID              `json:"id"`
	Type        ChannelType     `json:"type"`
	LastMessage *nullID         `json:"last_message_id,omitempty"`
	Flags       int             `json:"flags"`
	LastPin     *stamp          `json:"last_pin_timestamp,omitempty"`
	GuildID     *ID             `json:"guild_id,omitempty"`
	Name        string          `json:"name"`
	ParentID    *ID             `json:"parent_id"`
	Slowmode    *int            `json:"rate_limit_per_user,omitempty"`
	Bitrate     *int            `json:"bitrate,omitempty"`
	UserLimit   *int            `json:"user_limit,omitempty"`
	RTCRegion   *nullString     `json:"rtc_region,omitempty"`
	Quality     *int            `json:"video_quality_mode,omitempty"`
	Topic       *nullString     `json:"topic,omitempty"`
	ArchiveMins *int            `json:"default_auto_archive_duration,omitempty"`
	Position    int             `json:"position"`
	Overwrites  []wireOverwrite `json:"permission_overwrites"`
	NSFW        bool            `json:"nsfw"`
	Permissions *Permissions    `json:"permissions,omitempty"`
	Status      *nullString     `json:"status,omitempty"` // only for the page: Discord sends it in CHANNEL_INFO
}

// wireDM is a DM channel.
type wireDM struct {
	ID          ID          `json:"id"`
	Type        ChannelType `json:"type"`
	LastMessage *ID         `json:"last_message_id"`
	Flags       int         `json:"flags"`
	Recipients  []wireUser  `json:"recipients"`
}

// wireVoice is a voice state.
type wireVoice struct {
	GuildID    *ID         `json:"guild_id,omitempty"`
	ChannelID  *ID         `json:"channel_id"`
	UserID     ID          `json:"user_id"`
	Member     *wireMember `json:"member,omitempty"`
	SessionID  string      `json:"session_id"`
	Deaf       bool        `json:"deaf"`
	Mute       bool        `json:"mute"`
	SelfDeaf   bool        `json:"self_deaf"`
	SelfMute   bool        `json:"self_mute"`
	SelfStream bool        `json:"self_stream"`
	SelfVideo  bool        `json:"self_video"`
	Suppress   bool        `json:"suppress"`
	Speak      *stamp      `json:"request_to_speak_timestamp"`
}

// stamp is a time in Discord's ISO 8601 form.
type stamp time.Time

func (t stamp) MarshalJSON() ([]byte, error) {
	return []byte(`"` + time.Time(t).UTC().Format("2006-01-02T15:04:05.000000-07:00") + `"`), nil
}

// nullString is a string that is null if absent; a pointer with omitempty would omit the field.
type nullString struct{ s *string }

func (n nullString) MarshalJSON() ([]byte, error) {
	if n.s == nil {
		return []byte("null"), nil
	}
	return marshal(*n.s), nil
}

// nullID is an id, or null for 0.
type nullID struct{ id ID }

func (n nullID) MarshalJSON() ([]byte, error) {
	if n.id == 0 {
		return []byte("null"), nil
	}
	return marshal(n.id), nil
}

// orNull encodes a missing text as null.
func orNull(s *string) *nullString { return &nullString{s} }

// optional returns nil for an empty text.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// optionalID returns nil for 0.
func optionalID(id ID) *ID {
	if id == 0 {
		return nil
	}
	return &id
}

// optionalTime returns nil for the zero time.
func optionalTime(t time.Time) *stamp {
	if t.IsZero() {
		return nil
	}
	v := stamp(t)
	return &v
}

// wire returns a user as others see them.
func (u *user) wire() wireUser {
	return wireUser{ID: u.id, Username: u.username, Avatar: optional(u.avatar), Discriminator: u.discriminator(),
		PublicFlags: u.flags, Flags: u.flags, Bot: u.bot, GlobalName: optional(u.globalName)}
}

// discriminator is "0" for people; bots still have four digits.
func (u *user) discriminator() string {
	if !u.bot {
		return "0"
	}
	d := strconv.Itoa(int(u.id>>22) % 10000)
	return "0000"[len(d):] + d
}

// self returns a user as they see themselves; email adds their address.
func (u *user) self(email bool) wireSelf {
	w := wireSelf{wireUser: u.wire(), MFA: u.bot, Locale: u.locale, Verified: true}
	if email && !u.bot {
		mail := u.username + "@example.invalid"
		w.Email = &mail
	}
	return w
}

// wire returns a role as it is sent.
func (r *role) wire() wireRole {
	w := wireRole{ID: r.id, Name: r.name, Permissions: r.permissions, Position: r.position, Color: r.color,
		Colors: wireColors{Primary: r.color}, Hoist: r.hoist, Managed: r.managed, Mentionable: r.mentionable}
	if r.botID != 0 {
		w.Tags = &wireTags{BotID: r.botID}
	}
	return w
}

// wire returns a member as they are sent, with their user.
func (m *member) wire() wireMember {
	w := m.wireWithoutUser()
	u := m.user.wire()
	w.User = &u
	return w
}

// wireWithoutUser returns a member where their user is sent beside them.
func (m *member) wireWithoutUser() wireMember {
	roles := m.roles
	if roles == nil {
		roles = []ID{}
	}
	return wireMember{TimedOutUntil: optionalTime(m.timeout), Flags: m.flags, JoinedAt: stamp(m.joinedAt),
		Nick: optional(m.nick), Pending: m.pending, Roles: roles, Mute: &m.mute, Deaf: &m.deaf}
}

// wirePartial returns the partial member used where members are only mentioned.
func (m *member) wirePartial() wireMember {
	w := m.wireWithoutUser()
	w.Mute, w.Deaf = nil, nil
	return w
}

// wire returns a channel as it is sent to those who can view it.
func (c *channel) wire() wireChannel {
	w := wireChannel{ID: c.id, Type: c.kind, Name: c.name, ParentID: optionalID(c.parent), Position: c.position,
		NSFW: c.nsfw, GuildID: optionalID(c.guild), Overwrites: make([]wireOverwrite, len(c.overwrites))}
	for i, o := range c.overwrites {
		w.Overwrites[i] = wireOverwrite{o.id, o.kind, o.allow, o.deny}
	}
	if c.kind == ChannelCategory {
		return w
	}
	w.LastMessage, w.LastPin, w.Slowmode = &nullID{c.lastMessage}, optionalTime(c.lastPin), &c.slowmode
	if c.voice() {
		w.Bitrate, w.UserLimit, w.RTCRegion = &c.bitrate, &c.userLimit, orNull(c.region)
		w.Quality = &c.quality
	} else {
		w.Topic = orNull(c.topic)
		if c.archiveMins != 0 {
			w.ArchiveMins = &c.archiveMins
		}
	}
	return w
}

// wireDMFor returns a DM channel as one of its recipients sees it.
func (s *state) wireDMFor(c *channel, viewer ID) wireDM {
	w := wireDM{ID: c.id, Type: ChannelDM, LastMessage: optionalID(c.lastMessage), Recipients: []wireUser{}}
	for _, id := range c.parties {
		if u := s.users[id]; u != nil && id != viewer {
			w.Recipients = append(w.Recipients, u.wire())
		}
	}
	return w
}

// wireVoice returns a voice state. A nil state is that of a member who isn't connected.
func (g *guild) wireVoice(m *member, v *voiceState, withMember bool) wireVoice {
	w := wireVoice{GuildID: &g.id, UserID: m.user.id, Deaf: m.deaf, Mute: m.mute}
	if v != nil {
		w.ChannelID, w.SessionID = optionalID(v.channel), v.session
		w.SelfDeaf, w.SelfMute, w.SelfStream, w.SelfVideo = v.selfDeaf, v.selfMute, v.selfStream, v.selfVideo
		w.Suppress, w.Speak = v.suppress, optionalTime(v.speak)
	}
	if withMember {
		wm := m.wire()
		w.Member = &wm
	}
	return w
}
