package guild_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/guild"
)

func TestTemplatesWithoutAGame(t *testing.T) {
	for template, want := range map[string]string{
		"{owner} · {game}":        "Mara",
		"{game} with {owner}":     "with Mara",
		"{game}":                  "Mara",
		"({game}) {owner} #{n}":   "Mara #3",
		"Table {n}: {game}":       "Table 3",
		"{owner}'s {game} room":   "Mara's room",
		"“{game}” at {owner}'s":   "at Mara's",
		"{owner} plays (nothing)": "Mara plays (nothing)",
	} {
		if got := guild.RoomName(template, guild.Fill{Owner: "Mara", N: 3}); got != want {
			t.Errorf("%q gives %q, want %q", template, got, want)
		}
	}
	if got := guild.RoomName("{game} with {owner}", guild.Fill{Owner: "Mara", Game: "Go"}); got != "Go with Mara" {
		t.Error(got)
	}
}

func TestPlaceholders(t *testing.T) {
	for _, c := range []struct {
		template    string
		fill        guild.Fill
		name, frame string
	}{
		{"{nickname}'s {n}", guild.Fill{N: 3}, "Mara's 3", ""},
		{"{n:roman}. {owner}", guild.Fill{N: 449}, "CDXLIX. Mara", ""},
		{"Table {n:letter}", guild.Fill{N: 26}, "Table Z", ""},
		{"Table {n:letter}", guild.Fill{N: 27}, "Table AA", ""},
		{"Table {n:letter}", guild.Fill{N: 703}, "Table AAA", ""},
		{"The {random} {n}", guild.Fill{N: 1, Random: "Owl"}, "The Owl 1", ""},
		{"{random} · {owner}", guild.Fill{N: 1}, "Mara", ""},
		{"🎲 {custom} · {n:roman}", guild.Fill{N: 4}, "🎲 Mara · IV", "🎲 {custom} · IV"},
		{"🎲 {custom}", guild.Fill{N: 4, Custom: "Go"}, "🎲 Go", "🎲 {custom}"},
		{"{custom} {custom}", guild.Fill{N: 4, Custom: "Go"}, "Go Go", ""},
		{"{other} {n}", guild.Fill{N: 4}, "{other} 4", ""},
	} {
		c.fill.Owner = "Mara"
		if got := guild.RoomName(c.template, c.fill); got != c.name {
			t.Errorf("%q gives %q, not %q", c.template, got, c.name)
		}
		if got := guild.RoomFrame(c.template, c.fill); string(got) != c.frame {
			t.Errorf("%q has the frame %q, not %q", c.template, got, c.frame)
		}
	}
}

func TestBlocked(t *testing.T) {
	words := []string{"badger", "*zonk*", "two words", "Дурак"}
	for text, want := range map[string]string{
		"Badger": "badger", "the BÁDGER den": "badger", "b a d g e r": "badger", "bаdgеr": "badger",
		"b4dg3r!": "badger", "Badger!!": "badger", "ｂａｄｇｅｒ": "badger",
		"b\u200badger": "badger", "baaadgerrr": "badger", "𝖇𝖆𝖉𝖌𝖊𝖗": "badger", "ⓑⓐⓓⓖⓔⓡ": "badger",
		"a b.a.d.g.e.r": "badger",
		"superzonkers":  "*zonk*", "z.o.n.k": "*zonk*", "Two   WORDS": "two words", "дурак": "Дурак",
		"badgers welcome": "", "a bad germ": "", "two other words": "", "": "", "🎲 Friday": "", "班ジャー": "",
	} {
		got, blocked := guild.Blocked(text, words)
		if got != want || blocked != (want != "") {
			t.Errorf("%q: %q, %v; want %q", text, got, blocked, want)
		}
	}
}

func FuzzBlocked(f *testing.F) {
	f.Add("b a d g e r", "badger")
	f.Add("\xff\u0301", "*a*")
	f.Fuzz(func(t *testing.T, text, word string) {
		if w, blocked := guild.Blocked(text, []string{word}); blocked && w != word {
			t.Errorf("%q is blocked by %q", text, w)
		}
	})
}

func TestLobbySettings(t *testing.T) {
	forever, soon := guild.Never, guild.Duration(-5)
	for field, l := range map[string]guild.Lobby{
		"":              {ChannelID: 1, Seats: 2, IdleTimeout: &forever, NameTemplate: "{owner} {n}"},
		"lobbies":       {},
		"seats":         {ChannelID: 1, Seats: 100},
		"idle_timeout":  {ChannelID: 1, IdleTimeout: &soon},
		"name_template": {ChannelID: 1, NameTemplate: " "},
	} {
		s := guild.Defaults()
		s.Lobbies = []guild.Lobby{l}
		wantField(t, s.Validate(), field)
	}
	s := guild.Defaults()
	s.Lobbies = []guild.Lobby{{ChannelID: 1}, {ChannelID: 1}}
	wantField(t, s.Validate(), "lobbies")
	s.Lobbies = []guild.Lobby{{ChannelID: 1, IdleTimeout: &forever}, {ChannelID: 2}}
	if s.IdleTimeoutIn(1) >= 0 || s.IdleTimeoutIn(2) != time.Hour || s.IdleTimeoutIn(0) != time.Hour ||
		s.Lobby(0) != nil {
		t.Error("the idle timeout is not the lobby's, or not the server's")
	}
	c := s.Clone()
	*c.Lobbies[0].IdleTimeout = 5
	if s.IdleTimeoutIn(1) >= 0 {
		t.Error("changing a clone changed the settings")
	}
	for field, change := range map[string]func(*guild.Settings){
		"language":        func(s *guild.Settings) { s.Language = "tlh" },
		"blocked_words":   func(s *guild.Settings) { s.BlockedWords = []string{"**"} },
		"helper_roles":    func(s *guild.Settings) { s.HelperRoles = make([]snowflake.ID, 26) },
		"audit_retention": func(s *guild.Settings) { s.AuditRetention = guild.Never },
		"seat_grace":      func(s *guild.Settings) { s.SeatGrace = guild.Duration(time.Hour) },
	} {
		s := guild.Defaults()
		change(&s)
		wantField(t, s.Validate(), field)
	}
}

func wantField(t *testing.T, err error, field string) {
	t.Helper()
	var e *errs.Error
	switch {
	case field == "":
		if err != nil {
			t.Error(err)
		}
	case !errors.As(err, &e) || e.Field != field || !strings.HasSuffix(e.Message, "."):
		t.Errorf("got %v, want something about %s", err, field)
	}
}
