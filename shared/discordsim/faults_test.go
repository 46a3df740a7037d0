package discordsim_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"snug/shared/discordsim"
	"snug/shared/testkit"
)

func TestGatewayFaults(t *testing.T) {
	t.Parallel()
	resume := func(w *world, r ready, seq int64) *client {
		c := w.dial("?v=10&encoding=json")
		c.hello()
		c.send(6, map[string]any{"token": w.Application.BotToken, "session_id": r.SessionID, "seq": seq})
		return c
	}
	inject := func(t *testing.T, w *world, f discordsim.Fault) {
		t.Helper()
		if err := w.inject(f); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("op 7", func(t *testing.T) {
		w := start(t)
		c, r := w.login(nil)
		inject(t, w, discordsim.Fault{Kind: "op7"})
		if p := c.next(); p.Op != 7 {
			t.Fatalf("op %d", p.Op)
		}
		resume(w, r, c.seq).until("RESUMED", nil)
	})
	t.Run("op 9", func(t *testing.T) {
		for _, resumable := range []bool{true, false} {
			w := start(t)
			c, r := w.login(nil)
			inject(t, w, discordsim.Fault{Kind: "op9", Resumable: resumable})
			if p := c.next(); p.Op != 9 || string(p.D) != map[bool]string{true: "true", false: "false"}[resumable] {
				t.Fatalf("op %d %s", p.Op, p.D)
			}
			n := resume(w, r, c.seq)
			if p := n.next(); resumable != (p.T == "RESUMED") {
				t.Errorf("resumable %v: op %d %s", resumable, p.Op, p.T)
			}
			if !resumable {
				c.identify(w.Application.BotToken, nil) // the socket is still good
			}
		}
	})
	t.Run("a close code", func(t *testing.T) {
		w := start(t)
		c, r := w.login(nil)
		inject(t, w, discordsim.Fault{Kind: "close", Code: 4000})
		if got := c.closed(); got != 4000 {
			t.Errorf("closed with %d", got)
		}
		resume(w, r, c.seq).until("RESUMED", nil)
	})
	t.Run("half-open", func(t *testing.T) {
		w := start(t)
		c, r := w.login(nil)
		inject(t, w, discordsim.Fault{Kind: "half-open"})
		c.send(1, nil)
		w.join(w.Users[2], w.Lounge.ID)
		if err := c.ws.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.ws.ReadMessage(); err == nil {
			t.Error("something came")
		}
		resume(w, r, c.seq).until("VOICE_STATE_UPDATE", nil)
	})
	t.Run("no ACK once", func(t *testing.T) {
		w := start(t)
		w.join(w.Users[3], w.Lounge.ID)
		c, _ := w.login(nil)
		inject(t, w, discordsim.Fault{Kind: "no_ack"})
		c.send(1, nil)
		w.join(w.Users[2], w.Lounge.ID)
		if p := c.next(); p.T != "VOICE_STATE_UPDATE" {
			t.Errorf("op %d", p.Op)
		}
		c.send(1, nil)
		if p := c.next(); p.Op != 11 {
			t.Errorf("op %d", p.Op)
		}
	})
	t.Run("no HELLO once", func(t *testing.T) {
		w := start(t)
		inject(t, w, discordsim.Fault{Kind: "no_hello"})
		c := w.dial("?v=10&encoding=json")
		c.send(1, nil)
		if p := c.next(); p.Op != 11 {
			t.Errorf("op %d came first", p.Op)
		}
		w.dial("?v=10&encoding=json").hello()
	})
	t.Run("drop during RESUME keeps the session", func(t *testing.T) {
		w := start(t)
		c, r := w.login(nil)
		inject(t, w, discordsim.Fault{Kind: "drop_resume"})
		n := resume(w, r, c.seq)
		if _, err := n.tryNext(); err == nil ||
			errors.As(err, new(*websocket.CloseError)) && !websocket.IsUnexpectedCloseError(err) {
			t.Errorf("%v", err)
		}
		resume(w, r, c.seq).until("RESUMED", nil)
	})
	t.Run("duplicates and delays", func(t *testing.T) {
		w := start(t)
		c, _ := w.login(nil)
		inject(t, w, discordsim.Fault{Kind: "duplicate", Event: "VOICE_STATE_UPDATE"})
		w.join(w.Users[2], w.Lounge.ID)
		a, b := c.next(), c.next()
		if *a.S != *b.S || string(a.D) != string(b.D) {
			t.Errorf("%s and %s", a.D, b.D)
		}
		inject(t, w, discordsim.Fault{Kind: "delay", Delay: 0.2})
		from := time.Now()
		w.join(w.Users[3], w.Lounge.ID)
		c.until("VOICE_STATE_UPDATE", nil)
		if d := time.Since(from); d < 200*time.Millisecond {
			t.Errorf("after %v", d)
		}
	})
	t.Run("an outage and its end", func(t *testing.T) {
		w := start(t)
		c, _ := w.login(nil)
		inject(t, w, discordsim.Fault{Kind: "outage", Guild: w.Guild.ID})
		if p := c.next(); p.T != "GUILD_DELETE" || !strings.Contains(string(p.D), `"unavailable":true`) {
			t.Errorf("%s %s", p.T, p.D)
		}
		inject(t, w, discordsim.Fault{Kind: "restore", Guild: w.Guild.ID})
		c.until("GUILD_CREATE", nil)
		inject(t, w, discordsim.Fault{Kind: "outage", Guild: w.Guild.ID, Duration: 0.05})
		c.until("GUILD_DELETE", nil)
		c.until("GUILD_CREATE", nil)
	})
	t.Run("only the shard that is meant", func(t *testing.T) {
		w := start(t)
		c, _ := w.login(nil)
		other := 1
		inject(t, w, discordsim.Fault{Kind: "drop", Shard: &other})
		c.send(1, nil)
		if p := c.next(); p.Op != 11 {
			t.Errorf("op %d", p.Op)
		}
	})
	t.Run("a fault that is none", func(t *testing.T) {
		w := start(t)
		for _, f := range []discordsim.Fault{
			{Kind: "earthquake"}, {Kind: "close", Code: 5000}, {Kind: "outage"}, {Kind: "latency"},
			{Kind: "rate_limit", Scope: "x"}, {Kind: "error", Status: 200},
		} {
			if err := w.inject(f); err == nil {
				t.Errorf("%+v was taken", f)
			}
		}
	})
}

func TestRESTFaults(t *testing.T) {
	t.Parallel()
	w := start(t)
	get := func() answer { return w.bot("GET", "/users/@me", nil) }
	for name, c := range map[string]struct {
		fault discordsim.Fault
		check func(t *testing.T, a answer)
	}{
		"user": {discordsim.Fault{Kind: "rate_limit", RetryAfter: 0.25}, func(t *testing.T, a answer) {
			if a.header.Get("Retry-After") != "0.25" || a.header.Get("X-RateLimit-Scope") != "user" ||
				a.header.Get("X-RateLimit-Bucket") == "" || a.header.Get("Via") == "" {
				t.Errorf("%v", a.header)
			}
		}},
		"shared": {
			discordsim.Fault{Kind: "rate_limit", Scope: "shared"},
			func(t *testing.T, a answer) { wantHeader(t, a, "X-RateLimit-Scope", "shared") },
		},
		"global": {
			discordsim.Fault{Kind: "rate_limit", Scope: "global"},
			func(t *testing.T, a answer) { wantHeader(t, a, "X-RateLimit-Global", "true") },
		},
		"no bucket": {
			discordsim.Fault{Kind: "rate_limit", NoBucket: true},
			func(t *testing.T, a answer) { wantHeader(t, a, "X-RateLimit-Bucket", "") },
		},
		"no retry": {
			discordsim.Fault{Kind: "rate_limit", NoRetry: true},
			func(t *testing.T, a answer) { wantHeader(t, a, "Retry-After", "") },
		},
		"cloudflare": {
			discordsim.Fault{Kind: "rate_limit", Scope: "cloudflare"},
			func(t *testing.T, a answer) { wantHeader(t, a, "Via", "") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := w.inject(c.fault); err != nil {
				t.Fatal(err)
			}
			c.check(t, get().must(t, 429))
			get().must(t, 200)
		})
	}
	t.Run("a burst of errors", func(t *testing.T) {
		if err := w.inject(discordsim.Fault{
			Kind: "error", Status: 503, Count: 2, Route: "GET /users/@me",
		}); err != nil {
			t.Fatal(err)
		}
		w.bot("GET", "/gateway", nil).must(t, 200)
		get().must(t, 503)
		get().must(t, 503)
		get().must(t, 200)
	})
	t.Run("an error after the effect", func(t *testing.T) {
		if err := w.inject(discordsim.Fault{
			Kind: "error", Status: 500, After: true, Route: "POST /guilds/{guild.id}/channels",
		}); err != nil {
			t.Fatal(err)
		}
		w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "ghost"}).must(t, 500)
		if a := w.bot("GET", w.guildPath("/channels"), nil); !strings.Contains(string(a.raw), `"ghost"`) {
			t.Error("it had no effect")
		}
	})
	t.Run("a broken connection", func(t *testing.T) {
		if err := w.inject(discordsim.Fault{Kind: "reset"}); err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequest("POST", w.base+"/api/v10"+w.guildPath("/channels"),
			strings.NewReader(`{"name":"x"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bot "+w.Application.BotToken)
		if res, err := testkit.HTTP.Do(req); err == nil {
			res.Body.Close()
			t.Errorf("status %d", res.StatusCode)
		}
	})
	t.Run("latency until it is cleared", func(t *testing.T) {
		f, err := w.Inject(discordsim.Fault{Kind: "latency", Delay: 0.1})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			from := time.Now()
			get().must(t, 200)
			if d := time.Since(from); d < 100*time.Millisecond {
				t.Errorf("after %v", d)
			}
		}
		w.ClearFaults(f.ID)
		if n := len(w.Faults()); n != 0 {
			t.Errorf("%d faults left", n)
		}
	})
	t.Run("the same seed gives the same chances", func(t *testing.T) {
		var runs [2]string
		for i := range runs {
			w := start(t)
			if err := w.inject(discordsim.Fault{Kind: "error", Chance: 0.5}); err != nil {
				t.Fatal(err)
			}
			for range 20 {
				if w.bot("GET", "/gateway", nil).status == 200 {
					runs[i] += "."
				} else {
					runs[i] += "x"
				}
			}
		}
		if runs[0] != runs[1] || !strings.Contains(runs[0], "x") || !strings.Contains(runs[0], ".") {
			t.Errorf("%s and %s", runs[0], runs[1])
		}
	})
}

func wantHeader(t *testing.T, a answer, name, want string) {
	t.Helper()
	if got := a.header.Get(name); got != want {
		t.Errorf("%s is %q, want %q", name, got, want)
	}
}

func TestRateLimits(t *testing.T) {
	limited := func(o *discordsim.Options) { l := discordsim.DiscordLimits(); o.Limits = &l }
	t.Run("a bucket refuses what is too much", func(t *testing.T) {
		w := start(t, limited)
		post := func(channel discordsim.ID) answer {
			return w.bot("POST", "/channels/"+channel.String()+"/messages", map[string]any{"content": "x"})
		}
		for i := range 5 {
			a := post(w.General.ID).must(t, 200)
			if got := a.header.Get("X-RateLimit-Remaining"); got != string(rune('4'-i)) {
				t.Errorf("remaining %s", got)
			}
		}
		a := post(w.General.ID).must(t, 429)
		var body struct {
			Retry  float64 `json:"retry_after"`
			Global bool    `json:"global"`
		}
		if err := json.Unmarshal(a.raw, &body); err != nil || body.Retry <= 0 || body.Retry > 5 || body.Global ||
			a.header.Get("Retry-After") == "" || a.header.Get("X-RateLimit-Scope") != "user" {
			t.Errorf("%s %v", a.raw, a.header)
		}
		post(w.Lounge.ID).must(t, 200) // another channel has a bucket of its own
	})
	t.Run("a sliding bucket forgets each request after its period", func(t *testing.T) {
		now := time.Now()
		w := start(t, func(o *discordsim.Options) {
			l := discordsim.DiscordLimits()
			l.Sliding = true
			o.Limits, o.Now = &l, func() time.Time { return now }
		})
		post := func(want int, remaining, reset string) answer {
			t.Helper()
			a := w.bot("POST", "/channels/"+w.General.ID.String()+"/messages", map[string]any{"content": "x"}).must(t,
				want)
			if a.header.Get("X-RateLimit-Remaining") != remaining || a.header.Get("X-RateLimit-Reset-After") != reset {
				t.Errorf("%v", a.header)
			}
			return a
		}
		post(200, "4", "5.000")
		now = now.Add(4 * time.Second)
		for _, left := range []string{"3", "2", "1", "0"} {
			post(200, left, "5.000")
		}
		if a := post(429, "0", "5.000"); a.json["retry_after"] != 1.0 {
			t.Errorf("%s", a.raw)
		}
		now = now.Add(time.Second)
		post(200, "0", "5.000") // where periods begin with a request, there would be four more
		if a := post(429, "0", "5.000"); a.json["retry_after"] != 3.0+1 {
			t.Errorf("%s", a.raw)
		}
		role := w.guildPath("/members/%s/roles/%s", w.Users[2].ID, "17")
		w.refuse(t, w.bot("PUT", role, nil), 404, 10011)
		now = now.Add(9 * time.Second)
		if a := w.bot("DELETE", role, nil); a.header.Get("X-RateLimit-Reset-After") != "1.000" {
			t.Errorf("the periods of members' roles don't move: %v", a.header)
		}
	})
	t.Run("a leaky bucket empties little by little", func(t *testing.T) {
		now := time.Now()
		w := start(t, func(o *discordsim.Options) {
			l := discordsim.DiscordLimits()
			l.Leaky = true
			o.Limits, o.Now = &l, func() time.Time { return now }
		})
		post := func(want int) answer {
			return w.bot("POST", "/channels/"+w.General.ID.String()+"/messages", map[string]any{"content": "x"}).must(t,
				want)
		}
		after := func(a answer) float64 {
			v, err := strconv.ParseFloat(a.header.Get("X-RateLimit-Reset-After"), 64)
			if err != nil {
				t.Error(err)
			}
			return v
		}
		for i := range 5 {
			if a := post(200); a.header.Get("X-RateLimit-Remaining") != strconv.Itoa(4-i) || after(a) != float64(i+1) {
				t.Errorf("remaining %s, reset after %v", a.header.Get("X-RateLimit-Remaining"), after(a))
			}
		}
		bucket := w.bot("POST", "/channels/"+w.Lounge.ID.String()+"/messages",
			map[string]any{"content": "x"}).header.Get("X-RateLimit-Bucket")
		a := post(429)
		if a.json["retry_after"] != 1.0 || after(a) != 5 || a.header.Get("X-RateLimit-Bucket") == bucket {
			t.Errorf("%s %v", a.raw, a.header)
		}
		now = now.Add(time.Second)
		post(200)
		post(429)
		now = now.Add(2 * time.Second)
		post(200)
		post(200)
		post(429)
	})
	t.Run("fifty a second in all, but for interactions", func(t *testing.T) {
		w := start(t, limited)
		codes := map[int]int{}
		for i := range 120 {
			codes[w.bot("GET", "/users/"+w.Users[i%9].ID.String(), nil).status]++
			codes[w.bot("GET", w.guildPath("/members/%s", w.Users[i%9].ID), nil).status]++
		}
		if codes[429] == 0 || codes[200] > 100 {
			t.Errorf("%v", codes)
		}
		w.refuse(t, w.bot("POST", "/interactions/1/x/callback", map[string]any{"type": 4}), 404, 10062)
	})
	t.Run("two renames in ten minutes, told beforehand by nothing", func(t *testing.T) {
		w := start(t, limited)
		id := w.makeVoice()
		for i, want := range []int{200, 200, 429} {
			a := w.bot("PATCH", "/channels/"+id, map[string]any{"name": strings.Repeat("x", i+1)}).must(t, want)
			if want == 429 && (a.header.Get("X-RateLimit-Scope") != "shared" || a.json["retry_after"].(float64) < 500) {
				t.Errorf("%s", a.raw)
			}
		}
		w.bot("PATCH", "/channels/"+id, map[string]any{"user_limit": 5}).must(t, 200)
	})
	t.Run("too many invalid requests ban the address", func(t *testing.T) {
		w := start(t,
			func(o *discordsim.Options) { l := discordsim.DiscordLimits(); l.InvalidRequests = 3; o.Limits = &l })
		for range 3 {
			w.request("GET", "/api/v10/users/@me", "Bot x", nil).must(t, 401)
		}
		if a := w.bot("GET", "/users/@me", nil).must(t, 429); a.header.Get("Via") != "" {
			t.Errorf("%v", a.header)
		}
	})
}
