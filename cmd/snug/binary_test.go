package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"snug/shared/config"
	"snug/shared/config/configtest"
	"snug/shared/hub/hubtest"
	"snug/shared/testkit"
)

// binary is the program as users have it: built once, without the race detector
// and without asking git, which refuses a clone that belongs to somebody else.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "snug-binary-")
	if err != nil {
		return "", err
	}
	built = dir
	path := filepath.Join(dir, "snug")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-tags", "nomsgpack", "-ldflags", "-s -w", "-o", path,
		".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// built is the folder it is in, "" if no test needed it.
var built string

func TestMain(m *testing.M) {
	hubtest.Main()
	if err := configtest.Forget(&cli{}, kong.Vars{"version": ""}, config.Help(), help()); err != nil {
		panic(err)
	}
	status := m.Run()
	if built != "" && os.Getenv("SNUG_KEEP_BINARY") == "" {
		_ = os.RemoveAll(built)
	}
	os.Exit(status)
}

// process is the program running on its own.
type process struct {
	testing.TB
	cmd    *exec.Cmd
	out    *bufio.Reader
	log    *journal
	exited chan error
}

// journal collects what a process writes to standard error, and tells when a line has come.
type journal struct {
	testkit.Log
	more chan struct{}
}

func (j *journal) Write(b []byte) (int, error) {
	defer func() {
		select {
		case j.more <- struct{}{}:
		default:
		}
	}()
	return j.Log.Write(b)
}

// execute starts the program.
func execute(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{
		TB: t, cmd: exec.Command(path, args...), log: &journal{more: make(chan struct{}, 1)},
		exited: make(chan error, 1),
	}
	p.cmd.Env = append(append(os.Environ(), "SNUG_OPS_ADDR=127.0.0.1:0"), env...)
	p.cmd.Stderr = p.log
	out, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdout, p.out = w, bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	go func() { p.exited <- p.cmd.Wait() }()
	t.Cleanup(func() { p.stop(syscall.SIGKILL); out.Close() })
	return p
}

// stop sends a signal and gives how the process ended.
func (p *process) stop(s os.Signal) error {
	p.Helper()
	_ = p.cmd.Process.Signal(s)
	select {
	case err := <-p.exited:
		p.exited <- err
		return err
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		p.Fatalf("it did not stop after %v\n%s", s, p.log)
		return nil
	}
}

// says waits until the log has a text.
func (p *process) says(text string) {
	p.Helper()
	late := time.After(patience)
	for !strings.Contains(p.log.String(), text) {
		select {
		case <-p.log.more:
		case err := <-p.exited:
			p.exited <- err
			if !strings.Contains(p.log.String(), text) {
				p.Fatalf("it ended (%v) without saying %q:\n%s", err, text, p.log)
			}
		case <-late:
			p.Fatalf("it did not say %q:\n%s", text, p.log)
		}
	}
}

// told is the demo's line of JSON.
type told struct {
	DashboardURL  string `json:"dashboard_url"`
	DiscordURL    string `json:"discord_url"`
	BotToken      string `json:"bot_token"`
	ApplicationID string `json:"application_id"`
	ClientSecret  string `json:"client_secret"`
	GuildID       string `json:"guild_id"`
	Users         []struct{ ID, Username, Token string }
}

// demo starts the demo and reads its line.
func demo(t testing.TB, args ...string) (*process, told) {
	t.Helper()
	p := execute(t, nil,
		append([]string{"demo", "--json", "--addr", "127.0.0.1:0", "--discord-addr", "127.0.0.1:0"}, args...)...)
	line, err := p.out.ReadString('\n')
	if err != nil {
		t.Fatalf("no line of JSON: %v\n%s", err, p.log)
	}
	var d told
	if err := json.Unmarshal([]byte(line), &d); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return p, d
}

// control asks the simulator's control interface.
func (d told) control(t testing.TB, path string, body any) (int, map[string]any) {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, d.DiscordURL+"/_sim"+path,
		bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := testkit.HTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &out); err != nil {
			t.Fatalf("%s: %s", path, text)
		}
	}
	return res.StatusCode, out
}

func TestDemoForScripts(t *testing.T) {
	if _, err := binary(); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	p, d := demo(t)
	took := time.Since(begun)
	t.Logf("ready after %v", took)
	if took > 3*time.Second { // it takes a fraction of a second; a busy machine may take longer
		t.Errorf("it took %v to be ready", took)
	}
	if len(d.Users) < 6 || d.BotToken == "" || d.ApplicationID == "" || d.ClientSecret == "" || d.GuildID == "" {
		t.Errorf("its line lacks something: %+v", d)
	}
	status, out := d.control(t, "/users/"+d.Users[0].ID+"/commands",
		map[string]any{"guild_id": d.GuildID, "name": "create-room", "options": map[string]any{"name": "Friday"}})
	if answer, _ := json.Marshal(out); status != http.StatusOK ||
		!strings.Contains(string(answer), d.DashboardURL+"/game/") {
		t.Errorf("the command answered %d %s", status, answer)
	}
	if rss := residentMB(t, p.cmd.Process.Pid); rss > 100 { // about 80, half of it the program itself
		t.Errorf("it uses %d MB", rss)
	} else if rss > 0 {
		t.Logf("%d MB resident", rss)
	}
	if err := p.stop(os.Interrupt); err != nil {
		t.Errorf("Ctrl-C: %v\n%s", err, p.log)
	}
	if strings.Contains(p.log.String(), "level=ERROR") || strings.Contains(p.log.String(), "panic") {
		t.Errorf("its log:\n%s", p.log)
	}
}

