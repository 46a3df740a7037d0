package setting_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/schema"
	"snug/shared/setting"
	"snug/shared/testkit"
	"snug/shared/text"
)

func row(t testing.TB, name string) schema.Setting {
	t.Helper()
	s, ok := schema.SettingNamed(name)
	if !ok {
		t.Fatalf("there is no setting %s", name)
	}
	return s
}

// names says what is named, and as which kind.
func names(k schema.Kind, id snowflake.ID) string { return string(k) + " " + id.String() }

// Discord's limits on a field of a modal, in characters.
// https://discord.com/developers/docs/components/reference#label
const (
	maxLabel = 45
	maxHint  = 100
)

// TestEverySettingHasItsWords: a name and a sentence that fit into Discord's modals, and words for what nothing chosen
// means, in every language.
func TestEverySettingHasItsWords(t *testing.T) {
	for _, l := range testkit.Catalog(t).All() {
		labels := map[string]string{}
		has := func(row, id string) {
			if id != "" && !l.Has(id) {
				t.Errorf("%s: %s has no message %s", l.Language().Code, row, id)
			}
		}
		for _, g := range schema.Groups() {
			has(g.Name, g.Label())
		}
		for _, row := range schema.Settings() {
			for _, id := range []string{row.Label(), row.Hint(), row.ZeroMeans(), row.LobbyMeans()} {
				has(row.Name, id)
			}
			label, hint := l.Say(row.Label()), setting.Hint(l, row)
			if n := utf8.RuneCountInString(label); n > maxLabel {
				t.Errorf("%s: the name of %s has %d characters, of which Discord shows %d", l.Language().Code,
					row.Name, n, maxLabel)
			}
			if n := utf8.RuneCountInString(hint); n > maxHint {
				t.Errorf("%s: the hint of %s has %d characters, of which Discord shows %d: %s", l.Language().Code,
					row.Name, n, maxHint, hint)
			}
			if other := labels[label]; other != "" {
				t.Errorf("%s: %s and %s are both called %q", l.Language().Code, row.Name, other, label)
			}
			labels[label] = row.Name
		}
	}
}

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		row   string
		typed []string
		want  any // nil: it is refused
	}{
		"a number":             {"seats", []string{" 6 "}, 6},
		"no number":            {"seats", []string{"six"}, nil},
		"nothing":              {"seats", []string{""}, nil},
		"a length of time":     {"idle_timeout", []string{"1h30m"}, guild.Duration(90 * time.Minute)},
		"a number and a unit":  {"idle_timeout", []string{" 90 ", "m"}, guild.Duration(90 * time.Minute)},
		"never, as a unit":     {"idle_timeout", []string{"5", "never"}, guild.Never},
		"no number of days":    {"idle_timeout", []string{"soon", "d"}, nil},
		"a unit alone":         {"idle_timeout", []string{"", "d"}, nil},
		"a negative number":    {"idle_timeout", []string{"-1", "d"}, nil},
		"no unit":              {"idle_timeout", []string{"5", ""}, nil},
		"centuries":            {"idle_timeout", []string{"4000000000", "d"}, guild.Duration(36500 * 24 * time.Hour)},
		"never":                {"idle_timeout", []string{"never"}, guild.Never},
		"a time that is none":  {"idle_timeout", []string{"soon"}, nil},
		"on":                   {"private", []string{"On"}, true},
		"no":                   {"private", []string{"no"}, false},
		"perhaps":              {"private", []string{"perhaps"}, nil},
		"neither yes nor no":   {"private", []string{""}, nil},
		"a template":           {"name_template", []string{" {owner} <3 "}, "{owner} <3"},
		"a language":           {"language", []string{"de"}, "de"},
		"a category":           {"category_id", []string{"5"}, snowflake.ID(5)},
		"no category":          {"category_id", []string{""}, snowflake.ID(0)},
		"a mention":            {"log_channel_id", []string{"<#12>"}, snowflake.ID(12)},
		"a name for a channel": {"log_channel_id", []string{"general"}, nil},
		"roles":                {"creator_roles", []string{"", "7", "8"}, []snowflake.ID{7, 8}},
		"mentions of roles":    {"creator_roles", []string{"<@&7>, <@&8>"}, []snowflake.ID{7, 8}},
		"no roles":             {"creator_roles", []string{""}, []snowflake.ID{}},
		"a name for a role":    {"creator_roles", []string{"7", "Judges"}, nil},
		"words":                {"blocked_words", []string{"a,b  c;\n\nd\r\n"}, []string{"a", "b c", "d"}},
		"no words":             {"blocked_words", []string{" "}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := setting.Read(row(t, c.row), c.typed...)
			var e *errs.Error
			switch {
			case c.want == nil && (!errors.As(err, &e) || e.Code != errs.Invalid || e.Field != c.row):
				t.Errorf("read as %v, %v", got, err)
			case c.want != nil && (err != nil || !reflect.DeepEqual(got, c.want)):
				t.Errorf("read as %#v, %v", got, err)
			}
		})
	}
}

