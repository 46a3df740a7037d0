package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/config"
	"snug/shared/discordsim"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/testkit"
)

// doctorHarness is a server with a category and a lobby for rooms, and a data folder that knows of them.
type doctorHarness struct {
	testing.TB
	world                demoWorld
	category, lobby, log snowflake.ID
	dir                  string
}

func newDoctorHarness(t *testing.T) *doctorHarness {
	t.Helper()
	limits := discordsim.NoRateLimits()
	w, err := simulate("127.0.0.1:0", discordsim.Options{Seed: 7, Limits: &limits})
	d := &doctorHarness{TB: t, world: w, dir: t.TempDir()}
	d.must(err)
	t.Cleanup(func() { d.must(w.discord.Close(context.Background())) })
	add := func(o discordsim.ChannelOptions) snowflake.ID {
		c, err := w.discord.AddChannel(w.guild, o)
		d.must(err)
		return c.ID
	}
	d.category = add(discordsim.ChannelOptions{Name: "Nooks", Type: discordsim.ChannelCategory})
	d.lobby = add(discordsim.ChannelOptions{Name: "Hall", Type: discordsim.ChannelVoice, Parent: d.category})
	d.log = add(discordsim.ChannelOptions{Name: "ledger"})
	return d
}

func (d *doctorHarness) must(err error) {
	d.Helper()
	testkit.NoError(d, err)
}

func (d *doctorHarness) deny(channel snowflake.ID, p discordsim.Permissions) {
	d.Helper()
	d.must(d.world.discord.SetOverwrite(channel, discordsim.Overwrite{ID: d.world.guild, Deny: p}))
}

// save has the data folder hold a server's settings.
func (d *doctorHarness) save(id snowflake.ID, s guild.Settings) {
	d.Helper()
	h, err := hub.Open(d.Context(), hubOptions(config.Serve{Data: d.dir}, slog.New(slog.DiscardHandler)))
	d.must(err)
	_, err = h.Settings.Put(d.Context(), id.String(), guild.Document{Settings: s})
	d.must(err)
	d.must(h.Close(d.Context()))
}

func (d *doctorHarness) settings() guild.Settings {
	return guild.Settings{CategoryID: d.category, LogChannelID: d.log, Lobbies: []guild.Lobby{{ChannelID: d.lobby}}}
}

const places = "categories and lobbies"

// doctor runs snug doctor, and gives its lines on categories and lobbies, with the mark that they begin with.
func (d *doctorHarness) doctor(change func(*doctorCmd)) string {
	d.Helper()
	c := doctorCmd{Serve: d.world.serve(config.Serve{BaseURL: "http://snug.example"})}
	c.Data, c.Addr, c.OpsAddr = d.dir, "127.0.0.1:0", ""
	if change != nil {
		change(&c)
	}
	var out bytes.Buffer
	err := c.Run(world{ctx: d.Context(), out: &out, err: &out})
	if (err != nil) != strings.Contains(out.String(), "✗") {
		d.Errorf("it ends with %v:\n%s", err, out.String())
	}
	var lines []string
	for line := range strings.Lines(out.String()) {
		of := len(lines) > 0 && strings.HasPrefix(line, "    ")
		if _, says, _ := strings.Cut(line, " "); of || strings.HasPrefix(says, places+": ") {
			lines = append(lines, line)
		} else if len(lines) > 0 {
			break
		}
	}
	return strings.Join(lines, "")
}

