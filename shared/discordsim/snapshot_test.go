package discordsim_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"snug/shared/discordsim"
)

// TestSnapshot: what happens after a snapshot is undone by restoring it, here and in another simulator, and a bot that
// is connected starts a new session with the world as it was.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.register()
	c, r := w.login(nil)
	room := w.makeVoice()
	w.join(w.Users[2], parse(t, room))
	w.bot("POST", "/channels/"+room+"/invites", map[string]any{"max_age": 0}).must(t, 200)
	carol := w.As(w.Users[2].ID)
	m, err := carol.Attach(w.General.ID, "look", "map.txt", []byte("here"))
	w.ok(err)
	w.ok(carol.React(m, "👍"))
	dm, err := carol.DM(w.Application.ID, "psst")
	w.ok(err)
	w.bot("PUT", "/channels/"+dm.ChannelID.String()+"/messages/"+dm.ID.String()+"/reactions/❤️/@me", nil).must(t, 204)
	thread, err := carol.StartThread(m, "Talk")
	w.ok(err)
	before := w.control("GET", "/snapshot", nil).must(t, 200).raw
	for _, kept := range []string{"aGVyZQ==", "psst", "❤️", `"audit_log":[{`, thread.ID.String()} {
		if !strings.Contains(string(before), kept) {
			t.Errorf("the snapshot is without %q", kept)
		}
	}

	w.bot("DELETE", "/channels/"+room, nil).must(t, 200)
	w.bot("PUT", "/applications/"+w.Application.ID.String()+"/commands", []any{}).must(t, 200)
	w.ok(w.RemoveMember(w.Guild.ID, w.Users[3].ID))
	if res := w.request("PUT", "/_sim/snapshot", "", string(before)); res.status != http.StatusNoContent {
		t.Fatalf("%d: %s", res.status, res.raw)
	}
	w.ok(carol.React(m, "🎲"))
	w.control("PUT", "/snapshot", string(before)).must(t, 204)
	after, err := w.Snapshot()
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("%v: before\n%s\nafter\n%s", err, before, after)
	}
	for {
		if p := c.next(); p.Op == 9 && string(p.D) == "false" {
			break
		}
	}
	if again := c.identify(w.Application.BotToken, nil); again.SessionID == r.SessionID {
		t.Error("the session goes on")
	}
	var guild struct {
		Channels []struct{ ID string }
		Members  []struct{}
		Voice    []struct {
			Channel string `json:"channel_id"`
		} `json:"voice_states"`
	}
	c.until("GUILD_CREATE", &guild)
	if len(guild.Channels) != 7 || len(guild.Members) != 10 || len(guild.Voice) != 1 || guild.Voice[0].Channel != room {
		t.Errorf("the bot gets %+v", guild)
	}

	other := discordsim.New(discordsim.Options{})
	if err := other.RestoreSnapshot(before); err != nil {
		t.Fatal(err)
	}
	if a := other.Applications(); len(a) != 1 || a[0].BotToken != w.Application.BotToken {
		t.Errorf("elsewhere the applications are %+v", a)
	}
	if moved, err := other.Snapshot(); err != nil || !bytes.Equal(moved, before) {
		t.Errorf("elsewhere it is %s, %v", moved, err)
	}
}

// TestSnapshotRefusals: what isn't a snapshot changes nothing.
func TestSnapshotRefusals(t *testing.T) {
	t.Parallel()
	s := discordsim.New(discordsim.Options{})
	if _, err := s.Demo(discordsim.ApplicationOptions{}); err != nil {
		t.Fatal(err)
	}
	good, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(good, &parts); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, part, as, want string }{
		{"another format", "discordsim_snapshot", "2", "format 2"},
		{"no random state", "random", `"x"`, "snapshot"},
		{"a bot that is no user", "users", "[]", "no bot among its users"},
		{"guilds with nobody in them", "kept", `{"guilds":[]}`, "without its owner"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bad := map[string]json.RawMessage{}
			for k, v := range parts {
				bad[k] = v
			}
			bad[tc.part] = json.RawMessage(tc.as)
			raw, err := json.Marshal(bad)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.RestoreSnapshot(raw); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("it says %v", err)
			}
			if now, err := s.Snapshot(); err != nil || !bytes.Equal(now, good) {
				t.Errorf("the world changed: %v", err)
			}
		})
	}
}

// TestReset: after a reset, the same acts make the same ids.
func TestReset(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	w := start(t, func(o *discordsim.Options) { o.Now = func() time.Time { return at } })
	w.refuse(t, w.control("POST", "/reset", nil), 409, 0)
	w.control("POST", "/start", nil).must(t, 204)
	first := w.makeVoice()
	w.control("POST", "/faults", map[string]any{"kind": "error"}).must(t, 200)
	w.control("POST", "/reset", nil).must(t, 204)
	w.bot("GET", "/channels/"+first, nil).must(t, 404)
	if again := w.makeVoice(); again != first {
		t.Errorf("the channel was %s, and now it is %s", first, again)
	}
}
