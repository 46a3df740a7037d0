package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"snug/shared/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const botToken = "MTIzNDU2Nzg5MDEyMzQ1Njc4.x.y"

// said is what the program prints for scripts.
type said struct {
	URL          string            `json:"url"`
	API          string            `json:"api_url"`
	Gateway      string            `json:"gateway_url"`
	Applications []json.RawMessage `json:"applications"`
	Guilds       []struct{ ID string }
	Users        []map[string]any
}

// running is the program while it runs.
type running struct {
	t      *testing.T
	out    *bufio.Reader
	errs   strings.Builder
	cancel func()
	status chan int
}

// launch runs the program as a script does.
func launch(t *testing.T, args ...string) (s said, p *running) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	r, w := io.Pipe()
	p = &running{t: t, out: bufio.NewReader(r), cancel: cancel, status: make(chan int, 1)}
	go func() {
		defer w.Close()
		p.status <- run(ctx, append([]string{"--addr", "127.0.0.1:0", "--json"}, args...), w, &p.errs)
	}()
	line, err := p.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &s)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, p.stop())
	}
	return s, p
}

// stop ends the program, and returns what it printed as an error.
func (p *running) stop() string {
	p.t.Helper()
	p.cancel()
	if status := <-p.status; status != 0 {
		p.t.Errorf("it ends with %d: %s", status, p.errs.String())
	}
	return p.errs.String()
}

// wait waits until the program ends by itself, and returns its status and what else it printed.
func (p *running) wait() (status int, out string) {
	p.t.Helper()
	defer p.cancel()
	rest, err := io.ReadAll(p.out)
	if err != nil {
		p.t.Error(err)
	}
	status = <-p.status
	return status, string(rest) + p.errs.String()
}

// start runs the program until stop.
func start(t *testing.T, args ...string) (s said, stop func() string) {
	t.Helper()
	s, p := launch(t, args...)
	return s, p.stop
}

// guild asks, as the bot, for the first guild, and returns the status.
func (s said) guild(t *testing.T) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.API+"/guilds/"+s.Guilds[0].ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bot "+botToken)
	res, err := testkit.HTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

func TestWorlds(t *testing.T) {
	file := filepath.Join(t.TempDir(), "world.yaml")
	err := os.WriteFile(file, []byte("people: [{username: alice}]\nguilds: [{name: Friends, owner: alice}]\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name         string
		args         []string
		people, apps int
	}{
		{"the friends", nil, 9, 2},
		{"a world file", []string{"--world", file}, 1, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, stop := start(t, append(tc.args, "--bot", botToken+"@VIEW_CHANNEL,CONNECT")...)
			defer stop()
			if len(s.Users) != tc.people || len(s.Applications) != tc.apps || len(s.Guilds) != 1 {
				t.Errorf("it has %+v", s)
			}
			if status := s.guild(t); status != http.StatusOK {
				t.Errorf("the bot gets %d", status)
			}
		})
	}
}

