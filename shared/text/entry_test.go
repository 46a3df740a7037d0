package text_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/room"
	"snug/shared/schema"
	"snug/shared/testkit"
	"snug/shared/testkit/walk"
	"snug/shared/text"
)

// TestKindsAndTheirWords: every kind has its sentences and its name, in each language, with what its row says it has;
// and there is no sentence without its kind. TestMessagesAgree keeps the languages to the same placeholders.
func TestKindsAndTheirWords(t *testing.T) {
	c, left := testkit.Catalog(t), map[string]bool{}
	for id := range c.For("en").Under("audit.") {
		left[id] = true
	}
	delete(left, "audit.somebody")
	for _, r := range audit.Table() {
		id := "audit." + string(r.Kind)
		sentences := []string{id}
		for _, v := range r.Variants {
			sentences = append(sentences, id+"."+v)
		}
		all := strings.Builder{}
		for _, l := range c.All() {
			for _, s := range sentences {
				if !l.Has(s) {
					t.Errorf("%s has no %s", l.Language().Code, s)
				}
				all.WriteString(l.Under(s)[s]["other"])
				delete(left, s)
			}
			if r.In&audit.Stored != 0 {
				if !l.Has(id + ".name") {
					t.Errorf("%s has no %s.name", l.Language().Code, id)
				}
				delete(left, id+".name")
			}
		}
		for name, is := range map[string]bool{
			"Target": r.Target != "", "Detail": r.Detail.As != audit.Unsaid, "Old": r.Old.As != audit.Unsaid,
			"New": r.New.As != audit.Unsaid,
		} {
			if used := strings.Contains(all.String(), "{{."+name+"}}"); used != is {
				t.Errorf("%s: its row says of %s %v, its sentences say %v", r.Kind, name, is, used)
			}
		}
		for _, f := range []audit.Field{r.Detail, r.Old, r.New} {
			if f.As != audit.Unsaid && f.Doc == "" {
				t.Errorf("%s: a field is not explained", r.Kind)
			}
		}
		if stored := r.In&audit.Stored != 0; stored != (r.Icon != "") {
			t.Errorf("%s: what is stored has an icon for the log channel, and nothing else has one", r.Kind)
		}
	}
	for id := range left {
		t.Errorf("no kind says %s", id)
	}
}

// TestKindsAreMade: what the program declares as a kind has a row, and something makes such entries.
func TestKindsAreMade(t *testing.T) {
	src := sources(t, ".go")
	made := strings.Builder{}
	for path, s := range src {
		if strings.HasPrefix(path, "bot/") || strings.HasPrefix(path, "dashboard/") &&
			!strings.Contains(path, "/fixtures/") {
			made.WriteString(s)
		}
	}
	of := map[string]bool{} // what an action makes, as its row says
	for _, a := range schema.Actions() {
		of[a.Kind] = true
	}
	kind := regexp.MustCompile(`(?m)^\s(\w+)\s+Kind = "(\w+)"`)
	declared := kind.FindAllStringSubmatch(src["shared/audit/kinds.go"], -1)
	if len(declared) != len(audit.Table()) {
		t.Errorf("%d kinds are declared, %d have a row", len(declared), len(audit.Table()))
	}
	for _, d := range declared {
		if _, ok := audit.Find(audit.Kind(d[2])); !ok {
			t.Errorf("%s has no row", d[1])
		}
		// the page's script makes this one from what the roster says
		if d[1] != "VoiceStreaming" && !of[d[2]] &&
			!regexp.MustCompile(`audit\.`+d[1]+`\b`).MatchString(made.String()) {
			t.Errorf("nothing makes an entry of the kind %s", d[1])
		}
	}
}

// TestWordsOfFields: each word of the program's that an entry's field can hold has its message, and none is left over.
func TestWordsOfFields(t *testing.T) {
	c, issues := testkit.Catalog(t), []string{}
	kinds := regexp.MustCompile(`Issue\w+\s+IssueKind = "(\w+)"`)
	for _, m := range kinds.FindAllStringSubmatch(sources(t, ".go")["shared/guild/requests.go"], -1) {
		issues = append(issues, m[1])
	}
	for prefix, codes := range map[string][]string{
		"closed.": {
			string(room.ClosedIdle), string(room.ClosedAge), string(room.ClosedByOwner), string(room.ClosedByAdmin),
			string(room.ClosedAlone), string(room.ClosedChannel), string(room.ClosedLost),
		},
		"held.": {
			string(room.HeldInvited), string(room.HeldWaiting), string(room.HeldBack), string(room.HeldJoining),
		},
		"privacy.": append(room.Privacy{}.Words(), room.Privacy{Private: true, Locked: true, Hidden: true}.Words()...),
		"control.out.": {
			string(access.NotMember), string(access.IsPending), string(access.OwnDenial), string(access.RoleDenial),
			string(access.MissingRole), string(room.NotChecked),
		},
		"hook.part.": {"name", "address", "events", "secret", "on", "off"},
		"issue.":     issues,
	} {
		left := map[string]bool{}
		for id := range c.For("en").Under(prefix) {
			// what this Snug stores about people is explained under the same beginning
			left[id] = prefix != "privacy."
		}
		for _, code := range codes {
			for _, l := range c.All() {
				if !l.Has(prefix + code) {
					t.Errorf("%s has no %s%s", l.Language().Code, prefix, code)
				}
			}
			delete(left, prefix+code)
		}
		for id, over := range left {
			if over {
				t.Errorf("nothing is called %s", id)
			}
		}
	}
	for _, r := range audit.Table() {
		for _, f := range []audit.Field{r.Detail, r.Old, r.New} {
			if (f.Prefix != "") != (f.As == audit.Coded || f.As == audit.Issue) {
				t.Errorf("%s: words have messages, and other fields have none: %+v", r.Kind, f)
			}
		}
	}
}

