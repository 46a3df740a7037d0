package dashboard

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/request"
	"snug/shared/room"
	"snug/shared/testkit"
)

var (
	pathParam  = regexp.MustCompile(`[:{][a-z]+}?`)
	requestRef = regexp.MustCompile(`"request_id":"[^"]*"|<code[^>]*>[^<]*</code>|[A-Z2-7]{12}|data-now="[^"]+"`)
)

// bodies that operations need to get as far as looking for what the path names; {} does for the others.
var bodyOf = map[string]string{
	"POST /api/v1/rooms/{channel}/change":          `{"do":"lock"}`,
	"POST /api/v1/rooms/{channel}/answer":          `{"user":"2","admit":true}`,
	"POST /api/v1/guilds/{guild}/rooms":            `{"name":"x"}`,
	"POST /api/v1/guilds/{guild}/tokens":           `{"name":"x","scopes":["rooms:read"]}`,
	"POST /api/v1/guilds/{guild}/webhooks":         `{"name":"x","url":"https://example.org"}`,
	"POST /api/v1/guilds/{guild}/lobbies":          `{"channel_id":"8"}`,
	"POST /api/v1/guilds/{guild}/settings/undo":    `{"rev":1}`,
	"POST /api/v1/guilds/{guild}/health/repair":    `{"findings":["x"]}`,
	"PATCH /api/v1/guilds/{guild}/settings":        `{"seats":5}`,
	"PATCH /api/v1/guilds/{guild}/webhooks/{hook}": `{"enabled":false}`,
}

// TestNothingTellsWhatThereIs asks every route that names a server or a room,
// for one that is there but not for who asks, and for one that is not: status,
// headers and words are the same.
func TestNothingTellsWhatThereIs(t *testing.T) {
	t.Parallel()
	much := request.Limit{Every: time.Microsecond, Burst: 10_000} // each route is asked twice, by one person
	b := newBench(t, func(o *Options) { o.Limits = request.Limits{Invite: much, Write: much, LiveToken: much} })
	r := b.room()
	b.clock.Forward(time.Minute) // it is not one that was opened just now
	w := b.signedIn(stranger)    // somebody of another server
	const nowhere = "424242"
	fill := func(path, guild, channel string) string {
		return pathParam.ReplaceAllStringFunc(path, func(p string) string {
			switch strings.Trim(p, ":{}") {
			case "guild":
				return guild
			case "channel":
				return channel
			}
			return "7"
		})
	}
	same := func(a got, id string) string {
		text := strings.NewReplacer("/"+id, "/ID", "%2F"+id, "/ID").Replace(a.header.Get("Location") + "\n" + a.body)
		return fmt.Sprint(a.status, " ", a.header.Get("Content-Type"), " ", requestRef.ReplaceAllString(text, "…"))
	}
	asked := 0
	compare := func(method, path, kind, body string) {
		guild, channel := snowflake.ID(friends).String(), r.ID.String()
		there := w.send(method, fill(path, guild, channel), kind, body)
		id := guild
		if strings.Contains(path, "channel") {
			id = channel
		}
		not := w.send(method, fill(path, nowhere, nowhere), kind, body)
		asked++
		if a, b := same(there, id), same(not, nowhere); a != b {
			at, bt := strings.Split(a, "\n"), strings.Split(b, "\n")
			for i := range min(len(at), len(bt)) {
				if at[i] != bt[i] {
					t.Errorf("%s %s tells what there is:\n%.300s\nwhere there is nothing:\n%.300s", method, path, at[i],
						bt[i])
					break
				}
			}
		}
		if there.status < 400 && there.status != http.StatusSeeOther && !strings.Contains(path, "knock") {
			t.Errorf("%s %s: %d", method, path, there.status)
		}
	}
	for _, op := range b.api.Operations() {
		if path := request.APIPrefix + op.Path; pathParam.MatchString(path) &&
			(strings.Contains(path, "{guild}") || strings.Contains(path, "{channel}")) {
			body := bodyOf[op.Method+" "+path]
			if body == "" && op.Method != http.MethodGet && op.Method != http.MethodDelete {
				body = "{}"
			}
			compare(op.Method, path, "application/json", body)
		}
	}
	for _, r := range b.engine.Routes() {
		if strings.HasPrefix(r.Path, "/api/") ||
			!strings.Contains(r.Path, ":guild") && !strings.Contains(r.Path, ":channel") {
			continue
		}
		compare(r.Method, r.Path, "application/x-www-form-urlencoded",
			url.Values{"do": {"lock"}, "name": {"x"}}.Encode())
	}
	for _, ofRoom := range []bool{false, true} {
		ask := func(guild, channel string) string {
			body := `{"guild":"` + guild + `"}`
			if ofRoom {
				body = `{"guild":"` + guild + `","room":"` + channel + `"}`
			}
			return same(w.api("POST", "/api/v1/live-token", body), guild)
		}
		if a, b := ask(snowflake.ID(friends).String(), r.ID.String()), ask(nowhere, nowhere); a != b {
			t.Errorf("live tokens tell what there is:\n%s\n%s", a, b)
		}
	}
	// To a member of the server, a room that they may not see.
	m := b.signedIn(member)
	ask := func(channel string) string {
		return same(m.api("POST", "/api/v1/live-token", `{"guild":"100","room":"`+channel+`"}`), channel)
	}
	if a, b := ask(r.ID.String()), ask(nowhere); a != b {
		t.Errorf("live tokens tell a member what there is:\n%s\n%s", a, b)
	}
	if asked < 50 {
		t.Errorf("only %d routes were asked", asked)
	}
	t.Logf("%d routes asked", asked)
}

