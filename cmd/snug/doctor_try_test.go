package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The doctor tries a server when told to, asks before, shows the record before it writes it, and replays it.
func TestDoctorTries(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	file := filepath.Join(t.TempDir(), "record.json")
	run := func(answer string, change func(*doctorCmd)) (string, error) {
		c := doctorCmd{Serve: h.world.serve(h.config())}
		c.Data, c.Try, c.In = t.TempDir(), h.world.guild.String(), strings.NewReader(answer)
		change(&c)
		var out bytes.Buffer
		err := c.Run(world{ctx: context.Background(), out: &out, err: &out})
		return out.String(), err
	}
	asked := func() int {
		list := 0
		for _, c := range h.world.discord.State().Guilds {
			list += len(c.Channels)
		}
		return list
	}
	before := asked()
	for answer, want := range map[string]string{"no\n": "Nothing was done", "\n": "Nothing was done", "": "Type yes"} {
		out, err := run(answer, func(*doctorCmd) {})
		if !strings.Contains(out, want) || strings.Contains(out, "fits") || (err != nil) != (answer == "") {
			t.Errorf("answered %q: %v\n%s", answer, err, out)
		}
	}
	for flag, change := range map[string]func(*doctorCmd){
		"--try": func(c *doctorCmd) { c.Try = "my server" }, "--operator": func(c *doctorCmd) { c.Operator = "me" },
		"--member":    func(c *doctorCmd) { c.Member = "0" },
		"--member-is": func(c *doctorCmd) { c.MemberIs = "pending" },
	} {
		if _, err := run("yes\n", change); err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: %v", flag, err)
		}
	}
	femi := h.user("femi").ID
	h.must(h.world.discord.TimeOut(h.world.guild, femi, time.Now().Add(time.Hour)))
	out, err := run("",
		func(c *doctorCmd) { c.Yes, c.Record, c.Member, c.MemberIs = true, file, femi.String(), "timed-out" })
	if !strings.Contains(out, "✓ rooms with overwrites: fits") ||
		!strings.Contains(out, "✓ test member: fits\n    According to Discord they are timed out") ||
		!strings.Contains(out, "This is the whole record") {
		t.Fatalf("%v\n%s", err, out)
	}
	if after := asked(); after != before {
		t.Errorf("%d channels before, %d after", before, after)
	}
	st, err := os.Stat(file)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the record: %v, %v", st, err)
	}
	if _, err := run("", func(c *doctorCmd) { c.Yes, c.Record = true, file }); err == nil ||
		!strings.Contains(err.Error(), "doesn't exist yet") {
		t.Errorf("an old record is overwritten: %v", err)
	}
	again, err := run("", func(c *doctorCmd) { c.Try, c.Replay = "", file })
	if (err != nil) != strings.Contains(again, "✗") || !strings.Contains(again, "✓ rooms with overwrites: fits") {
		t.Errorf("replayed: %v\n%s", err, again)
	}
}

// The owner's missing second factor is found before anything fails by it.
func TestDoctorTwoFactor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		level, status int
		code          string
		found, wrong  string
	}{
		"no server asks":   {0, 204, "", "no server requires it", ""},
		"the owner has it": {1, 204, "", "has it", ""},
		"the owner has not": {
			1, 403, `{"message":"Two factor is required","code":60003}`, "",
			"Den. The application's owner (for a team, the team's owner) turns it on in Discord → User Settings",
		},
		"another refusal": {1, 400, `{"message":"Invalid Form Body","code":50035}`, "has it", ""},
	} {
		t.Run(name, func(t *testing.T) {
			mux := http.NewServeMux()
			mux.HandleFunc("GET /api/v10/users/@me/guilds", func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprint(w, `[{"id":"1","name":"Den","permissions":"0"}]`)
			})
			mux.HandleFunc("GET /api/v10/guilds/1",
				func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"mfa_level":%d}`, c.level) })
			mux.HandleFunc("PATCH /api/v10/guilds/1/channels", func(w http.ResponseWriter, r *http.Request) {
				if b, err := io.ReadAll(r.Body); err != nil || string(b) != "[]" {
					t.Errorf("it would change something: %s, %v", b, err)
				}
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.code)
			})
			srv := httptest.NewServer(mux)
			defer srv.Close()
			d := &doctor{http: srv.Client()}
			d.c.DiscordURL = srv.URL
			found, err := d.twoFactor(t.Context())
			if (err != nil) != (c.wrong != "") || !strings.Contains(found, c.found) ||
				err != nil && !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%q, %v", found, err)
			}
		})
	}
}
