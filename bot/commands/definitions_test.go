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

	"snug/bot/message"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/text"
)

func catalog(t testing.TB) *text.Catalog {
	t.Helper()
	c, err := text.New()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

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
	b, err := json.Marshal(Definitions(catalog(t)))
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
	for _, l := range catalog(t).Languages() {
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
	have := New(Options{}).slash
	want := paths(definitions(t), "")
	for _, p := range want {
		if have[p].run == nil {
			t.Errorf("nothing answers %s", p)
		}
	}
	if len(have) != len(want) {
		t.Errorf("%d commands are answered, %d are defined", len(have), len(want))
	}
}

func TestSnugIsForManagers(t *testing.T) {
	for _, d := range definitions(t) {
		if got := d.Permissions != nil && *d.Permissions == "32"; got != (d.Name == "snug") {
			t.Errorf("%s: default permissions %v", d.Name, d.Permissions)
		}
	}
}

// TestEverySettingCanBeChanged: each of guild.Settings is in exactly one group of at most five, with words of its own.
func TestEverySettingCanBeChanged(t *testing.T) {
	texts := catalog(t).For("en")
	have := map[string]int{}
	for _, g := range groups() {
		if len(g.list) > 5 {
			t.Errorf("group %s does not fit into a modal", g.name)
		}
		for _, s := range g.list {
			have[s.name]++
			if !texts.Has("setting."+s.name) || !texts.Has("setting."+s.name+".about") {
				t.Errorf("%s has no words", s.name)
			}
		}
	}
	for f := range reflect.TypeFor[guild.Settings]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "lobbies": // has commands of its own
		case have[name] != 1:
			t.Errorf("the setting %s is in %d groups", name, have[name])
		}
		delete(have, name)
	}
	for name := range have {
		t.Errorf("there is no setting %s", name)
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
	if got, want := message.Refusal(catalog(t).For("en"),
		e), "You already have a room, “\\*\\<\\#2\\>\\*”. Close it first, then open a new one."; got != want {
		t.Errorf("a refusal reads %q, want %q", got, want)
	}
	if got, want := message.Refusal(catalog(t).For("de"),
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
