package guild_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/guild"
)

func TestDuration(t *testing.T) {
	for in, want := range map[string]string{
		"1h": "1h", "90m": "1h30m", "24h": "1d", "2d": "2d", "1d12h": "1d12h", "30s": "30s", "0s": "0s", "0": "0s",
		"never": "never", "OFF": "never", " 1 h ": "1h",
		"": "", "soon": "", "-1h": "", "1x": "", "d": "",
	} {
		d, err := guild.ParseDuration(in)
		if (err == nil) != (want != "") || err == nil && d.String() != want {
			t.Errorf("ParseDuration(%q) = %s, %v; want %s", in, d, err, want)
		}
	}
}

func TestSettingsSurviveJSON(t *testing.T) {
	in := guild.Document{Settings: guild.Defaults(), Outbox: []audit.Entry{{ID: "a"}}}
	in.CreatorRoles = []snowflake.ID{5}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), `"idle_timeout":"1h"`) {
		t.Errorf("written as %s", b)
	}
	var out guild.Document
	if err := json.Unmarshal(b, &out); err != nil || !reflect.DeepEqual(in, out) {
		t.Errorf("came back as %+v, %v", out, err)
	}
}

func TestMayCreate(t *testing.T) {
	s := guild.Defaults()
	member := access.Standing{Member: true}
	if !s.MayCreate(member) || s.MayCreate(access.Standing{Manager: true}) {
		t.Error("without creator roles every member may, and nobody else")
	}
	s.CreatorRoles = []snowflake.ID{5}
	for who, want := range map[*access.Standing]bool{
		{Member: true}: false,
		{Member: true, Roles: []snowflake.ID{4, 5}}: true,
		{Member: true, Manager: true}:               true,
		{Member: false, Roles: []snowflake.ID{5}}:   false,
	} {
		if s.MayCreate(*who) != want {
			t.Errorf("%+v: want %v", *who, want)
		}
	}
}

func TestRoomName(t *testing.T) {
	if got := guild.RoomName("{owner}'s room {n}", guild.Fill{Owner: "Mara", N: 3}); got != "Mara's room 3" {
		t.Error(got)
	}
	if got := guild.RoomName("{owner}",
		guild.Fill{Owner: strings.Repeat("ü", 200), N: 1}); got != strings.Repeat("ü", 100) {
		t.Errorf("a long owner gives %d characters", len([]rune(got)))
	}
}

// TestWhatMeansTheSame has settings that differ only in how they are written: nothing was changed from one to
// the other.
func TestWhatMeansTheSame(t *testing.T) {
	for name, x := range map[string]struct {
		a, b func(*guild.Settings)
		same bool
	}{
		"no roles": {
			func(*guild.Settings) {},
			func(s *guild.Settings) { s.CreatorRoles, s.HelperRoles = []snowflake.ID{}, []snowflake.ID{} }, true,
		},
		"no words":   {func(*guild.Settings) {}, func(s *guild.Settings) { s.BlockedWords = []string{} }, true},
		"no lobbies": {func(*guild.Settings) {}, func(s *guild.Settings) { s.Lobbies = []guild.Lobby{} }, true},
		"order": {
			func(s *guild.Settings) { s.HelperRoles = []snowflake.ID{1, 2} },
			func(s *guild.Settings) { s.HelperRoles = []snowflake.ID{2, 1} }, true,
		},
		"twice": {
			func(s *guild.Settings) { s.CreatorRoles = []snowflake.ID{1} },
			func(s *guild.Settings) { s.CreatorRoles = []snowflake.ID{1, 1} }, true,
		},
		"another role": {
			func(s *guild.Settings) { s.HelperRoles = []snowflake.ID{1} },
			func(s *guild.Settings) { s.HelperRoles = []snowflake.ID{2} }, false,
		},
		"a word": {func(*guild.Settings) {}, func(s *guild.Settings) { s.BlockedWords = []string{"x"} }, false},
	} {
		a, b := guild.Defaults(), guild.Defaults()
		x.a(&a)
		x.b(&b)
		fa, err := a.Fields()
		fb, e := b.Fields()
		if err != nil || e != nil {
			t.Fatal(err, e)
		}
		if reflect.DeepEqual(fa, fb) != x.same {
			t.Errorf("%s: %s and %s", name, fa, fb)
		}
	}
}
