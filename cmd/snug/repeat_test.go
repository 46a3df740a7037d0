package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"snug/shared/discordsim"
)

// once makes a request with an Idempotency-Key of a program that may be dying; 0 when there was no answer.
func (s *script) once(key, path, body string) (int, map[string]any) {
	req, err := http.NewRequest(http.MethodPost, s.url+"/api/v1"+path, bytes.NewBufferString(body))
	s.must(err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", s.url)
	req.Header.Set("Idempotency-Key", key)
	res, err := s.http.Do(req)
	if err != nil {
		return 0, nil
	}
	defer res.Body.Close()
	out := map[string]any{}
	text, err := io.ReadAll(res.Body)
	if err != nil || json.Unmarshal(text, &out) != nil {
		return 0, nil
	}
	return res.StatusCode, out
}

// TestRepeatedAfterACrash kills the program while it opens a room for a request
// with an Idempotency-Key. The same request, sent again as soon as the program is back, is answered
// at once and rightly, and one room has been opened.
func TestRepeatedAfterACrash(t *testing.T) {
	t.Parallel()
	limits := discordsim.NoRateLimits()
	world, err := simulate("127.0.0.1:0", discordsim.Options{Seed: 6, Limits: &limits})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = world.discord.Close(t.Context()) })
	start := serving(t, world)
	for what, delayed := range map[string]bool{
		"before Discord has answered": true, "after Discord has answered": false,
	} {
		snug, h := start()
		alice := h.signIn("alice")
		before := len(voiceChannels(world.discord))
		if delayed {
			_, err = world.discord.Inject(discordsim.Fault{
				Kind: discordsim.FaultLatency, Route: "POST /guilds/{guild.id}/channels", Delay: 5, Count: 1,
			})
		} else {
			_, err = world.discord.Inject(discordsim.Fault{
				Kind: discordsim.FaultLatency, Route: "POST /channels/{channel.id}/messages", Delay: 5, Count: 1,
			})
		}
		h.must(err)
		path, body, key := "/guilds/"+world.guild.String()+"/rooms", `{"name":"Friday"}`, "key "+what
		first := make(chan int, 1)
		go func() { status, _ := alice.once(key, path, body); first <- status }()
		h.eventually("the channel is there", func() bool { return len(voiceChannels(world.discord)) == before+1 })
		if !delayed {
			<-first // it is answered before the controls are posted; what was kept of it is given again
		}
		snug.stop(syscall.SIGKILL)
		snug, h = start()
		alice.url = h.url
		begun := time.Now()
		status, out := alice.once(key, path, body)
		for status == http.StatusServiceUnavailable && time.Since(begun) < patience {
			// the server is still being described
			status, out = alice.once(key, path, body)
		}
		took := time.Since(begun)
		t.Logf("killed %s: %d after %v", what, status, took.Round(time.Millisecond))
		if status != http.StatusCreated || took > 10*time.Second {
			t.Errorf("killed %s, the same request again: %d %v after %v", what, status, out, took)
		}
		if n := len(voiceChannels(world.discord)); n != before+1 {
			t.Errorf("killed %s: %d rooms were opened", what, n-before)
		}
		if id, _ := out["channel_id"].(string); status == http.StatusCreated {
			if status, _ := alice.api(http.MethodPost, "/rooms/"+id+"/close", map[string]any{}); status >= 300 {
				t.Errorf("the room %q could not be closed: %d", id, status)
			}
		}
		h.eventually("the room is closed", func() bool { return len(voiceChannels(world.discord)) == before })
		if err := snug.stop(syscall.SIGTERM); err != nil && !strings.Contains(err.Error(), "signal") {
			t.Error(err)
		}
	}
}
