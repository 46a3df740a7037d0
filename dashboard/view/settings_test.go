package view_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"golang.org/x/net/html"

	"snug/dashboard/view"
	"snug/dashboard/view/fixtures"
	"snug/shared/errs"
	"snug/shared/guild"
)

// post gives what a browser would send of the first form that posts to action.
func post(doc *html.Node, action string) url.Values {
	v := url.Values{}
	for n := range doc.Descendants() {
		if n.Data != "form" || attr(n, "action") != action {
			continue
		}
		for f := range n.Descendants() {
			name := attr(f, "name")
			switch {
			case f.Type != html.ElementNode || name == "":
			case f.Data == "input" && attr(f, "type") == "checkbox":
				if hasAttr(f, "checked") {
					v.Add(name, attr(f, "value"))
				}
			case f.Data == "input":
				v.Add(name, attr(f, "value"))
			case f.Data == "textarea":
				if f.FirstChild != nil {
					v.Add(name, f.FirstChild.Data)
				} else {
					v.Add(name, "")
				}
			case f.Data == "select":
				for o := range f.ChildNodes() {
					if hasAttr(o, "selected") {
						v.Add(name, attr(o, "value"))
					}
				}
				if !v.Has(name) {
					v.Add(name, "")
				}
			}
		}
	}
	return v
}

// TestSettingsSurviveTheForm: what the page shows and a browser sends back is what was there, for every setting.
func TestSettingsSurviveTheForm(t *testing.T) {
	other := guild.Settings{
		CategoryID: 6, Seats: 8, IdleTimeout: guild.Never, ClosingNotice: guild.Duration(90 * time.Second),
		MaxAge:         guild.Duration(36 * time.Hour),
		InviteLifetime: guild.Duration(time.Hour), InviteUses: 3, NameTemplate: "{owner} & friends <{n}>",
		CreatorRoles:   []snowflake.ID{7, 8},
		RoomsPerMember: 2, RoomsPerGuild: 9, ManagersSeePrivate: true, GuildsJoin: true, Language: "de",
		LogChannelID:   11,
		AuditRetention: guild.Duration(7 * 24 * time.Hour), SeatGrace: 0, HelperRoles: []snowflake.ID{9},
		BlockedWords: []string{"one", "two words"}, RandomNames: []string{"Owl", "Red Fox"},
	}
	for name, want := range map[string]guild.Settings{"defaults": guild.Defaults(), "others": other} {
		t.Run(name, func(t *testing.T) {
			p := &view.Admin{
				AdminTab: view.AdminTab{Guild: fixtures.RoomPage(1, 0).Guild}, Form: view.NewSettingsForm(want),
				Rev: 12, Places: everywhere(),
			}
			doc, _ := render(t, newEngine(t), p)
			v := post(doc, "/admin/"+fixtures.Guild.String())
			if v.Get("rev") != "12" {
				t.Errorf("the revision comes back as %q", v.Get("rev"))
			}
			b, err := view.ReadSettingsForm(v).JSON()
			if err != nil {
				t.Fatal(err)
			}
			// Over settings that differ everywhere, as the bot applies it.
			got := guild.Settings{
				CategoryID: 99, Private: !want.Private, CreatorRoles: []snowflake.ID{1}, HelperRoles: []snowflake.ID{1},
				StrictSeats: true, AdminsExempt: true,
			}
			if err := json.Unmarshal(b, &got); err != nil {
				t.Fatal(err)
			}
			for _, list := range []*[]snowflake.ID{&got.CreatorRoles, &got.HelperRoles} {
				if len(*list) == 0 {
					*list = nil
				}
			}
			for _, list := range []*[]string{&got.BlockedWords, &got.RandomNames} {
				if len(*list) == 0 {
					*list = nil
				}
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("\n got %+v\nwant %+v", got, want)
			}
		})
	}
}

// everywhere are choices for every setting that has some.
func everywhere() guild.ChannelsAndRoles {
	return guild.ChannelsAndRoles{
		Categories: []guild.NamedID{{ID: 5, Name: "A"}, {ID: 6, Name: "B"}},
		Roles:      []guild.NamedID{{ID: 7, Name: "C"}, {ID: 8, Name: "D"}, {ID: 9, Name: "E"}},
		Voice:      []guild.NamedID{{ID: 10, Name: "F"}}, Text: []guild.NamedID{{ID: 11, Name: "G"}},
	}
}

func TestSettingsWithoutChoicesStay(t *testing.T) {
	doc, _ := render(t, newEngine(t),
		&view.Admin{
			AdminTab: view.AdminTab{Guild: fixtures.RoomPage(1, 0).Guild},
			Form:     view.NewSettingsForm(guild.Settings{CategoryID: 6}),
		})
	b, err := view.ReadSettingsForm(post(doc, "/admin/"+fixtures.Guild.String())).JSON()
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"category_id", "creator_roles", "helper_roles", "log_channel_id"} {
		if _, ok := m[k]; ok {
			t.Errorf("%s is sent though it could not be chosen", k)
		}
	}
}

func TestSettingsThatCannotBeRead(t *testing.T) {
	good := url.Values{"seats": {"4"}, "invite_uses": {"0"}, "rooms_per_member": {"1"}, "rooms_per_guild": {"50"},
		"idle_timeout": {"1h"}, "closing_notice": {"30s"}, "max_age": {"never"}, "invite_lifetime": {"1d"},
		"category_id": {""}}
	if _, err := view.ReadSettingsForm(good).JSON(); err != nil {
		t.Fatal(err)
	}
	for field, bad := range map[string]string{
		"seats": "four", "rooms_per_guild": "", "idle_timeout": "soon", "invite_lifetime": "-1h",
		"category_id": "lounge",
	} {
		v := url.Values{}
		for k := range good {
			v.Set(k, good.Get(k))
		}
		v.Set(field, bad)
		_, err := view.ReadSettingsForm(v).JSON()
		var e *errs.Error
		if !errors.As(err, &e) || e.Code != errs.Invalid || e.Field != field {
			t.Errorf("%s=%q: %v", field, bad, err)
		}
	}
}

func TestEverySettingHasAField(t *testing.T) {
	doc, _ := render(t, newEngine(t), &view.Admin{Places: everywhere()})
	names := map[string]bool{}
	elsewhere := map[string]bool{"lobbies": true, "presets": true} // they have forms of their own
	for n := range doc.Descendants() {
		names[attr(n, "name")] = true
	}
	for f := range reflect.TypeFor[guild.Settings]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "-" && !names[name] && !elsewhere[name] {
			t.Errorf("no field for the setting %s", name)
		}
	}
}
