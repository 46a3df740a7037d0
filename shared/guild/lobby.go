package guild

import (
	"encoding/json"
	"reflect"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/preset"
	"snug/shared/schema"
)

// Lobby is a voice channel that opens a room for whoever joins it. It can have values of its own for the settings
// of schema.LobbySettings, under their names; nil or the zero value stands for none.
type Lobby struct {
	ChannelID    snowflake.ID `json:"channel_id,omitempty"`
	CategoryID   snowflake.ID `json:"category_id,omitempty"`
	Seats        int          `json:"seats,omitempty"`
	Private      *bool        `json:"private,omitempty"`
	NameTemplate string       `json:"name_template,omitempty"`
	IdleTimeout  *Duration    `json:"idle_timeout,omitempty"`
}

// Lobby gives the lobby of a channel, or nil.
func (s *Settings) Lobby(channel snowflake.ID) *Lobby {
	if i := slices.IndexFunc(s.Lobbies, func(l Lobby) bool { return l.ChannelID == channel }); i >= 0 && channel != 0 {
		return &s.Lobbies[i]
	}
	return nil
}

// Clone gives a copy that shares nothing with s.
func (s Settings) Clone() Settings {
	s.CreatorRoles, s.HelperRoles = slices.Clone(s.CreatorRoles), slices.Clone(s.HelperRoles)
	s.BlockedWords, s.RandomNames = slices.Clone(s.BlockedWords), slices.Clone(s.RandomNames)
	s.Lobbies = slices.Clone(s.Lobbies)
	s.Presets = preset.Clone(s.Presets)
	for i := range s.Lobbies {
		l := &s.Lobbies[i]
		if l.Private != nil {
			v := *l.Private
			l.Private = &v
		}
		if l.IdleTimeout != nil {
			v := *l.IdleTimeout
			l.IdleTimeout = &v
		}
	}
	return s
}

// IdleTimeoutIn gives the idle timeout of a room opened through a lobby (0: through none).
func (s *Settings) IdleTimeoutIn(lobby snowflake.ID) time.Duration {
	if l := s.Lobby(lobby); l != nil && l.IdleTimeout != nil {
		return time.Duration(*l.IdleTimeout)
	}
	return time.Duration(s.IdleTimeout)
}

// Value returns the lobby's own value of a setting, with the type of the field in Settings; nil if it has none.
func (l Lobby) Value(name string) any {
	v := reflect.ValueOf(valueOf(l, name))
	if !v.IsValid() || v.IsZero() {
		return nil
	}
	return reflect.Indirect(v).Interface()
}

// valueOf returns the field of a Settings or a Lobby that has a name in JSON, nil if none has.
func valueOf(of any, name string) any {
	fields := settingsFields
	if _, ok := of.(Lobby); ok {
		fields = lobbyFields
	}
	i, ok := fields[name]
	if !ok {
		return nil
	}
	return reflect.ValueOf(of).Field(i).Interface()
}

// NewLobby makes a lobby with values of its own, by the names of their settings.
func NewLobby(channel snowflake.ID, own map[string]any) (Lobby, error) {
	l := Lobby{ChannelID: channel}
	b, err := json.Marshal(own)
	if err != nil {
		return l, err
	}
	return l, json.Unmarshal(b, &l)
}

func checkLobbies(row schema.Setting, lobbies []Lobby) error {
	if len(lobbies) > row.Max {
		return errs.Field(row.Name, "A server can have up to %d lobbies. Remove one first.", row.Max)
	}
	seen := map[snowflake.ID]bool{}
	for _, l := range lobbies {
		if l.ChannelID == 0 {
			return errs.Field(row.Name, "A lobby needs a voice channel. Choose one.")
		}
		for _, own := range schema.LobbySettings() {
			if err := check(own, l.Value(own.Name)); err != nil {
				return err
			}
		}
		if seen[l.ChannelID] {
			return errs.Field(row.Name, "This channel is already a lobby. Change that one instead.")
		}
		seen[l.ChannelID] = true
	}
	return nil
}
