package main

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/commands"
	"snug/shared/discordsim"
	"snug/shared/room"
	"snug/shared/schema"
	"snug/shared/testkit"
)

// members are the columns of the table of commands: who is in the server. Nobody else can run a command in it.
var members = []string{"member", "banned", "guest", "owner", "manager"}

// command is a row: what happens when each of the members runs it about the
// owner's private room. "changed": something that is kept changed. "told":
// nothing did, and the answer is about the room. "done": one of these. "asks": a form opens. "-":
// nothing changed and nothing was told. "none": Discord does not offer it.
type commandRow struct {
	name    string
	options map[string]any
	want    string
}

// commandRows says of every command who may use it. One without a row fails the test.
var commandRows = []commandRow{
	//                                                       member banned guest owner manager
	{"rooms", nil, "- - told told -"},
	{"find", map[string]any{"user": "{guest}"}, "- - - - -"}, // who is in no room; TestFind has the others
	{"room info", map[string]any{"room": "{room}"}, "- - told told -"},
	{"room keep", map[string]any{"room": "{room}"}, "- - told told -"},
	{"room close", map[string]any{"room": "{room}"}, "- - - told told"},
	{"invite", map[string]any{"room": "{room}"}, "- - - changed -"},
	{"invite", map[string]any{"user": "{member}", "room": "{room}"}, "- - - changed -"},
	// it is asked of the owner; whoever knocks is not told whether there is a room,
	{"knock", map[string]any{"room": "{room}"}, "changed - - - changed"},
	{"wait", map[string]any{"room": "{room}"}, "- - changed changed -"},
	{"create-room", map[string]any{"name": "Another", "seats": 3}, "changed changed changed changed changed"},
	{"room again", map[string]any{"room": "{room}"}, "- - told told -"}, // it is open
	{"preset list", nil, "- - - - -"},
	{"preset save", map[string]any{"name": "x", "room": "{room}"}, "- - told told -"},
	{"preset remove", map[string]any{"preset": "me:x"}, "- - - - -"},
	{"preferences show", nil, "- - - told -"},
	{"preferences forget", nil, "- - - - -"},
	{"snug setup", nil, "none none none none -"},
	{"snug settings", map[string]any{"setting": "seats", "value": "6"}, "none none none none changed"},
	{"snug lobby add", nil, "none none none none changed"},
	{"snug lobby remove", nil, "none none none none none"}, // not without a channel
	{"snug lobby list", nil, "none none none none -"},
	{"snug repair", nil, "none none none none -"},
	// everybody has a room by now, and each lets into their own
	{"Invite to my room", nil, "changed changed changed changed changed"},
	{"Find their room", nil, "- - - - -"}, // hugo is in none
}

// actionRows says who may do each action: the owner, but for what others take over.
func actionRows() (rows []commandRow) {
	for _, a := range schema.Actions() {
		options, want := map[string]any{"room": "{room}"}, "- - - done -"
		switch a.Input {
		case schema.NoInput:
		case schema.TextInput:
			options[a.Field] = "Renamed"
		case schema.TextsInput:
			options[a.Fields[0].Name] = "Renamed"
		case schema.NumberInput:
			options[a.Field] = a.Max
		case schema.MemberInput:
			options[a.Field] = "{guest}"
		case schema.BannedInput:
			options[a.Field] = "{banned}"
		}
		if a.Who == schema.Claimers { // nobody else is in the room, and the owner owns it
			want = "- - - - -"
		}
		rows = append(rows, commandRow{"room " + a.Name, options, want})
	}
	return rows
}

// TestWhoMayDoWhatInDiscord runs every command as everybody in the server.
func TestWhoMayDoWhatInDiscord(t *testing.T) {
	t.Parallel()
	v := newAccessHarness(t)
	left := offered(t)
	for _, row := range append(actionRows(), commandRows...) {
		if !slices.Contains(offered(t), row.name) {
			t.Errorf("/%s: there is no such command any more", row.name)
			continue
		}
		left = slices.DeleteFunc(left, func(s string) bool { return s == row.name })
		var got []string
		for i, who := range members {
			is := v.run(who, row)
			if strings.Fields(row.want)[i] == "done" && (is == "changed" || is == "told") {
				is = "done"
			}
			got = append(got, is)
		}
		if strings.Join(got, " ") != row.want {
			t.Errorf("/%s %v\n got %s\nwant %s", row.name, row.options, strings.Join(got, " "), row.want)
		}
	}
	for _, name := range left {
		t.Errorf("/%s has no row in the table of commands: "+
			"add one in cmd/snug/access_discord_test.go that says who may use it", name)
	}
}

