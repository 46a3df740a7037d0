// Package checkpoint stores what a process needs to go on with a shard's
// gateway session: the session itself, the sequence of the last event that was
// applied, and what was known of every guild at that sequence. RESUME repeats
// the events after it and describes no guild, and Discord's REST interface
// cannot list voice states, so a session without its guilds is worth nothing:
// Load gives all of it or an error.
//
// The documents lie in the hub's shards bucket, sealed: one for each guild,
// one that lists the guilds, and the head with the session. A save writes the
// guilds that changed, then the list if it changed, then the head. A process
// that dies in between leaves the old head with guilds that are a little
// newer; what is then repeated changes nothing, because voice states, channels
// and roles are values and the last one wins.
//
// The bot alone uses it. One Store may be used from several goroutines, one
// goroutine at a time for each shard.
package checkpoint

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/gateway"
	"snug/bot/voice"
)

// Head is a shard's session and whose it is.
type Head struct {
	Session     gateway.Checkpoint  `json:"session"`
	Shards      int                 `json:"shards"` // of the whole bot
	Intents     int64               `json:"intents"`
	Application snowflake.ID        `json:"application"`
	Self        *discord.OAuth2User `json:"self,omitempty"` // the bot's user; RESUME does not tell it
	SavedAt     time.Time           `json:"saved_at"`
}

// Guild is what was known of a guild.
type Guild struct {
	Guild    discord.Guild          `json:"guild"`
	Self     *discord.Member        `json:"self,omitempty"` // the bot's own membership
	Roles    []discord.Role         `json:"roles"`
	Channels []discord.GuildChannel `json:"channels"`
	Voices   []voice.Occupant       `json:"voices"`
}

// UnmarshalJSON is the inverse of JSON's own form.
func (g *Guild) UnmarshalJSON(b []byte) error {
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
		g.Channels = append(g.Channels, channel)
	}
	return nil
}

// sorted returns the guild in one form, so that what did not change reads the same.
func (g Guild) sorted() Guild {
	slices.SortFunc(g.Roles, func(a, b discord.Role) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(g.Channels, func(a, b discord.GuildChannel) int { return cmp.Compare(a.ID(), b.ID()) })
	slices.SortFunc(g.Voices, func(a, b voice.Occupant) int { return cmp.Compare(a.Person.UserID, b.Person.UserID) })
	return g
}

// The keys of a shard's documents.
func headKey(shard int) string { return strconv.Itoa(shard) + ".head" }
func listKey(shard int) string { return strconv.Itoa(shard) + ".guilds" }
func guildKey(shard int, guild snowflake.ID) string {
	return strconv.Itoa(shard) + "." + guild.String()
}

// pack returns a value's JSON, compressed and sealed for the key it is stored under.
func (s *Store) pack(key string, v any) ([]byte, error) {
	b, err := json.Marshal(v)
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
	if err == nil {
		err = json.NewDecoder(bytes.NewReader(b)).Decode(v)
	}
	if err != nil {
		return fmt.Errorf("checkpoint: %s: %w", key, err)
	}
	return nil
}

const sealFor = "checkpoint "
