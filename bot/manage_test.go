package bot_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/discordapi"
	"snug/shared/audit"
	"snug/shared/discordsim"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/room"
	"snug/shared/schema"
)

func (h *harness) settingsNow() guild.Settings {
	h.Helper()
	v, err := call(h, hub.SettingsOf, guild.ManageRequest{Actor: h.actor("mara")})
	h.Must(err)
	return v.Settings
}

func TestSetupEndsWithAWorkingLobby(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	if _, err := h.try("jonas", "snug setup", 0, nil); err == nil {
		t.Error("a member who does not manage the server is offered /snug")
	}
	a := h.Command("mara", "snug setup", nil)
	h.wantText(a, "I have every permission", "I'll create a category", "I'll create a lobby")
	h.wantText(h.press("mara", a.Message.ID, "Set up Snug"), "Done.", "<#")
	s := h.settingsNow()
	if len(s.Lobbies) != 1 || s.CategoryID == 0 {
		t.Fatalf("setup left %+v", s)
	}
	h.Must(h.Join("kiyo", s.Lobbies[0].ChannelID))
	h.await("whoever joins the lobby sits in a room of their own", func(l map[snowflake.ID]room.Live) bool {
		for _, r := range l {
			if r.Room.Access.OwnerID == h.People["kiyo"] && room.In(r.Roster, h.People["kiyo"]) {
				return true
			}
		}
		return false
	})
	h.wantText(h.Command("mara", "snug setup", nil), "already a lobby", "Snug is set up")
}

func TestSetupNamesWhatLacks(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	role := h.botRole()
	h.heard(h.Discord.SetRole(h.Guild, role,
		discordsim.Permissions(discordapi.Permissions&^discord.PermissionMoveMembers)))
	a := h.Command("mara", "snug setup", nil)
	h.wantText(a, "Almost there.", "**Move Members**", "Server Settings → Roles", "never need Administrator")
	if strings.Contains(a.Message.Text(), "Manage Channels**") {
		t.Errorf("it asks for what it has: %s", a.Message.Text())
	}
	h.heard(h.Discord.SetRole(h.Guild, role, discordsim.Permissions(discordapi.Permissions)))
	h.wantText(h.press("mara", a.Message.ID, "Check again"), "I have every permission")
}

// botRole finds the bot's own role.
func (h *harness) botRole() discordsim.ID {
	h.Helper()
	var m struct{ Roles []discordsim.ID }
	h.get(fmt.Sprintf("/guilds/%d/members/%d", h.Guild, h.App.ID), &m)
	if len(m.Roles) != 1 {
		h.Fatalf("the bot has the roles %v", m.Roles)
	}
	return m.Roles[0]
}

// TestEverySettingIsSavedByItsForm: each form is opened from the menu, filled in with other values, and all
// of them are there.
func TestEverySettingIsSavedByItsForm(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	category := h.add(discordsim.ChannelOptions{Name: "Snug", Type: discordsim.ChannelCategory})
	channel := h.add(discordsim.ChannelOptions{Name: "log", Type: discordsim.ChannelText})
	role := h.role("Music", 0)
	before := h.settingsNow()
	others := map[schema.Kind]any{
		schema.Category: category.String(), schema.Channel: channel.String(),
		schema.Roles: []string{role.String()}, schema.Template: "Table {n}", schema.Words: "foo, bar*",
		schema.Language: "de",
	}
	other := func(name string) any {
		row, ok := schema.SettingNamed(name)
		if !ok {
			t.Errorf("a form has a field %s", name)
		}
		switch was := before.Value(name).(type) {
		case bool:
			return strconv.FormatBool(!was)
		case int:
			return strconv.Itoa(was + 1)
		case guild.Duration:
			if was == guild.Never {
				return row.MinTime.String()
			}
			if was.Std()*2 <= row.MaxTime {
				return (was * 2).String()
			}
			return (was / 2).String()
		}
		return others[row.Kind]
	}
	a := h.Command("mara", "snug settings", nil)
	h.wantText(a, "New rooms", "Seats: 4", "Close when empty for: 1 hour")
	menu := h.menu(a.Message)
	for _, group := range menu.Options {
		if group.Value == "lobbies" {
			h.wantText(h.press("mara", a.Message.ID, menu.CustomID, "lobbies"), "There are no lobbies yet")
			continue
		}
		now := h.Command("mara", "snug settings", nil)
		form := h.press("mara", now.Message.ID, h.menu(now.Message).CustomID, group.Value)
		fields := map[string]any{}
		for _, c := range discordsim.All(form.Modal.Components) {
			if c.CustomID != "" {
				fields[c.CustomID] = other(c.CustomID)
			}
		}
		h.wantText(h.enter("mara", form, fields), "Saved")
	}
	b, err := json.Marshal(h.settingsNow())
	h.Must(err)
	var after, was map[string]any
	h.Must(json.Unmarshal(b, &after))
	if b, err = json.Marshal(before); err == nil {
		err = json.Unmarshal(b, &was)
	}
	h.Must(err)
	for f := range reflect.TypeFor[guild.Settings]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		// lobbies have commands of their own, presets a page
		if name != "lobbies" && name != "presets" && reflect.DeepEqual(after[name], was[name]) {
			t.Errorf("%s was not changed by its form: %v", name, after[name])
		}
	}
}

