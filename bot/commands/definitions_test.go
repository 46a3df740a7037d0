package commands

import (
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/message"
	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/schema"
	"snug/shared/testkit"
)

// defined is a command or an option as Discord is sent it.
type defined struct {
	Type         int               `json:"type"`
	Name         string            `json:"name"`
	Names        map[string]string `json:"name_localizations"`
	Description  string            `json:"description"`
	Descriptions map[string]string `json:"description_localizations"`
	Options      []defined         `json:"options"`
	Required     bool              `json:"required"`
	Autocomplete bool              `json:"autocomplete"`
	MinValue     *int              `json:"min_value"`
	MaxValue     *int              `json:"max_value"`
	MaxLength    *int              `json:"max_length"`
	Permissions  *string           `json:"default_member_permissions"`
}

func definitions(t testing.TB) (out []defined) {
	t.Helper()
	b, err := json.Marshal(Definitions(testkit.Catalog(t)))
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Discord's rules for the names of commands and options: "Application Command Naming".
var commandName = regexp.MustCompile(`^[-_'\p{L}\p{N}\p{Devanagari}\p{Thai}]{1,32}$`)

// TestDefinitionsAreWhatDiscordTakes in every language: lengths, signs, small
// letters, no name twice beside another, required options first.
func TestDefinitionsAreWhatDiscordTakes(t *testing.T) {
	locales := 0
	for _, l := range testkit.Catalog(t).Languages() {
		if l.Code != "en" {
			locales += len(l.Locales)
		}
	}
	var check func(path string, list []defined)
	check = func(path string, list []defined) {
		if len(list) > 25 {
			t.Errorf("%s has %d options", path, len(list))
		}
		seen := map[string]bool{}
		optional := false
		for _, d := range list {
			here := path + "/" + d.Name
			if d.Required && optional {
				t.Errorf("%s is required but comes after one that is not", here)
			}
			optional = optional || !d.Required
			menu := path == "" && d.Type == int(discord.ApplicationCommandTypeUser)
			if len(d.Names) != locales || !menu && len(d.Descriptions) != locales {
				t.Errorf("%s has %d names and %d descriptions in other languages, want %d", here, len(d.Names),
					len(d.Descriptions), locales)
			}
			names := map[string]string{"": d.Name}
			for l, n := range d.Names {
				names[l] = n
			}
			for l, n := range names {
				if menu {
					if utf8.RuneCountInString(n) > 32 || n == "" {
						t.Errorf("%s %s: %q", here, l, n)
					}
				} else if !commandName.MatchString(n) || strings.ToLower(n) != n {
					t.Errorf("%s %s: %q is no name of a command", here, l, n)
				}
				if seen[l+"/"+n] {
					t.Errorf("%s %s: %q is there twice", here, l, n)
				}
				seen[l+"/"+n] = true
			}
			for l, s := range d.Descriptions {
				if n := utf8.RuneCountInString(s); n < 1 || n > 100 {
					t.Errorf("%s %s: the description has %d characters: %s", here, l, n, s)
				}
			}
			if n := utf8.RuneCountInString(d.Description); !menu && (n < 1 || n > 100) {
				t.Errorf("%s: the description has %d characters", here, n)
			}
			check(here, d.Options)
		}
	}
	check("", definitions(t))
}

// paths are the paths of all commands, as interactions name them.
func paths(list []defined, before string) (out []string) {
	for _, d := range list {
		inner := slices.DeleteFunc(slices.Clone(d.Options), func(o defined) bool { return o.Type > 2 })
		switch {
		case before == "" && d.Type == int(discord.ApplicationCommandTypeUser):
		case len(inner) > 0:
			out = append(out, paths(inner, before+"/"+d.Name)...)
		default:
			out = append(out, before+"/"+d.Name)
		}
	}
	return out
}

func TestEveryCommandIsAnswered(t *testing.T) {
	c := New(Options{Texts: testkit.Catalog(t)})
	defined := definitions(t)
	want := paths(defined, "")
	for _, p := range want {
		if c.slash[p].run == nil {
			t.Errorf("nothing answers %s", p)
		}
	}
	menus := 0
	for _, d := range defined {
		if d.Type == int(discord.ApplicationCommandTypeUser) {
			if menus++; c.menus[d.Name] == nil {
				t.Errorf("nothing answers %s", d.Name)
			}
		}
	}
	if len(c.slash) != len(want) || len(c.menus) != menus {
		t.Errorf("%d commands and %d menus are answered, %d and %d are defined", len(c.slash), len(c.menus), len(want),
			menus)
	}
}

func TestSnugIsForManagers(t *testing.T) {
	for _, d := range definitions(t) {
		if got := d.Permissions != nil && *d.Permissions == "32"; got != (d.Name == "snug") {
			t.Errorf("%s: default permissions %v", d.Name, d.Permissions)
		}
	}
}

// TestEverySettingCanBeChanged: each setting has an input in its group's modal and is suggested, and a lobby's own have
// options.
func TestEverySettingCanBeChanged(t *testing.T) {
	c := New(Options{Texts: testkit.Catalog(t)})
	q := &call{t: testkit.Catalog(t).For("en"), who: access.Standing{Manager: true}}
	suggested := suggestSettings(q)
	for _, row := range schema.Settings() {
		if row.Group == "" { // lobbies have commands of their own, presets a page
			continue
		}
		in, ok := c.field(q, row, guild.Defaults().Value(row.Name)).(discord.InteractiveComponent)
		if !ok || in.GetCustomID() != row.Name {
			t.Errorf("the input of %s is %#v", row.Name, in)
		}
		if !slices.Contains(suggested, suggestion{q.t.Say(row.Label()), row.Name}) {
			t.Errorf("%s is not suggested", row.Name)
		}
	}
	for _, d := range definitions(t) {
		if d.Name != "snug" {
			continue
		}
		i := slices.IndexFunc(d.Options, func(o defined) bool { return o.Name == "lobby" })
		add := d.Options[i].Options[0]
		for _, row := range schema.LobbySettings() {
			if !slices.ContainsFunc(add.Options, func(o defined) bool { return o.Name == c.option(row) }) {
				t.Errorf("/snug lobby add has no option for %s", row.Name)
			}
		}
	}
}

// TestReading: settings may be typed as they are shown, in the language of whoever types.
func TestReading(t *testing.T) {
	de := testkit.Catalog(t).For("de")
	for name, c := range map[string]struct {
		row, typed string
		want       any
	}{
		"yes":           {"private", "Ja", true},
		"no":            {"private", "nein", false},
		"never":         {"max_age", "nie", guild.Never},
		"zero":          {"idle_timeout", "sobald er leer ist", guild.Duration(0)},
		"as many seats": {"invite_uses", "so viele, wie der Raum Plätze hat", 0},
		"everybody":     {"creator_roles", "alle", []snowflake.ID{}},
		"none":          {"category_id", "none", snowflake.ID(0)},
		"the server's":  {"language", "none", ""},
		"a word":        {"blocked_words", "none", []string{"none"}},
		"a template":    {"name_template", "Ja", "Ja"},
	} {
		t.Run(name, func(t *testing.T) {
			row, _ := schema.SettingNamed(c.row)
			if got, err := read(de, row, []string{c.typed}); err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%q is read as %#v, %v", c.typed, got, err)
			}
		})
	}
}