// TestAmounts: every length of time that a row allows can be shown as a number and a unit, which are read as the same.
func TestAmounts(t *testing.T) {
	for _, c := range []struct {
		d    time.Duration
		want string
	}{
		{0, "0m"}, {time.Second, "1s"}, {90 * time.Second, "90s"}, {time.Minute, "1m"}, {90 * time.Minute, "90m"},
		{36 * time.Hour, "36h"}, {7 * 24 * time.Hour, "7d"}, {time.Duration(guild.Never), "never"},
	} {
		number, unit := setting.Amount(guild.Duration(c.d))
		if number+unit != c.want {
			t.Errorf("%v is %q %q, want %s", c.d, number, unit, c.want)
		}
		if got, err := setting.Read(row(t, "max_age"), number, unit); err != nil || got != guild.Duration(c.d) {
			t.Errorf("%s is read as %v, %v", c.want, got, err)
		}
	}
	for name, want := range map[string]string{
		"idle_timeout": "s m h d never", "closing_notice": "s m h", "max_age": "m h d never",
		"invite_lifetime": "m h d", "seat_grace": "s m", "audit_retention": "d",
	} {
		if got := strings.Join(setting.Units(row(t, name)), " "); got != want {
			t.Errorf("%s is typed in %s, want %s", name, got, want)
		}
	}
}

// other are settings that differ from the defaults in everything.
func other() guild.Settings {
	return guild.Settings{
		CategoryID: 5, Seats: 8, NameTemplate: "Table {n}", IdleTimeout: guild.Never,
		ClosingNotice: guild.Duration(time.Minute), MaxAge: guild.Duration(36 * time.Hour),
		InviteLifetime: guild.Duration(time.Hour), InviteUses: 3, GuildsJoin: true, CreatorRoles: []snowflake.ID{7, 8},
		RoomsPerMember: 2, RoomsPerGuild: 9, ManagersSeePrivate: true, GuestsPastGate: true,
		HelperRoles: []snowflake.ID{9}, Language: "de", BlockedWords: []string{"one", "two words"}, LogChannelID: 11,
		AuditRetention: guild.Duration(7 * 24 * time.Hour), Lobbies: []guild.Lobby{{ChannelID: 3, Seats: 2}},
	}
}

// TestWhatIsShownIsRead: a field that is sent back as it was shown changes nothing.
func TestWhatIsShownIsRead(t *testing.T) {
	for name, s := range map[string]guild.Settings{"defaults": guild.Defaults(), "others": other()} {
		for _, row := range schema.Settings() {
			v := s.Value(row.Name)
			if r := reflect.ValueOf(v); row.Kind == schema.Lobbies || r.Kind() == reflect.Slice && r.Len() == 0 {
				continue
			}
			if got, err := setting.Read(row, setting.Typed(v)...); err != nil || !reflect.DeepEqual(got, v) {
				t.Errorf("%s: %s is shown as %q, which is read as %v (%v), want %v", name, row.Name,
					setting.Typed(v), got, err, v)
			}
		}
	}
}