// TestDoctorPlaces checks that doctor says for each category and lobby what the bot is missing there, and what to do.
func TestDoctorPlaces(t *testing.T) {
	t.Parallel()
	const well = "Snug may do what it needs in 3 places in 1 server"
	const enter = discordsim.PermViewChannel | discordsim.PermConnect
	role := func(d *doctorHarness) discordsim.Overwrite { // what gives the bot back what @everyone is denied
		return discordsim.Overwrite{ID: snowflake.ID(d.world.app.ID), Member: true, Allow: discordsim.SnugPermissions}
	}
	for name, c := range map[string]struct {
		change func(*doctorHarness)
		fails  bool
		says   []string
		not    string
	}{
		"all is well": {func(*doctorHarness) {}, false, []string{well}, "missing"},
		"nothing is set up": {func(d *doctorHarness) {
			d.save(d.world.guild, guild.Settings{})
		}, false, []string{"none yet; type /snug setup"}, ""},
		"a server it is not in": {
			func(d *doctorHarness) { d.save(1, guild.Settings{CategoryID: 2}) }, false, []string{well}, "",
		},
		"a category denies one thing": {func(d *doctorHarness) { d.deny(d.category, discordsim.PermMoveMembers) }, true,
			[]string{
				"the category “Nooks”, Snug is missing Move Members (to move people into its rooms). ",
				"Open Edit Category → Permissions in Discord and allow it for Snug's role\n",
			}, "Connect"},
		"a category denies everybody": {func(d *doctorHarness) { d.deny(d.category, enter) }, true, []string{
			", which Snug can't see, Snug is missing View Channels (to see the rooms in it), Connect (to open rooms",
		}, ""},
		"and lets the bot in": {func(d *doctorHarness) {
			d.deny(d.category, enter)
			d.must(d.world.discord.SetOverwrite(d.category, role(d)))
		}, false, []string{well}, "missing"},
		"a lobby cannot be seen": {func(d *doctorHarness) { d.deny(d.lobby, discordsim.PermViewChannel) }, true,
			[]string{
				", Snug is missing View Channels (to see who comes into a lobby). Open Edit Channel → Permissions",
			}, "category"},
		"what rooms can do without": {func(d *doctorHarness) {
			d.deny(d.category, discordsim.PermStream|discordsim.PermSendMessages)
		}, false, []string{
			well,
			"the category “Nooks”, rooms work without Video (to let guests share video and their screen), Send M",
			"and allow it for Snug's role if you want it\n",
		}, "missing"},
		"the log cannot be written": {func(d *doctorHarness) { d.deny(d.log, discordsim.PermSendMessages) }, false,
			[]string{
				"the log channel “ledger”, rooms work without Send Messages (to write what happens into the log ",
				"Open Edit Channel",
			}, ""},
		"a category is gone": {func(d *doctorHarness) {
			s := d.settings()
			s.CategoryID = 1000
			d.save(d.world.guild, s)
		}, true, []string{
			"the settings name a category that no longer exists. Choose another at http://snug.example/admin/",
		}, "missing"},
		"a lobby is gone": {func(d *doctorHarness) {
			s := d.settings()
			s.Lobbies = append(s.Lobbies, guild.Lobby{ChannelID: 1000})
			d.save(d.world.guild, s)
		}, true, []string{"the settings name a lobby or its category that no longer exists"}, ""},
		"a lobby's own category": {func(d *doctorHarness) {
			own, err := d.world.discord.AddChannel(d.world.guild,
				discordsim.ChannelOptions{Name: "Attic", Type: discordsim.ChannelCategory})
			d.must(err)
			s := d.settings()
			s.Lobbies[0].CategoryID = own.ID
			d.save(d.world.guild, s)
			d.deny(own.ID, discordsim.PermManageChannels)
			d.deny(d.category, discordsim.PermSpeak)
		}, true, []string{
			"the category “Attic”, Snug is missing Manage Channels",
			"the category “Nooks”, Snug is missing Speak",
		}, ""},
		"a server that does not answer": {func(d *doctorHarness) {
			_, err := d.world.discord.Inject(discordsim.Fault{
				Kind: discordsim.FaultAnswer, Route: "GET /guilds/{guild}/channels", Status: 403,
				Body: `{"message":"Missing Access","code":50001}`,
			})
			d.must(err)
		}, true, []string{"can't check "}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDoctorHarness(t)
			d.save(d.world.guild, d.settings())
			c.change(d)
			got := d.doctor(nil)
			t.Logf("\n%s", got)
			if mark := map[bool]string{true: "✗ ", false: "✓ "}[c.fails]; !strings.HasPrefix(got, mark) ||
				c.not != "" && strings.Contains(got, c.not) {
				t.Error(got)
			}
			for _, says := range c.says {
				if !strings.Contains(got, says) {
					t.Errorf("it does not say %q: %s", says, got)
				}
			}
		})
	}
}

// What the doctor cannot look at it says, and why.
func TestDoctorPlacesUnseen(t *testing.T) {
	t.Parallel()
	d := newDoctorHarness(t)
	d.save(d.world.guild, d.settings())
	for why, change := range map[string]func(*doctorCmd){
		"because of the bot token": func(c *doctorCmd) { c.BotToken += "x" },
		"because of the hub":       func(c *doctorCmd) { c.Data = "/proc/nowhere/data" },
	} {
		if got := d.doctor(change); !strings.HasPrefix(got, "– ") || !strings.Contains(got, why) {
			t.Errorf("%s: %s", why, got)
		}
	}
	other, err := d.world.discord.AddGuild("Elsewhere", d.world.users[0].ID)
	d.must(err)
	d.must(d.world.discord.InstallBot(other.ID, d.world.app.ID, discordsim.SnugPermissions))
	d.deny(d.category, discordsim.PermSpeak)
	got := d.doctor(func(c *doctorCmd) { c.GuildID = config.ID{ID: other.ID} })
	if !strings.HasPrefix(got, "✓ "+places+": none yet") {
		t.Errorf("of another server than the one of DISCORD_GUILD_ID: %s", got)
	}
}

// Beside a running Snug, whose data folder nobody else can read, the doctor says who knows.
func TestDoctorPlacesBesideARunningSnug(t *testing.T) {
	t.Parallel()
	d := newDoctorHarness(t)
	h, err := hub.Open(d.Context(), hubOptions(config.Serve{Data: d.dir}, slog.New(slog.DiscardHandler)))
	d.must(err)
	defer func() { d.must(h.Close(context.Background())) }()
	if got := d.doctor(nil); !strings.HasPrefix(got, "✓ ") ||
		!strings.Contains(got, "each server's Health page shows") {
		t.Error(got)
	}
}
