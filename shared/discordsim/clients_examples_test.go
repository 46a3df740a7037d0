package discordsim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"snug/shared/discordsim"
	"snug/shared/testkit"
)

// example is one of the bots that a library has for people to learn from, unchanged.
type example struct {
	of   *collection
	name string
	args []string // besides the token
}

// collection is a library's examples. Its address of Discord is a variable, which the linker sets.
type collection struct {
	name    string
	folder  string // with the module that knows the library
	path    string
	address string
	suffix  string // after the simulator's address
	token   string // the flag of the token; "": it is in the environment
}

var (
	discordgoExamples = &collection{name: "discordgo", folder: ".", path: "github.com/bwmarrin/discordgo/examples",
		address: "github.com/bwmarrin/discordgo.EndpointDiscord", suffix: "/", token: "-token"}
	arikawaExamples = &collection{name: "arikawa", folder: "clients/arikawa",
		path:    "github.com/diamondburned/arikawa/v3/0-examples",
		address: "github.com/diamondburned/arikawa/v3/api.BaseEndpoint"}
	disgoExamples = &collection{name: "disgo", folder: ".", path: "github.com/disgoorg/disgo/_examples",
		address: "github.com/disgoorg/disgo/rest.API", suffix: "/api/"}
)

// TestExamples runs examples of discordgo, arikawa and disgo: each connects, and answers those of its commands that
// need no options. They take a while to build, so they run when SNUG_CLIENTS is set.
func TestExamples(t *testing.T) {
	if os.Getenv("SNUG_CLIENTS") == "" {
		t.Skip("run make clients")
	}
	for _, e := range []example{
		{of: discordgoExamples, name: "autocomplete"},
		{of: discordgoExamples, name: "components", args: []string{"-app", "{app}", "-guild", "{guild}"}},
		{of: discordgoExamples, name: "modals", args: []string{"-app", "{app}", "-guild", "{guild}"}},
		{of: discordgoExamples, name: "slash_commands", args: []string{"-guild", "{guild}"}},
		{of: arikawaExamples, name: "commands"},
		{of: arikawaExamples, name: "commands-minimal"},
		{of: disgoExamples, name: "application_commands/gateway"},
		{of: disgoExamples, name: "application_commands/localization"},
		{of: disgoExamples, name: "componentsv2"},
		{of: disgoExamples, name: "handler"},
	} {
		t.Run(e.of.name+"/"+e.name, func(t *testing.T) { e.run(t) })
	}
}

func (e example) run(t *testing.T) {
	w := start(t, func(o *discordsim.Options) { l := discordsim.NoRateLimits(); o.Limits = &l })
	testkit.NoError(t, w.InstallBot(w.Guild.ID, w.Application.ID, discordsim.PermAdministrator))
	program := filepath.Join(t.TempDir(), "example")
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-X "+e.of.address+"="+w.base+e.of.suffix,
		"-o", program, e.of.path+"/"+e.name)
	build.Dir = e.of.folder
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var args []string
	if e.of.token != "" {
		args = append(args, e.of.token, w.Application.BotToken)
	}
	fill := strings.NewReplacer("{app}", w.Application.ID.String(), "{guild}", w.Guild.ID.String())
	for _, a := range e.args {
		args = append(args, fill.Replace(a))
	}
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	bot := exec.CommandContext(ctx, program, args...)
	bot.Env = append(os.Environ(), "BOT_TOKEN="+w.Application.BotToken,
		"disgo_token="+w.Application.BotToken, "disgo_guild_id="+w.Guild.ID.String())
	var out bytes.Buffer
	bot.Stdout, bot.Stderr = &out, &out
	testkit.NoError(t, bot.Start())
	ended := make(chan error, 1)
	go func() { ended <- bot.Wait() }()
	w.tryExample(ctx)
	select {
	case err := <-ended:
		t.Errorf("it ended by itself: %v", err)
	default:
		cancel()
		<-ended
	}
	if t.Failed() {
		t.Log(out.String())
	}
}

// tryExample waits for a bot and uses what it has.
func (w *world) tryExample(ctx context.Context) {
	w.t.Helper()
	testkit.Eventually(w.t, "the bot connects", func() bool {
		s := w.State().Applications[0].Sessions
		return len(s) > 0 && s[0].Connected
	})
	path := "/_sim/users/" + w.Owner.ID.String() + "/commands?guild_id=" + w.Guild.ID.String()
	type command struct {
		Name    string
		Type    int
		Options []struct {
			Type     int
			Required bool
		}
	}
	var list struct{ Commands []command }
	testkit.Eventually(w.t, "the bot has commands", func() bool {
		testkit.NoError(w.t, json.Unmarshal(w.request("GET", path, "", nil).must(w.t, 200).raw, &list))
		return len(list.Commands) > 0
	})
	for _, c := range list.Commands {
		if c.Type != 1 || len(c.Options) > 0 && (c.Options[0].Required || c.Options[0].Type < 3) {
			continue
		}
		if _, err := w.RunCommand(ctx, w.Owner.ID, discordsim.CommandRun{Guild: w.Guild.ID, Name: c.Name}); err != nil {
			w.t.Errorf("/%s: %v", c.Name, err)
		} else {
			w.t.Logf("/%s is answered", c.Name)
		}
	}
}