// residentMB gives a process's memory in use, 0 where the system does not tell.
func residentMB(t testing.TB, pid int) (mb int) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			if _, err := fmt.Sscanf(rest, "%d", &mb); err != nil {
				t.Fatal(err)
			}
		}
	}
	return mb / 1024
}

func TestServeTellsAllThatIsWrong(t *testing.T) {
	t.Parallel()
	p := execute(t, []string{"DISCORD_BOT_TOKEN=", "DISCORD_CLIENT_SECRET=", "SNUG_BASE_URL=http://snug.example.org"},
		"serve", "--data", t.TempDir())
	if err := <-p.exited; err == nil {
		t.Error("it did not fail")
	} else {
		p.exited <- err
	}
	for _, want := range []string{
		"no token, no Application ID and no client secret", "snug init", "SNUG_BASE_URL", "https://",
	} {
		if !strings.Contains(p.log.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, p.log)
		}
	}
}

func TestDemoListensOnThisMachineOnly(t *testing.T) {
	t.Parallel()
	p := execute(t, nil, "demo", "--addr", "0.0.0.0:0")
	if err := <-p.exited; err == nil || !strings.Contains(p.log.String(), "only on this machine") {
		t.Errorf("it said: %s", p.log)
	} else {
		p.exited <- err
	}
}

// TestDemoKeepsItsRooms stops the demo, and kills it: with --data its rooms are there again, with their channels, the
// buttons in their chats and the links that were given out.
func TestDemoKeepsItsRooms(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "demo")
	p, d := demo(t, "--data", dir)
	status, out := d.control(t, "/users/"+d.Users[0].ID+"/commands",
		map[string]any{"guild_id": d.GuildID, "name": "create-room", "options": map[string]any{"name": "Friday"}})
	answer, _ := json.Marshal(out)
	_, id, found := strings.Cut(string(answer), d.DashboardURL+"/game/")
	if status != http.StatusOK || !found || len(id) < 17 {
		t.Fatalf("the command answered %d %s", status, answer)
	}
	id = id[:strings.IndexFunc(id, func(r rune) bool { return r < '0' || r > '9' })]
	link := ""
	if _, after, ok := strings.Cut(string(answer), d.DashboardURL+"/i/"); ok {
		link = after[:strings.IndexAny(after, "\"\\)> ")]
	}
	panel := func() (message, button string) {
		var state struct {
			Messages map[string][]struct {
				ID         string
				Components json.RawMessage
			}
		}
		res, err := testkit.HTTP.Get(d.DiscordURL + "/_sim/state?user=" + d.Users[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if err := json.NewDecoder(res.Body).Decode(&state); err != nil {
			t.Fatal(err)
		}
		for _, m := range state.Messages[id] {
			if _, after, ok := strings.Cut(string(m.Components), `"custom_id":"`); ok {
				button, _, _ = strings.Cut(after, `"`)
				return m.ID, button
			}
		}
		return "", ""
	}
	testkit.Eventually(t, "the world is kept, for nobody else to read", func() bool {
		info, err := os.Stat(filepath.Join(dir, "simulated-discord.json"))
		return err == nil && info.Mode().Perm() == 0o600
	})
	testkit.Eventually(t, "the room's panel is posted", func() bool { m, _ := panel(); return m != "" })
	posted, _ := panel()
	var before told
	for _, how := range []os.Signal{os.Interrupt, os.Kill, os.Interrupt} {
		if how == os.Kill {
			testkit.Eventually(t, "the world is kept", func() bool {
				b, err := os.ReadFile(filepath.Join(dir, "simulated-discord.json"))
				return err == nil && strings.Contains(string(b), id) && strings.Contains(string(b), posted)
			})
		}
		_ = p.stop(how)
		before = d
		p, d = demo(t, "--data", dir)
		if d.GuildID != before.GuildID || d.BotToken != before.BotToken || d.Users[0] != before.Users[0] {
			t.Fatalf("another world: %+v, was %+v", d, before)
		}
		testkit.Eventually(t, "the room is there again", func() bool {
			status, out := d.control(t, "/users/"+d.Users[0].ID+"/commands",
				map[string]any{"guild_id": d.GuildID, "name": "rooms"})
			list, _ := json.Marshal(out)
			return status == http.StatusOK && strings.Contains(string(list), "Friday") &&
				strings.Contains(string(list), id)
		})
		message, button := panel()
		if message != posted {
			t.Errorf("after %v the room's panel is %s, it was %s", how, message, posted)
		}
		if status, out := d.control(t, "/users/"+d.Users[0].ID+"/components",
			map[string]any{"message_id": message, "custom_id": button}); status != http.StatusOK {
			t.Errorf("after %v the panel's button %q answers %d %v", how, button, status, out)
		}
		if link == "" {
			continue
		}
		res, err := testkit.HTTP.Get(d.DashboardURL + "/i/" + link)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(text), "Friday") {
			t.Errorf("after %v the room's link %q answers %s, %v", how, link, res.Status, err)
		}
	}
	if link == "" {
		t.Errorf("the command's answer has no link: %s", answer)
	}
}
