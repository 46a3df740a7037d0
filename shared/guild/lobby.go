package guild

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/schema"
)

// Lobby is a voice channel that opens a room for whoever joins it. What is
// not set is as the guild's settings say.
type Lobby struct {
	ChannelID    snowflake.ID `json:"channel_id"`
	CategoryID   snowflake.ID `json:"category_id,omitempty"` // where its rooms are opened; 0: the lobby's own category
	Seats        int          `json:"seats,omitempty"`
	Private      *bool        `json:"private,omitempty"`
	NameTemplate string       `json:"name_template,omitempty"`
	IdleTimeout  *Duration    `json:"idle_timeout,omitempty"`
}

// Limits of lists in the settings.
const (
	MaxLobbies      = 25 // what a menu of Discord can offer
	MaxBlockedWords = 200
	MaxRoles        = 25
	maxWordLength   = 50
)

// Lobby gives the lobby of a channel, or nil.
func (s *Settings) Lobby(channel snowflake.ID) *Lobby {
	if i := slices.IndexFunc(s.Lobbies, func(l Lobby) bool { return l.ChannelID == channel }); i >= 0 && channel != 0 {
		return &s.Lobbies[i]
	}
	return nil
}

// Clone gives a copy that shares nothing with s.
func (s Settings) Clone() Settings {
	s.CreatorRoles, s.HelperRoles, s.BlockedWords = slices.Clone(s.CreatorRoles), slices.Clone(s.HelperRoles), slices.Clone(s.BlockedWords)
	s.Lobbies = slices.Clone(s.Lobbies)
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

// Languages are those Snug speaks; the first is used where none fits.
func Languages() []string { return []string{"en", "de", "fr", "es", "pt-BR", "ja"} }

func (s Settings) validateLists() error {
	if s.Language != "" && !slices.Contains(Languages(), s.Language) {
		return errs.Field("language", "Snug doesn't speak %s yet. Choose one of: %s.", s.Language,
			strings.Join(Languages(), ", "))
	}
	switch {
	case len(s.CreatorRoles) > MaxRoles:
		return errs.Field("creator_roles", "Choose up to %d roles.", MaxRoles)
	case len(s.HelperRoles) > MaxRoles:
		return errs.Field("helper_roles", "Choose up to %d roles.", MaxRoles)
	case len(s.BlockedWords) > MaxBlockedWords:
		return errs.Field("blocked_words", "List up to %d words.", MaxBlockedWords)
	case len(s.Lobbies) > MaxLobbies:
		return errs.Field("lobbies", "A server can have up to %d lobbies. Remove one first.", MaxLobbies)
	}
	for _, w := range s.BlockedWords {
		if strings.TrimSpace(strings.Trim(w, "*")) == "" || !utf8.ValidString(w) ||
			utf8.RuneCountInString(w) > maxWordLength {
			return errs.Field("blocked_words", "Each blocked word must have 1 to %d characters.", maxWordLength)
		}
	}
	seen := map[snowflake.ID]bool{}
	for _, l := range s.Lobbies {
		if err := l.validate(); err != nil {
			return err
		}
		if seen[l.ChannelID] {
			return errs.Field("lobbies", "This channel is already a lobby. Change that one instead.")
		}
		seen[l.ChannelID] = true
	}
	return nil
}

func (l Lobby) validate() error {
	if l.ChannelID == 0 {
		return errs.Field("lobbies", "A lobby needs a voice channel. Choose one.")
	}
	if l.Seats != 0 {
		if err := schema.CheckSeats(l.Seats); err != nil {
			return err
		}
	}
	if l.IdleTimeout != nil {
		if t := time.Duration(*l.IdleTimeout); *l.IdleTimeout != Never && (t < 0 || t > 30*24*time.Hour) {
			return errs.Field("idle_timeout", "%s must be between %s and %s%s.", errs.Term("The idle timeout"),
				Duration(0), Duration(30*24*time.Hour), errs.Term(`, or "never"`))
		}
	}
	if l.NameTemplate != "" {
		return checkTemplate("name_template", l.NameTemplate)
	}
	return nil
}