// plain is a style that marks what it wrote.
func plain() text.Style {
	mark := func(kind string) func(snowflake.ID) string {
		return func(id snowflake.ID) string { return kind + id.String() }
	}
	return text.Style{
		Person: mark("@"), Room: mark("#"), Setting: func(s string) string { return "set " + s },
		Value: func(name, v string) string { return name + "=" + v },
		Text:  func(s string) string { return "[" + s + "]" },
	}
}

func TestEntries(t *testing.T) {
	en, de := testkit.Catalog(t).For("en"), testkit.Catalog(t).For("de")
	web, byHand := access.ViaWeb, access.ViaDiscord
	for _, x := range []struct {
		name string
		t    text.Texts
		e    audit.Entry
		want string
	}{
		{"by somebody", en, audit.Entry{Kind: audit.RoomOpened, By: 1, Detail: "A"}, "@1 opened the room “[A]”"},
		{"a variant", en, audit.Entry{Kind: audit.RoomOpened, By: 1}, "@1 opened the room"},
		{"in German", de, audit.Entry{Kind: audit.Banned, By: 1, Target: 2}, "@1 hat @2 gebannt"},
		{"by Snug", en, audit.Entry{Kind: audit.RoomRenamed, Old: "A", New: "B"},
			"Snug renamed the room from “[A]” to “[B]”"},
		{
			"by hand", en, audit.Entry{Kind: audit.SeatsChanged, Via: byHand, Old: "4", New: "6"},
			"[Somebody in Discord] changed the number of seats from [4] to [6]",
		},
		{
			"words", en, audit.Entry{Kind: audit.PrivacyChanged, By: 1, Via: web, Old: "open", New: "private,locked"},
			"@1 made the room [private and locked]; it was [open]",
		},
		{"why", en, audit.Entry{Kind: audit.RoomClosed, Detail: "idle"}, "The room closed ([empty])"},
		{
			"a word nobody knows", en, audit.Entry{Kind: audit.RoomClosed, Detail: "flood"},
			"The room closed ([flood])",
		},
		{
			"a setting", en, audit.Entry{Kind: audit.SettingsChanged, By: 1, Detail: "seats", Old: "4", New: "6"},
			"@1 changed the setting “[set seats]”: [seats=4] → [seats=6]",
		},
		{
			"a repair", en, audit.Entry{Kind: audit.Repaired, RoomID: 7, Detail: "name", Old: "A", New: "B"},
			"Snug fixed a problem: #7 is called “[A]” in Discord and “[B]” in Snug",
		},
		{"a kind nobody knows", en, audit.Entry{Kind: "x_y"}, "[x_y]"},
	} {
		t.Run(x.name, func(t *testing.T) {
			if got := x.t.Entry(&x.e, plain()); got != x.want {
				t.Errorf("said %q, want %q", got, x.want)
			}
		})
	}
}

// TestEveryEntryIsSaid in every language, whole.
func TestEveryEntryIsSaid(t *testing.T) {
	for _, l := range testkit.Catalog(t).All() {
		for _, e := range testkit.Entries() {
			if got := l.Entry(&e, plain()); got == "" || strings.Contains(got, "audit.") ||
				strings.Contains(got, "<no") {
				t.Errorf("%s: %s is said as %q", l.Language().Code, e.Message(), got)
			}
		}
	}
}

// TestTypesOfWebhooks: the table in docs/webhooks.md is made from the kinds.
func TestTypesOfWebhooks(t *testing.T) {
	en := testkit.Catalog(t).For("en")
	var b strings.Builder
	about := audit.Subject("")
	for _, r := range audit.Table() {
		if r.In&audit.Stored == 0 {
			continue
		}
		if r.About != about {
			about = r.About
			b.WriteString("| **" + string(about) + "** | | |\n")
		}
		var fields []string
		for _, f := range []struct{ name, doc string }{
			{"target", r.Target}, {"detail", r.Detail.Doc}, {"old", r.Old.Doc}, {"new", r.New.Doc},
		} {
			if f.doc != "" {
				fields = append(fields, "`"+f.name+"`: "+f.doc)
			}
		}
		b.WriteString("| `" + string(r.Kind) + "` | " + en.Kind(r.Kind) + " | " + strings.Join(fields, "; ") + " |\n")
	}
	const file = "../../docs/webhooks.md"
	doc, err := os.ReadFile(walk.Path(t, file))
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "| type | | with |\n| --- | --- | --- |\n", "\nMore types and fields may come"
	i, j := strings.Index(string(doc), begin), strings.Index(string(doc), end)
	if i < 0 || j < i {
		t.Fatal("the table of types was not found")
	}
	testkit.Generated(t, file, string(doc[:i+len(begin)])+b.String()+string(doc[j:]))
}
