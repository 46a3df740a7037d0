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

// start runs the program as a script does. stop ends it, and returns what it printed as an error.
func start(t *testing.T, args ...string) (s said, stop func() string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	r, w := io.Pipe()
	ended := make(chan int, 1)
	var errs strings.Builder
	go func() {
		defer w.Close()
		ended <- run(ctx, append([]string{"--addr", "127.0.0.1:0", "--json"}, args...), w, &errs)
	}()
	stop = func() string {
		t.Helper()
		cancel()
		if status := <-ended; status != 0 {
			t.Errorf("it ends with %d: %s", status, errs.String())
		}
		http.DefaultClient.CloseIdleConnections()
		return errs.String()
	}
	line, err := bufio.NewReader(r).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &s)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, stop())
	}
	return s, stop
}

// guild asks, as the bot, for the first guild, and returns the status.
func (s said) guild(t *testing.T) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.API+"/guilds/"+s.Guilds[0].ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bot "+botToken)
	res, err := http.DefaultClient.Do(req)
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
	res, err := http.Get(first.URL + "/_sim/snapshot")
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
	var line struct {
		Method, Route string
		Status        int
	}
	if err := json.Unmarshal(raw, &line); err != nil || line.Route != "/guilds/{guild}" || line.Status != 200 {
		t.Errorf("%s, %v", raw, err)
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