// TestSaved: a snapshot of a running simulator is a world file, with the same people and tokens.
func TestSaved(t *testing.T) {
	file := filepath.Join(t.TempDir(), "world.json")
	first, stop := start(t, "--bot", botToken)
	res, err := testkit.HTTP.Get(first.URL + "/_sim/snapshot")
	if err != nil {
		t.Fatal(err)
	}
	saved, err := io.ReadAll(res.Body)
	if err == nil {
		err = errors.Join(res.Body.Close(), os.WriteFile(file, saved, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	stop()
	again, stop := start(t, "--world", file)
	defer stop()
	if !reflect.DeepEqual(first.Users, again.Users) || len(again.Applications) != 2 {
		t.Errorf("first\n%+v, then\n%+v", first, again)
	}
	if status := again.guild(t); status != http.StatusOK {
		t.Errorf("the bot gets %d", status)
	}
}

// TestSameAgain: with a seed and a time, ids and tokens are those of the last start.
func TestSameAgain(t *testing.T) {
	var all [2]said
	for i := range all {
		s, stop := start(t, "--seed", "7", "--at", "2026-01-02T03:04:05Z")
		stop()
		s.URL, s.API, s.Gateway = "", "", ""
		all[i] = s
	}
	if !reflect.DeepEqual(all[0], all[1]) {
		t.Errorf("first\n%+v, then\n%+v", all[0], all[1])
	}
}

// TestRecord: a request is in the trace and in the record.
func TestRecord(t *testing.T) {
	file := filepath.Join(t.TempDir(), "record.jsonl")
	s, stop := start(t, "--bot", botToken, "--trace", "--record", file)
	s.guild(t)
	want := "GET    /guilds/" + s.Guilds[0].ID + ": 200 in "
	if traced := stop(); !strings.Contains(traced, want) {
		t.Errorf("the trace is %s, without %s", traced, want)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	world, rest, _ := strings.Cut(string(raw), "\n")
	if !strings.Contains(world, `"name":"alice"`) || !strings.Contains(rest, `"route":"/guilds/{guild}"`) ||
		strings.Contains(string(raw), botToken) {
		t.Errorf("%s", raw)
	}
}

// post sends a request and returns the response, decoded.
func (s said) post(t *testing.T, method, url, authorization, body string) (out map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", authorization)
	req.Header.Set("Content-Type", "application/json")
	res, err := testkit.HTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %d, %v", method, url, res.StatusCode, err)
	}
	return out
}

// greet waits until somebody says hello, and greets them back, as the bot.
func (s said) greet(t *testing.T, greeting string) {
	t.Helper()
	s.guild(t)
	heard := s.post(t, http.MethodPost, s.URL+"/_sim/wait", "", `{"message":{"contains":"hello"},"timeout":60}`)
	s.post(t, http.MethodPost, s.API+"/channels/"+heard["channel_id"].(string)+"/messages", "Bot "+botToken,
		`{"content":"`+greeting+`"}`)
}

// TestReplay: what a person did happens again, and what the bot does otherwise ends the program with 1.
func TestReplay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "record.jsonl")
	s, stop := start(t, "--bot", botToken, "--record", file)
	state := s.post(t, http.MethodPost, s.URL+"/_sim/guilds/"+s.Guilds[0].ID+"/channels", "",
		`{"name":"hall","type":0}`)
	s.post(t, http.MethodPost, s.URL+"/_sim/users/"+s.Users[0]["id"].(string)+"/messages", "",
		`{"channel_id":"`+state["id"].(string)+`","content":"hello"}`)
	s.greet(t, "welcome")
	stop()
	for _, tc := range []struct {
		name, greeting string
		status         int
		says           string
	}{
		{"the same bot", "welcome", 0, `"did":1,`},
		{"another bot", "go away", 1, `"kind":"changed"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, p := launch(t, "--bot", botToken, "--replay", file, "--replay-fast", "--replay-wait", "1m")
			s.greet(t, tc.greeting)
			if status, out := p.wait(); status != tc.status || !strings.Contains(out, tc.says) {
				t.Errorf("it ends with %d: %s", status, out)
			}
		})
	}
}

// TestHealth: what a container asks about itself.
func TestHealth(t *testing.T) {
	for _, tc := range []struct {
		name string
		args []string
	}{{"over http", nil}, {"over https", []string{"--tls"}}} {
		t.Run(tc.name, func(t *testing.T) {
			s, stop := start(t, tc.args...)
			_, at, _ := strings.Cut(s.URL, "://")
			var out, errs strings.Builder
			if status := run(t.Context(), []string{"--addr", at, "--health"}, &out, &errs); status != 0 {
				t.Errorf("it ends with %d: %s", status, errs.String())
			}
			stop()
		})
	}
}

func TestRefusals(t *testing.T) {
	for _, tc := range []struct {
		name   string
		args   []string
		status int
		says   string
	}{
		{"a flag that doesn't exist", []string{"--port", "1"}, 2, "Try: discordsim --help"},
		{"an address for everybody", []string{"--addr", "0.0.0.0:0"}, 1, "without a control token"},
		{"a short control token", []string{"--addr", "127.0.0.1:0", "--control-token", "x"}, 1, "at least 16"},
		{"a permission there isn't", []string{"--bot", "x@FLY"}, 1, `"FLY"`},
		{"a bot twice", []string{"--bot", "x", "--bot", "x"}, 1, "the same token"},
		{"a file that isn't there", []string{"--world", "nowhere.yaml"}, 1, "nowhere.yaml: no such file"},
		{"a record that isn't there", []string{"--replay", "nowhere.jsonl"}, 1, "nowhere.jsonl: no such file"},
		{"pauses of nothing", []string{"--replay-fast"}, 1, "add --replay"},
		{"the health of nobody", []string{"--addr", "127.0.0.1:1", "--health"}, 1, "no simulator answers"},
		{"a certificate without TLS", []string{"--certificate", "x.pem"}, 1, "add --tls"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out, errs strings.Builder
			if status := run(t.Context(), tc.args, &out, &errs); status != tc.status ||
				!strings.Contains(errs.String(), tc.says) {
				t.Errorf("it ends with %d: %s", status, errs.String())
			}
		})
	}
}
