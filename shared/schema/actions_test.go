package schema

import (
	"regexp"
	"testing"
)

// TestActions: the rows are whole, and fit what is made of them.
func TestActions(t *testing.T) {
	name, seen, undone := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`), map[string]bool{}, map[string]bool{}
	perInput := map[Input]int{}
	for _, a := range Actions() {
		perInput[a.Input]++
		undo, known := ActionNamed(a.Undo)
		switch {
		case seen[a.Name] || !name.MatchString(a.Name) || len(a.Name) > 32:
			t.Errorf("%q isn't a name, or is there twice", a.Name)
		case (a.Phrase == "") != (a.Who == Claimers) || a.Kind == "":
			t.Errorf("%s: phrase %q, kind %q", a.Name, a.Phrase, a.Kind)
		case (len(a.Takes()) == 0) != (a.Input == NoInput), (len(a.Fields) > 0) != (a.Input == TextsInput):
			t.Errorf("%s: fields %q", a.Name, a.Takes())
		case a.Input.User() && a.Field != "user": // the page has one form for all that is done to somebody
			t.Errorf("%s: the field is %q, not user", a.Name, a.Field)
		case (a.Input == TextInput || a.Input == NumberInput) != (a.Max > a.Min):
			t.Errorf("%s: from %d to %d", a.Name, a.Min, a.Max)
		case a.Confirm && a.Input != MemberInput:
			t.Errorf("%s: only actions on a member ask first", a.Name)
		case a.Undo != "" && (!known || undone[a.Undo] || undo.Input.User() != a.Input.User()):
			t.Errorf("%s is undone by %q, which can't be", a.Name, a.Undo)
		case a.Panel > 0 && a.Emoji == "" || known && undo.Emoji == "":
			t.Errorf("%s has a button without an emoji", a.Name)
		}
		seen[a.Name], undone[a.Undo] = true, true
	}
	if perInput[MemberInput] >= PanelRow { // beside Let in
		t.Errorf("%d buttons about a member don't fit in a row", perInput[MemberInput])
	}
}