// TestRefusalsKeepABeat: how long it took to find out that there is nothing for somebody is not told.
func TestRefusalsKeepABeat(t *testing.T) {
	const beat = 200 * time.Millisecond
	b := newBench(t, func(o *Options) { o.RefuseEvery = beat })
	w := b.signedIn(stranger)
	for _, path := range []string{
		"/servers/100", "/servers/424242", "/api/v1/guilds/100/rooms", "/api/v1/guilds/424242/rooms",
	} {
		begun := time.Now()
		if got := w.get(path); got.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.status)
		}
		if took := time.Since(begun); took < beat*3/4 {
			t.Errorf("%s was answered after %s already", path, took)
		}
	}
	if begun := time.Now(); b.signedIn(owner).get("/servers/100").status != http.StatusOK ||
		time.Since(begun) > 10*beat {
		t.Error("a page that is there")
	}
}

// TestLookingTokensGetNoLinks: a token that may only look is not handed links that let others in or watch.
func TestLookingTokensGetNoLinks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	b.do(r.ID, room.DoWatch)
	w := b.signedIn(owner)
	for scopes, told := range map[string]bool{`["rooms:read"]`: false, `["rooms:read","rooms:write"]`: true} {
		var made struct{ Secret string }
		w.api("POST", "/api/v1/me/tokens", `{"name":"x","scopes":`+scopes+`}`).json(&made)
		program := b.browser("")
		for _, path := range []string{"/api/v1/rooms/" + r.ID.String(), "/api/v1/rooms/" + r.ID.String() + "/control"} {
			got := program.send("GET", path, "", "", "Authorization", "Bearer "+made.Secret)
			tells := strings.Contains(got.body, "/i/") || strings.Contains(got.body, "?t=")
			if got.status != http.StatusOK || tells != told {
				t.Errorf("%s, %s: %d, links told %v: %s", scopes, path, got.status, !told, got.body)
			}
		}
	}
}

// TestBannedSeeNothing: who is banned from a room, and signed in, sees neither its name nor who is in, by no link.
func TestBannedSeeNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	token := b.invite(r)
	watch := b.do(r.ID, room.DoWatch).WatchToken
	testkit.Eventually(t, "the room to be watched", func() bool {
		l, _ := b.actions.Room(friends, r.ID)
		return l.Room.Access.MayWatch(watch)
	})
	at := r.ID.String()
	for who, sees := range map[snowflake.ID]bool{banned: false, member: true} {
		w := b.signedIn(who)
		for name, got := range map[string]got{
			"landing page":      w.get("/i/" + token),
			"preview":           w.api("POST", "/api/v1/invites/preview", `{"code":"`+token+`"}`),
			"spectators' page":  w.get("/watch/" + at + "?t=" + watch),
			"spectators' token": w.send("POST", "/watch/"+at+"/token", "application/json", `{"t":"`+watch+`"}`),
		} {
			if (got.status == http.StatusOK) != sees || !sees && strings.Contains(got.body, "Friday") {
				t.Errorf("%d, %s: %d %s", who, name, got.status, got.text())
			}
		}
	}
}