func TestSay(t *testing.T) {
	en, de := testkit.Catalog(t).For("en"), testkit.Catalog(t).For("de")
	yes := true
	for _, c := range []struct {
		t    text.Texts
		row  string
		v    any
		want string
	}{
		{en, "seats", 4, "4"},
		{en, "invite_uses", 0, "as many as the room has seats"},
		{en, "rooms_per_guild", 0, "0"},
		{en, "idle_timeout", guild.Duration(90 * time.Minute), "1 hour 30 minutes"},
		{en, "idle_timeout", guild.Duration(0), "as soon as it’s empty"},
		{en, "max_age", guild.Never, "never"},
		{de, "max_age", guild.Never, "nie"},
		{de, "private", true, "ja"},
		{en, "language", "pt-BR", "Português do Brasil"},
		{de, "language", "", "die des Servers"},
		{en, "name_template", "{owner}", "{owner}"},
		{en, "category_id", snowflake.ID(0), "at the top of the server"},
		{en, "category_id", snowflake.ID(5), "category 5"},
		{en, "log_channel_id", snowflake.ID(6), "channel 6"},
		{en, "creator_roles", []snowflake.ID{}, "everybody"},
		{de, "creator_roles", []snowflake.ID{7, 8}, "roles 7 und roles 8"},
		{en, "blocked_words", []string{"a", "b c"}, "a, b c"},
		{en, "blocked_words", []string(nil), "none"},
		{
			en, "lobbies", []guild.Lobby{{ChannelID: 1}, {ChannelID: 2, Seats: 3, Private: &yes}},
			"channel 1, channel 2 (Seats: 3, Private: yes)",
		},
		{en, "lobbies", []guild.Lobby{}, "none"},
	} {
		if got := setting.Say(c.t, row(t, c.row), c.v, names); got != c.want {
			t.Errorf("%s %v is said as %q, want %q", c.row, c.v, got, c.want)
		}
		raw, err := json.Marshal(c.v)
		if err != nil {
			t.Fatal(err)
		}
		if got := setting.SayJSON(c.t, c.row, string(raw), names); got != c.want {
			t.Errorf("%s in JSON, %s, is said as %q, want %q", c.row, raw, got, c.want)
		}
	}
	for name, c := range map[string]struct{ row, raw, want string }{
		"none at the time": {"creator_roles", "", "everybody"},
		"no setting":       {"colour", `"red"`, `"red"`},
		"another type":     {"seats", `"many"`, `"many"`},
	} {
		if got := setting.SayJSON(en, c.row, c.raw, names); got != c.want {
			t.Errorf("%s: said as %q, want %q", name, got, c.want)
		}
	}
}

func TestHints(t *testing.T) {
	en := testkit.Catalog(t).For("en")
	for name, want := range map[string]string{
		"invite_uses":   "How many people can use one link. 0–1000; 0: as many as the room has seats",
		"max_age":       "How long a room may stay open, even with people in it. 10m–365d, never",
		"creator_roles": "Members with one of these roles, and managers. If empty: everybody.",
		"private":       "Only people with an invite can see and enter a new room.",
	} {
		if got := setting.Hint(en, row(t, name)); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := setting.LobbyHint(en, row(t, "seats")); got != "1–99. If empty: the server’s setting." {
		t.Errorf("a lobby's seats: %q", got)
	}
	seats := func(s schema.Setting) bool { return s.Name == "seats" }
	if list := schema.LobbySettings(); !slices.ContainsFunc(list, seats) {
		t.Errorf("lobbies have values of their own for %v", list)
	}
}
