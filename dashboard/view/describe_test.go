package view_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/view"
	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/guild"
	"snug/shared/room"
	"snug/shared/testkit"
)

// TestEntriesOnPages: every sentence there is comes out whole, in the activity and on a room's page, where what is not
// for players stays out, in each language.
func TestEntriesOnPages(t *testing.T) {
	engine := newEngine(t)
	for _, l := range engine.Languages() {
		p := &view.Activity{}
		p.Text = engine.Texts(l.Code, "")
		for _, e := range testkit.Entries() {
			what := string(p.Happened(e))
			r := &view.Room{History: []audit.Entry{{Kind: audit.RoomOpened}, e}}
			said := len(r.Log(p.Text)) == 2
			if strings.Contains(what, "audit.") || strings.Contains(what, "<no") || what == "" {
				t.Errorf("%s: %s is told as %q", l.Code, e.Message(), what)
			}
			if said != e.Kind.On(audit.OnPage) {
				t.Errorf("%s: a room's page tells of %s: %v", l.Code, e.Kind, said)
			}
		}
	}
}

// TestFacesOfEntries: beside an entry is who did what it tells.
func TestFacesOfEntries(t *testing.T) {
	p := &view.Activity{}
	p.Text = newEngine(t).Texts("en", "")
	for _, c := range []struct {
		entry audit.Entry
		want  snowflake.ID
	}{
		{audit.Entry{Kind: audit.RoomOpened, By: 1}, 1},
		{audit.Entry{Kind: audit.GuestAdmitted, By: 1, Target: 2}, 1},
		{audit.Entry{Kind: audit.GuestAdmitted, By: 1, Target: 2, Detail: audit.ByLink}, 2},
		{audit.Entry{Kind: audit.OnTheWay, By: 1, Target: 2}, 2},
		{audit.Entry{Kind: audit.SeatRefused, Target: 2}, 0},
	} {
		var got snowflake.ID
		if who := p.Who(c.entry); who != nil {
			got = who.UserID
		}
		if got != c.want {
			t.Errorf("beside %q is %d, want %d", p.Happened(c.entry), got, c.want)
		}
	}
}

// TestToldInWords: settings and entries are told to people without JSON, ids that have a name, and words of
// the program's.
func TestToldInWords(t *testing.T) {
	english := newEngine(t).Texts("en", "")
	p := &view.Activity{Places: everywhere(), Rooms: map[snowflake.ID]string{7: "Friday"}}
	p.Text = english
	h := &view.AdminHistory{Places: everywhere()}
	h.Text = english
	for _, c := range []struct{ name, raw, want string }{
		{"seats", "4", "4"}, {"idle_timeout", `"1h"`, "1 hour"}, {"private", "true", "yes"}, {"private", "false", "no"},
		{"category_id", `"6"`, "B"}, {"category_id", `"0"`, "at the top of the server"},
		{"log_channel_id", `"11"`, "#G"}, {"log_channel_id", `"12"`, "deleted channel"},
		{"creator_roles", `["7","9"]`, "C and E"},
		{"creator_roles", `[]`, "everybody"}, {"blocked_words", `["a","b c"]`, "a, b c"},
		{"language", `"de"`, "Deutsch"}, {"language", `""`, "the server’s own"},
		{"name_template", `"{owner} & <b>"`, "{owner} & <b>"},
		{"lobbies", `[{"channel_id":"10","seats":3},{"channel_id":"99"}]`, "F (Seats: 3), deleted channel"},
		{"lobbies", "", "none"},
	} {
		if got := h.Describe(c.name, c.raw); got != c.want {
			t.Errorf("%s %s is told as %q, want %q", c.name, c.raw, got, c.want)
		}
	}
	p.Members = view.Members{77: {Member: true, DisplayName: "<i>Mara"}, 78: {}, 79: {DisplayName: "Jonas"}}
	for want, e := range map[string]audit.Entry{
		`<b>&lt;i&gt;Mara</b> changed the setting “Private”: yes → no`: {
			Kind: audit.SettingsChanged, By: 77, Detail: "private", Old: "true", New: "false",
		},
		"Snug fixed a problem: Friday no longer has a channel": {
			Kind: audit.Repaired, Detail: string(guild.IssueNoChannel), RoomID: 7,
		},
		`A seat is held for <b>Former member</b> (lost the connection)`: {
			Kind: audit.SeatHeld, Target: 78, Detail: string(room.HeldBack),
		},
		"<b>Somebody</b> banned <b>Jonas</b>": {Kind: audit.Banned, By: 8, Target: 79},
		"Somebody in Discord set the status to “a &amp; b”": {
			Kind: audit.StatusChanged, Via: access.ViaDiscord, New: "a & b",
		},
	} {
		if got := p.Happened(e); string(got) != want {
			t.Errorf("%s is told as %q, want %q", e.Kind, got, want)
		}
	}
	if p.Room(7) != "Friday" || p.Room(1574439557993201664) != "Closed room" {
		t.Errorf("%q %q", p.Room(7), p.Room(1574439557993201664))
	}
	h.Places = guild.ChannelsAndRoles{} // Discord did not answer
	if got := h.Describe("log_channel_id", `"12"`); got != "a channel" {
		t.Errorf("a channel that nobody could ask about is %q", got)
	}
}

// TestNoSettingIsToldAsJSON goes through all of them, as they are set anywhere.
func TestNoSettingIsToldAsJSON(t *testing.T) {
	h := &view.AdminHistory{Places: everywhere()}
	h.Text = newEngine(t).Texts("en", "")
	s := guild.Defaults()
	s.CategoryID, s.LogChannelID, s.CreatorRoles, s.HelperRoles, s.BlockedWords, s.Language = 5, 11, []snowflake.ID{
		7,
	}, []snowflake.ID{8}, []string{"x"}, "fr"
	s.Lobbies = []guild.Lobby{{ChannelID: 10}}
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil {
		t.Fatal(err)
	}
	for name, raw := range fields {
		if got := h.Describe(name, string(raw)); strings.ContainsAny(got, `[]"`) || got == "true" || got == "false" ||
			got == "null" || !h.Text.Has("setting."+name) {
			t.Errorf("%s is told as %q", name, got)
		}
	}
}

// TestMerge: what somebody did not touch follows what was saved meanwhile, what they typed stays.
func TestMerge(t *testing.T) {
	was := guild.Defaults()
	is := was
	is.Seats, is.InviteUses, is.Private, is.BlockedWords = 9, 3, !was.Private, []string{"x"}
	typed := was
	typed.Seats, typed.RoomsPerMember, typed.InviteUses = 7, 2, 3
	a := &view.Admin{Form: view.NewSettingsForm(typed)}
	a.Text = newEngine(t).Texts("en", "")
	a.Merge(was, is)
	b, err := a.Form.JSON()
	if err != nil {
		t.Fatal(err)
	}
	got := is
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	want := is
	want.Seats, want.RoomsPerMember = 7, 2
	got.CreatorRoles, got.HelperRoles, want.CreatorRoles, want.HelperRoles = nil, nil, nil, nil
	got.RandomNames = nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	clashes := map[string]bool{}
	for _, m := range a.OtherChanges {
		clashes[m.Name] = m.Clash
	}
	if !reflect.DeepEqual(clashes,
		map[string]bool{"seats": true, "invite_uses": false, "private": false, "blocked_words": false}) {
		t.Errorf("changed meanwhile: %v", clashes)
	}
}
