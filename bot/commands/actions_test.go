package commands

import (
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"snug/shared/schema"
	"snug/shared/testkit"
	"snug/shared/testkit/walk"
)

// TestEveryActionHasACommand, a button, and a heading in docs/commands.md.
func TestEveryActionHasACommand(t *testing.T) {
	c := New(Options{Texts: testkit.Catalog(t)})
	doc, err := os.ReadFile(walk.Path(t, docs))
	if err != nil {
		t.Fatal(err)
	}
	defined := paths(definitions(t), "")
	for _, a := range schema.Actions() {
		path := "/room/" + a.Name
		if c.slash[path].run == nil || c.components[a.Name].run == nil || !slices.Contains(defined, path) {
			t.Errorf("%s has no command, or no button", a.Name)
		}
		if !strings.Contains(string(doc), "\n### /room "+a.Name+"\n") {
			t.Errorf("%s is not in %s", a.Name, docs)
		}
	}
}

// TestEveryActionHasItsWords in every language, and no words are left of an action that is gone.
func TestEveryActionHasItsWords(t *testing.T) {
	c := New(Options{Texts: testkit.Catalog(t)})
	known := map[string]bool{}
	for _, a := range schema.Actions() {
		parts := []string{"", ".command", ".about", ".done"}
		for part, needed := range map[string]bool{
			".input": a.Input != schema.NoInput, ".on": a.Switch(), ".none": a.Input == schema.BannedInput,
			".cleared": a.Input == schema.TextsInput || a.Input == schema.TextInput && a.Min == 0,
			".ask":     a.Confirm, ".ask.text": a.Confirm, ".yes": a.Confirm, ".no": a.Confirm,
		} {
			if needed {
				parts = append(parts, part)
			}
		}
		for _, f := range a.Fields {
			parts = append(parts, "."+f.Name)
			known["action."+a.Name+"."+f.Name+".example"] = true
		}
		known["action."+a.Name+".example"], known["action."+a.Name+".later"] = true, true
		for _, l := range testkit.Catalog(t).All() {
			code := l.Language().Code
			for _, part := range parts {
				known["action."+a.Name+part] = true
				if !l.Has("action." + a.Name + part) {
					t.Errorf("%s has no action.%s%s", code, a.Name, part)
				}
			}
			if code != "en" && a.Phrase != "" && !l.Has(string(a.Phrase)) {
				t.Errorf("%s has no %q", code, a.Phrase)
			}
			labels := []string{l.Say("action." + a.Name + ".input")}
			for _, f := range a.Fields {
				labels = append(labels, l.Say("action."+a.Name+"."+f.Name))
			}
			for _, label := range labels {
				if c.ask(a) != nil && utf8.RuneCountInString(label) > maxTitle {
					t.Errorf("%s: %q is too long for a label in a modal", code, label)
				}
			}
		}
	}
	for id := range testkit.Catalog(t).For("en").Under("action.") {
		if !known[id] {
			t.Errorf("no action says %s", id)
		}
	}
}