func TestEscaping(t *testing.T) {
	for in, want := range map[string]string{
		"Friday":                 "Friday",
		"*bold* _it_ `c`":        "\\*bold\\* \\_it\\_ \\`c\\`",
		"@everyone <@1> <#2>":    "\\@everyone \\<\\@1\\> \\<\\#2\\>",
		"a\u202eb\u2066c\u200f":  "abc",
		"# head\n- list":         "\\# head \\- list",
		"[x](http://evil.test)":  "\\[x\\]\\(http\\://evil\\.test\\)",
		"🎲 Würfel 日本":            "🎲 Würfel 日本",
		"bad\xffutf8\x00control": "badutf8 control",
	} {
		if got := message.Escape(in); got != want {
			t.Errorf("escape(%q) = %q, want %q", in, got, want)
		}
	}
	e := errs.E(errs.RoomLimit, "You already have a room, “%s”. Close it first, then open a new one.", "*<#2>*")
	if got, want := message.Refusal(testkit.Catalog(t).For("en"),
		e), "You already have a room, “\\*\\<\\#2\\>\\*”. Close it first, then open a new one."; got != want {
		t.Errorf("a refusal reads %q, want %q", got, want)
	}
	if got, want := message.Refusal(testkit.Catalog(t).For("de"),
		errs.E(errs.Invalid, "%q isn't a duration. Write it like 30m, 1h, 2d or never.",
			"_x")), `"\_x" ist keine Zeitspanne.`; !strings.HasPrefix(got, want) {
		t.Errorf("a refusal reads %q, want %q", got, want)
	}
	if e.Args[0] != "*<#2>*" || !strings.Contains(e.Message, "“*<#2>*”") {
		t.Error("the error itself was changed")
	}
	if got := message.Cut(strings.Repeat("ü", 101), 100); utf8.RuneCountInString(got) != 100 ||
		!strings.HasSuffix(got, "…") {
		t.Errorf("cut to %q", got)
	}
}