// offered gives the names of all commands, as the simulator takes them.
func offered(t *testing.T) (names []string) {
	t.Helper()
	for _, d := range commands.Definitions(testkit.Catalog(t)) {
		s, ok := d.(discord.SlashCommandCreate)
		if !ok {
			names = append(names, d.CommandName())
			continue
		}
		subs := 0
		for _, o := range s.Options {
			switch o := o.(type) {
			case discord.ApplicationCommandOptionSubCommand:
				names = append(names, s.Name+" "+o.Name)
				subs++
			case discord.ApplicationCommandOptionSubCommandGroup:
				for _, sub := range o.Options {
					names = append(names, s.Name+" "+o.Name+" "+sub.Name)
				}
				subs++
			}
		}
		if subs == 0 {
			names = append(names, s.Name)
		}
	}
	return names
}

// run runs a row's command as one of the members, and gives what came of it.
// Where something changed, the next finds a new room.
func (v *accessHarness) run(who string, row commandRow) string {
	v.Helper()
	options := map[string]any{}
	for k, o := range row.options {
		if s, ok := o.(string); ok {
			o = strings.NewReplacer("{room}", v.room, "{guest}", v.user(v.named["guest"]).ID.String(),
				"{banned}", v.user(v.named["banned"]).ID.String(), "{member}",
				v.user(v.named["member"]).ID.String()).Replace(s)
		}
		options[k] = o
	}
	before := v.kept()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	run := discordsim.CommandRun{Guild: v.world.guild, Name: row.name, Options: options}
	if strings.HasSuffix(row.name, " room") && row.options == nil {
		run.Options, run.Target = nil, v.user("hugo").ID
	}
	a, err := v.world.discord.RunCommand(ctx, v.user(v.named[who]).ID, run)
	if err != nil {
		return "none"
	}
	if a.Modal != nil {
		return "asks"
	}
	if a.Message == nil || !a.Ephemeral {
		v.Errorf("/%s answers %s for all to see, or not at all: %+v", row.name, who, a)
		return "?"
	}
	said := a.Message.Content + string(a.Message.Raw)
	if strings.Contains(said, v.code) && who != "owner" && who != "guest" {
		v.Errorf("/%s tells %s the invite: %s", row.name, who, said)
	}
	if after := v.kept(); after != before {
		if !strings.Contains(row.want, "changed") && !strings.Contains(row.want, "done") {
			v.Errorf("/%s by %s changed what is kept:\nfrom %s\n  to %s", row.name, who, before, after)
		}
		v.open()
		return "changed"
	}
	if names := regexp.MustCompile(`Secret plans|<#` + v.room + `>|Chiyo`); names.MatchString(a.Message.Content) {
		return "told"
	}
	return "-"
}

// kept is what is written down of the server that somebody can change: its rooms and settings.
func (v *accessHarness) kept() string {
	v.Helper()
	var all []string
	rooms, err := v.app.hub.Rooms.List(context.Background(), v.world.guild.String())
	v.must(err)
	for _, e := range rooms {
		r := e.Value
		b, err := json.Marshal([]any{
			r.ID, r.OwnerID, r.Name, r.Seats, r.Private, r.Locked, r.Hidden, r.State, guests(r), r.Bans, len(r.Invites),
			r.Summary(false),
		})
		v.must(err)
		all = append(all, string(b))
	}
	slices.Sort(all)
	_, rev, err := v.app.hub.Settings.Get(context.Background(), v.world.guild.String())
	v.must(err)
	return fmt.Sprint(all, rev)
}

func guests(r room.Room) (ids []snowflake.ID) {
	for _, g := range r.Guests {
		ids = append(ids, g.UserID)
	}
	return ids
}
