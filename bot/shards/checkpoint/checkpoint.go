// Package checkpoint stores what a process needs to resume a shard's gateway session: the session
// itself, the sequence number of the last event that was applied, and every guild as it was at that
// point. RESUME repeats only the events after it and sends no guilds, and Discord's REST API can't
// list voice states, so a session without its guilds is worthless: Load returns all of it or an error.
//
// The documents are in the hub's shards bucket, sealed: one for each guild, one with the list of
// guilds, and the head with the session. A save writes the changed guilds, then the list if it
// changed, then the head. A process that dies in between leaves the old head with some newer
// guilds; replaying events onto these changes nothing, because voice states, channels and roles are
// complete values of which the last wins.
//
// Only the bot uses it. A Store is safe for concurrent use as long as only one goroutine at a time uses the same shard.
package checkpoint

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/eventjson"
	"snug/bot/gateway"
	"snug/bot/voice"
	"snug/shared/hub"
)

// Head is a shard's session and the configuration it belongs to.
type Head struct {
	Session     gateway.Checkpoint  `json:"session"`
	Shards      int                 `json:"shards"` // of the whole bot
	Intents     int64               `json:"intents"`
	Application snowflake.ID        `json:"application"`
	Self        *discord.OAuth2User `json:"self,omitempty"` // the bot's user; RESUME doesn't repeat it
	SavedAt     time.Time           `json:"saved_at"`
	// Interactions have no final answer yet, although their events were applied.
	Interactions []Interaction `json:"interactions,omitempty"`
}

// Interaction is what answering an interaction takes. With the token, anybody can answer in the bot's name.
type Interaction struct {
	ID     snowflake.ID `json:"id"`
	Token  string       `json:"token"`
	Guild  snowflake.ID `json:"guild,omitempty"`
	Locale string       `json:"locale,omitempty"`
}

// Guild is what was known about a guild.
type Guild struct {
	Guild    discord.Guild          `json:"guild"`
	Self     *discord.Member        `json:"self,omitempty"` // the bot's own membership
	Roles    []discord.Role         `json:"roles"`
	Channels []discord.GuildChannel `json:"channels"`
	Voices   []voice.Occupant       `json:"voices"`
}

// MarshalJSON encodes what Snug uses of the guild.
func (g Guild) MarshalJSON() ([]byte, error) {
	voices, err := json.Marshal(g.Voices)
	if err != nil {
		return nil, err
	}
	return eventjson.Stored{
		Guild: g.Guild, Self: g.Self, Roles: g.Roles, Channels: g.Channels, Voices: voices,
	}.Encode()
}

// UnmarshalJSON is the inverse of MarshalJSON. It also decodes what earlier versions stored: disgo's types.
func (g *Guild) UnmarshalJSON(b []byte) error {
	if s, ok := eventjson.DecodeStored(b); ok {
		*g = Guild{Guild: s.Guild, Self: s.Self, Roles: s.Roles, Channels: s.Channels}
		return json.Unmarshal(s.Voices, &g.Voices)
	}
	type plain Guild
	v := struct {
		*plain
		Channels []discord.UnmarshalChannel `json:"channels"`
	}{plain: (*plain)(g)}
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	g.Channels = make([]discord.GuildChannel, 0, len(v.Channels))
	for _, c := range v.Channels {
		channel, ok := c.Channel.(discord.GuildChannel)
		if !ok {
			return fmt.Errorf("checkpoint: channel %d belongs to no guild", c.ID())
		}
		g.Channels = append(g.Channels, discord.ApplyGuildIDToChannel(channel, g.Guild.ID))
	}
	return nil
}

// sorted returns the guild in a canonical order, so that an unchanged guild has the same JSON.
func (g Guild) sorted() Guild {
	slices.SortFunc(g.Roles, func(a, b discord.Role) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(g.Channels, func(a, b discord.GuildChannel) int { return cmp.Compare(a.ID(), b.ID()) })
	slices.SortFunc(g.Voices, func(a, b voice.Occupant) int { return cmp.Compare(a.Person.UserID, b.Person.UserID) })
	return g
}

// shardKey is the beginning of the keys of a shard's documents: how many shards the bot has, and the shard.
type shardKey string

func keyOf(shards, shard int) shardKey { return shardKey(hub.LeaseKey(shards, shard)) }

func (k shardKey) head() string                    { return string(k) + ".head" }
func (k shardKey) list() string                    { return string(k) + ".guilds" }
func (k shardKey) guild(guild snowflake.ID) string { return string(k) + "." + guild.String() }

// pack encodes a value as JSON, compresses it and seals it for its key.
func (s *Store) pack(key string, v any) ([]byte, error) {
	var b []byte
	var err error
	if g, ok := v.(Guild); ok {
		b, err = g.MarshalJSON() // encoding/json would check what it returns
	} else {
		b, err = json.Marshal(v)
	}
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %s: %w", key, err)
	}
	return s.keys.Seal(s.enc.EncodeAll(b, make([]byte, 0, len(b)/3)), sealFor+key), nil
}

// unpack is the inverse of pack.
func (s *Store) unpack(key string, sealed []byte, v any) error {
	b, err := s.keys.Open(sealed, sealFor+key)
	if err == nil {
		b, err = s.dec.DecodeAll(b, nil)
	}
	if g, ok := v.(*Guild); ok && err == nil {
		err = g.UnmarshalJSON(b)
	} else if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		return fmt.Errorf("checkpoint: %s: %w", key, err)
	}
	return nil
}

const sealFor = "checkpoint "