func TestSettingsThatAreWrong(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"seats":7}`)
	a := h.Command("mara", "snug settings", nil)
	form := h.press("mara", a.Message.ID, h.menu(a.Message).CustomID, "closing")
	b := h.enter("mara", form, map[string]any{"idle_timeout": "soon"})
	h.wantText(b, "isn't a duration", "New rooms") // and the menu stays, to try again
	form = h.press("mara", b.Message.ID, h.menu(b.Message).CustomID, "closing")
	h.settings(`{"seats":5}`) // meanwhile, on the web
	h.wantText(h.enter("mara", form, map[string]any{"idle_timeout": "2h"}),
		"Somebody else saved these settings in the meantime", "Seats: 5")

	h.wantText(h.Command("mara", "snug settings", map[string]any{"setting": "seats", "value": "100"}), "99")
	h.wantText(h.Command("mara", "snug settings", map[string]any{"setting": "nonsense", "value": "1"}),
		"There's no setting called “nonsense”")
	h.wantText(h.Command("mara", "snug settings", map[string]any{"setting": "strict_seats", "value": "perhaps"}),
		"isn't yes or no")
	h.wantText(h.Command("mara", "snug settings", map[string]any{"setting": "strict_seats", "value": "no"}), "Saved",
		"Strict seats: no")
	one := h.Command("mara", "snug settings", map[string]any{"setting": "name_template"})
	h.wantText(h.enter("mara", one, map[string]any{"name_template": "Den {n}"}), "Saved", "Den {n}")
	suggest := func(option, typed string) (out []string) {
		options := map[string]any{"setting": "idle_timeout"}
		options[option] = typed
		list, err := h.Discord.Autocomplete(h.soon(), h.user("mara"),
			discordsim.CommandRun{Guild: h.Guild, Name: "snug settings", Options: options}, option)
		h.Must(err)
		for _, c := range list {
			out = append(out, c.Name)
		}
		return out
	}
	if got := suggest("value", ""); !slices.Contains(got, "never (never)") || !slices.Contains(got, "1h (1 hour)") {
		t.Errorf("values: %q", got)
	}
	if got := suggest("setting", "activity"); len(got) != 1 {
		t.Errorf("settings: %q", got)
	}
}

func TestLobbyCommands(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.wantText(h.Command("mara", "snug lobby list", nil), "There are no lobbies yet")
	a := h.Command("mara", "snug lobby add",
		map[string]any{
			"channel": h.public.String(), "seats": 2, "private": false, "name": "{owner}'s table", "idle": "10m",
		})
	h.wantText(a, "<#"+h.public.String()+"> is now a lobby")
	h.wantText(h.Command("mara", "snug lobby add", map[string]any{"idle": "soon"}), "isn't a duration")
	h.wantText(h.Command("mara", "snug lobby add", nil), "is now a lobby")
	h.wantText(h.Command("mara", "snug lobby list", nil), "Seats: 2", "Private: no", "{owner}'s table", "10 minutes")
	list, err := h.Discord.Autocomplete(h.soon(), h.user("mara"),
		discordsim.CommandRun{Guild: h.Guild, Name: "snug lobby remove"}, "lobby")
	h.Must(err)
	if len(list) != 2 || list[0].Name != "General" {
		t.Fatalf("lobbies: %+v", list)
	}
	var id string
	h.Must(json.Unmarshal(list[0].Value, &id))
	h.wantText(h.Command("mara", "snug lobby remove", map[string]any{"lobby": id}), "ordinary voice channel again")
	h.wantText(h.Command("mara", "snug lobby remove", map[string]any{"lobby": id}), "isn't a lobby")
	if n := len(h.settingsNow().Lobbies); n != 1 {
		t.Errorf("%d lobbies are left", n)
	}
}

func TestRepairWaitsForAYes(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.wantText(h.Command("mara", "snug repair", nil), "agree on everything")
	lost, err := h.Discord.AddChannel(h.Guild, discordsim.ChannelOptions{Name: "log", Type: discordsim.ChannelText})
	h.Must(err)
	h.settings(fmt.Sprintf(`{"log_channel_id":"%d"}`, lost.ID))
	h.bare("DELETE", fmt.Sprintf("/channels/%d", lost.ID))
	stray := h.bare("POST", fmt.Sprintf("/guilds/%d/channels", h.Guild), fmt.Sprintf(
		`{"name":"Stray","type":2,"permission_overwrites":[{"id":"%d","type":1,"allow":"%d","deny":"0"}]}`, h.App.ID,
		discordapi.BotAllow))
	a := h.Command("mara", "snug repair", nil)
	h.wantText(a, "The log channel no longer exists", "**Stray** has Snug's mark")
	if h.settingsNow().LogChannelID == 0 {
		t.Fatal("it was mended before anybody agreed")
	}
	b := h.press("mara", a.Message.ID, "Fix it")
	h.wantText(b, "Fixed 1", "**Stray** has Snug's mark")
	if h.settingsNow().LogChannelID != 0 {
		t.Error("the lost log channel is still set")
	}
	if _, there := h.channels()[stray]; !there {
		t.Fatal("a channel that an admin may have made was deleted without a word")
	}
	menu := h.menu(b.Message)
	h.wantText(h.press("mara", b.Message.ID, menu.CustomID, menu.Options[0].Value), "Fixed 1",
		"agree on everything")
	if _, there := h.channels()[stray]; there {
		t.Error("it was not deleted")
	}
}

// TestNoteChange: what managers do on the web alone is noted for who manages the server now, and only that.
func TestNoteChange(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	note := func(name string, kind audit.Kind) error {
		_, err := call(h, hub.NoteChange, guild.ChangeRecord{Actor: h.actor(name), Kind: kind, Detail: "ops"})
		return err
	}
	h.Must(note("mara", audit.TokenCreated))
	h.wantCode(note("jonas", audit.TokenCreated), errs.Forbidden)
	h.wantCode(note("mara", audit.RoomOpened), errs.Internal) // such an entry is for Snug alone to make
	if got := h.audited(0); len(got) != 1 || !strings.HasPrefix(got[0], "token_made") {
		t.Errorf("the audit log has %q", got)
	}
}
