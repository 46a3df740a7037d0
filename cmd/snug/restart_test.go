package main

import (
	"net/http"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"snug/shared/discordsim"
	"snug/shared/discordsim/openapi/openapitest"
	"snug/shared/testkit/browsertest"
)

// TestRestarts runs `snug serve` on its own against a Discord that goes on
// while it is away: gently stopped, and killed. Everything durable is there
// afterwards, everybody is shown where they are, and the page that was open recovers by itself.
func TestRestarts(t *testing.T) {
	t.Parallel()
	limits := discordsim.DiscordLimits()
	limits.IdentifyWindow = 0 // three starts within a second
	world, err := simulate("127.0.0.1:0", discordsim.Options{Seed: 3, Limits: &limits, Wrap: openapitest.Wrap(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = world.discord.Close(t.Context()) })
	serve := serving(t, world)
	snug, h := serve()

	alice, bruno := h.signIn("alice"), h.signIn("bruno")
	id := alice.open("Friday")
	status, made := alice.api(http.MethodPost, "/rooms/"+id+"/invites", map[string]any{})
	if status != http.StatusCreated {
		t.Fatalf("no invite: %d %v", status, made)
	}
	invite, err := url.Parse(made["url"].(string))
	h.must(err)
	if status, out := bruno.api(http.MethodPost, "/invites/redeem",
		map[string]any{"code": path.Base(invite.Path)}); status != http.StatusOK {
		t.Fatalf("no guest: %d %v", status, out)
	}
	status, out := alice.api(http.MethodPatch, "/guilds/"+world.guild.String()+"/settings",
		map[string]any{"settings": map[string]any{"seats": 7}})
	if status != http.StatusOK {
		t.Fatalf("settings: %d %v", status, out)
	}
	h.must(h.join("alice", id))

	page := &browserUser{h, "alice", browsertest.Start(t)}
	page.do("sign in", chromedp.Navigate(h.url+"/game/"+id))
	page.do("consent", browsertest.Click(`input[name=user_id][value="`+h.user("alice").ID.String()+`"]`),
		browsertest.Click(`button[value=authorize]`))
	page.live()
	page.seated("alice")

	for _, how := range []os.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		err := snug.stop(how)
		if how == syscall.SIGTERM && err != nil {
			t.Errorf("it ended with %v:\n%s", err, snug.log)
		}
		if how == syscall.SIGTERM { // people move about while it is down
			h.must(h.join("bruno", id))
		} else {
			h.leave("alice")
		}
		snug, _ = serve()
		if how == syscall.SIGTERM {
			page.seated("alice", "bruno")
		} else {
			page.seated("bruno")
		}
		page.live()
		if status, out := alice.api(http.MethodGet, "/guilds/"+world.guild.String()+"/settings",
			nil); status != http.StatusOK ||
			!strings.Contains(strings.Join(keys(out), " "), "settings") {
			t.Errorf("after %v, the settings: %d %v", how, status, out)
		}
		if status, text := bruno.page("/game/" + id); status != http.StatusOK || !strings.Contains(text, "Friday") {
			t.Errorf("after %v, the guest's page: %d", how, status)
		}
		if status, text := h.signIn("chiyo").page(strings.TrimPrefix(made["url"].(string),
			h.url)); status != http.StatusOK ||
			!strings.Contains(text, "Friday") {
			t.Errorf("after %v, the invite: %d", how, status)
		}
	}
	for _, secret := range []string{world.app.BotToken, world.app.ClientSecret, path.Base(invite.Path)} {
		if strings.Contains(snug.log.String(), secret) {
			t.Error("a secret is in the log")
		}
	}
}

// serving gives what starts `snug serve` for a world, again and again at the
// same address and with the same data, and waits until it is ready.
// With env it is told more.
func serving(t testing.TB, world demoWorld, env ...string) func() (*process, *harness) {
	t.Helper()
	l, err := listen("127.0.0.1:0", "--addr")
	if err != nil {
		t.Fatal(err)
	}
	addr, data := l.Addr().String(), t.TempDir()
	l.Close() // the program listens there from now on
	h := &harness{TB: t, world: world, url: "http://" + addr}
	return func() (*process, *harness) {
		p := execute(t, append([]string{
			"DISCORD_BOT_TOKEN=" + world.app.BotToken, "DISCORD_CLIENT_ID=" + world.app.ID.String(),
			"DISCORD_CLIENT_SECRET=" + world.app.ClientSecret,
			"SNUG_DISCORD_URL=" + world.url, "SNUG_BASE_URL=" + h.url, "SNUG_ADDR=" + addr, "SNUG_DATA=" + data,
		}, env...), "serve")
		h.ready()
		return p, h
	}
}

// What only a person can mend ends the program, and its last words name the remedy.
func TestFatalCloseCodesEndTheProgram(t *testing.T) {
	t.Parallel()
	for code, remedy := range map[int]string{
		4004: "Reset Token", 4010: "same shard count", 4011: "Raise the shard count", 4012: "Update Snug",
		4013: "Update Snug", 4014: "Privileged Gateway Intents",
	} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			t.Parallel()
			world, err := simulate("127.0.0.1:0", discordsim.Options{Seed: 3})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = world.discord.Close(t.Context()) })
			snug, h := serving(t, world)()
			_, err = world.discord.Inject(discordsim.Fault{Kind: discordsim.FaultClose, Code: code})
			h.must(err)
			select {
			case err := <-snug.exited:
				snug.exited <- err
				if err == nil {
					t.Error("it ended as if all were well")
				}
			case <-time.After(patience):
				t.Fatalf("it goes on:\n%s", snug.log)
			}
			if lines := strings.Split(strings.TrimSpace(snug.log.String()),
				"\n"); !strings.Contains(lines[len(lines)-1], remedy) {
				t.Errorf("its last words do not say %q:\n%s", remedy, snug.log)
			}
		})
	}
}

func keys(m map[string]any) (out []string) {
	for k := range m {
		out = append(out, k)
	}
	return out
}

// TestStuck ends a process that can't stop, and shows what it waits for.
func TestStuck(t *testing.T) {
	var out strings.Builder
	status := 0
	stuck(&out, func(code int) { status = code })
	if status != 1 || !strings.Contains(out.String(), "can't stop") || !strings.Contains(out.String(), "TestStuck") {
		t.Errorf("it ends with %d: %.300s", status, out.String())
	}
}
