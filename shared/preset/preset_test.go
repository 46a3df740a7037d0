package preset_test

import (
	"strings"
	"testing"

	"snug/shared/errs"
	"snug/shared/preset"
	"snug/shared/schema"
)

func named(names ...string) (list []preset.Preset) {
	for i, n := range names {
		list = append(list, preset.Preset{Name: n, Setup: preset.Setup{Seats: i + 1, Private: new(true)}})
	}
	return list
}

func names(list []preset.Preset) string {
	var out []string
	for _, p := range list {
		out = append(out, p.Name)
	}
	return strings.Join(out, ", ")
}

// field gives the input that an error is about, "not found" for a preset that isn't there, and "" for nil.
func field(err error) string {
	switch {
	case err == nil:
		return ""
	case errs.Has(err, errs.NotFound):
		return "not found"
	}
	return errs.Public(err).Field
}

func TestPut(t *testing.T) {
	with := func(s preset.Setup) preset.Preset { return preset.Preset{Name: "A", Setup: s} }
	called := func(name string) preset.Preset { return preset.Preset{Name: name} }
	long := strings.Repeat("x", 101)
	for name, c := range map[string]struct {
		list  []preset.Preset
		p     preset.Preset
		was   string
		want  string
		fault string
	}{
		"the first":                       {nil, called("Draft"), "", "Draft", ""},
		"another comes last":              {named("Draft"), called("Chess"), "", "Draft, Chess", ""},
		"one of that name is replaced":    {named("Draft", "Chess"), called("draft"), "", "draft, Chess", ""},
		"spaces around it are dropped":    {named("Draft"), called("  Draft "), "", "Draft", ""},
		"renamed, it keeps its place":     {named("Draft", "Chess"), called("Go"), "Draft", "Go, Chess", ""},
		"renamed to other capitals":       {named("Draft"), called("DRAFT"), "Draft", "DRAFT", ""},
		"saved under the name it had":     {named("Draft", "Chess"), called("Chess"), "Chess", "Draft, Chess", ""},
		"renamed to another's name":       {named("Draft", "Chess"), called("chess"), "Draft", "Draft, Chess", "name"},
		"the one that was, is gone":       {named("Draft"), called("Go"), "Chess", "Draft", "not found"},
		"no name":                         {nil, called(" \t"), "", "", "name"},
		"a name that is too long":         {nil, called(long), "", "", "name"},
		"too many seats":                  {nil, with(preset.Setup{Seats: 100}), "", "", "seats"},
		"fewer seats than one":            {nil, with(preset.Setup{Seats: -1}), "", "", "seats"},
		"a room's name that is too long":  {nil, with(preset.Setup{RoomName: long}), "", "", "room_name"},
		"one too many":                    {named("A", "B", "C"), called("D"), "", "A, B, C", "name"},
		"as many as can be, one replaced": {named("A", "B", "C"), called("c"), "", "A, B, c", ""},
	} {
		t.Run(name, func(t *testing.T) {
			before := names(c.list)
			got, err := preset.Put(c.list, c.p, c.was, 3)
			if names(got) != c.want || field(err) != c.fault {
				t.Errorf("got %s, %q (%v), want %s, %q", names(got), field(err), err, c.want, c.fault)
			}
			if names(c.list) != before {
				t.Errorf("it changed the list that it was given to %s", names(c.list))
			}
		})
	}
}

func TestRemove(t *testing.T) {
	for name, c := range map[string]struct{ remove, want, removed, fault string }{
		"one of two":         {"Draft", "Chess", "Draft", ""},
		"in other capitals":  {" cHESS ", "Draft", "Chess", ""},
		"one that isn't any": {"Go", "Draft, Chess", "", "not found"},
	} {
		t.Run(name, func(t *testing.T) {
			list := named("Draft", "Chess")
			got, p, err := preset.Remove(list, c.remove)
			if names(got) != c.want || p.Name != c.removed || field(err) != c.fault {
				t.Errorf("got %s, %q, %v", names(got), p.Name, err)
			}
			if names(list) != "Draft, Chess" {
				t.Errorf("it changed the list that it was given to %s", names(list))
			}
		})
	}
}

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		list  []preset.Preset
		fault string
	}{
		"none":                        {nil, ""},
		"as many as can be":           {named("A", "B", "C"), ""},
		"one too many":                {named("A", "B", "C", "D"), "presets"},
		"two of a name":               {named("Draft", "dRAFT"), "presets"},
		"spaces that aren't stored":   {named(" Draft"), "presets"},
		"characters that aren't seen": {named("Dr\u202eaft"), "presets"},
		"seats that can't be":         {[]preset.Preset{{Name: "A", Setup: preset.Setup{Seats: 1000}}}, "presets"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := preset.Check("presets", c.list, 3); field(err) != c.fault {
				t.Errorf("got %q: %v", field(err), err)
			}
		})
	}
}

func TestRefFind(t *testing.T) {
	own := named("Draft", "Server: fun", "me:shy")
	server := named("Draft", "Chess")
	for ref, c := range map[preset.Ref]struct {
		want   string
		server bool
	}{
		"me:Draft":        {"Draft", false},
		"server:Draft":    {"Draft", true},
		"Draft":           {"Draft", false}, // one's own comes first
		"chess":           {"Chess", true},
		"me:Chess":        {"", false},
		"server:Chess":    {"Chess", true},
		"Server: fun":     {"Server: fun", false}, // a name with a colon in it
		"me:Server: fun":  {"Server: fun", false},
		"me:shy":          {"me:shy", false},
		"nobody":          {"", false},
		"elsewhere:Draft": {"", false},
		"":                {"", false},
	} {
		t.Run(string(ref), func(t *testing.T) {
			p, ofServer, err := ref.Find(own, server)
			if p.Name != c.want || ofServer != c.server || (err == nil) != (c.want != "") {
				t.Errorf("got %q, %v, %v", p.Name, ofServer, err)
			}
			if err != nil && field(err) != "not found" {
				t.Errorf("got %v", err)
			}
		})
	}
	for _, list := range []string{preset.Own, preset.Server} {
		if p, ofServer, err := preset.RefTo(list, "Draft").Find(own, server); err != nil || p.Name != "Draft" ||
			ofServer != (list == preset.Server) {
			t.Errorf("RefTo(%s) finds %q, %v, %v", list, p.Name, ofServer, err)
		}
	}
}

func TestNameFor(t *testing.T) {
	const most = schema.MaxPresetName
	long := strings.Repeat
	for name, c := range map[string]struct{ room, want string }{
		"short":                 {"Friday draft", "Friday draft"},
		"as long as can be":     {long("ä", most), long("ä", most)},
		"longer":                {long("ä", 60), long("ä", most-1) + "…"},
		"cut after a space":     {long("a", most-2) + " and more", long("a", most-2) + "…"},
		"characters, not bytes": {long("蓮", most+1), long("蓮", most-1) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			got := preset.NameFor(c.room)
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if _, err := (preset.Preset{Name: got}).Clean(); err != nil {
				t.Errorf("%q can't be a preset's name: %v", got, err)
			}
		})
	}
}

func TestClone(t *testing.T) {
	list := named("Draft")
	other := preset.Clone(list)
	*other[0].Private, other[0].Name = false, "Other"
	if !*list[0].Private || list[0].Name != "Draft" {
		t.Errorf("the copy shares with the list: %+v", list)
	}
}
