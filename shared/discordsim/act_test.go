package discordsim_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"snug/shared/discordsim/openapi"
)

// described is the description of the control interface.
var described = sync.OnceValues(func() (*openapi.Description, error) {
	return openapi.LoadOther("internal/control/openapi.json")
})

// checkControl makes a test fail if its simulator's control interface gets or sends what isn't described.
func checkControl(t *testing.T) func(http.Handler) http.Handler {
	d, err := described()
	if err != nil {
		t.Fatal(err)
	}
	return func(next http.Handler) http.Handler {
		recorded := openapi.Record(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.URL.Path = strings.TrimPrefix(r.URL.Path, "/api")
			next.ServeHTTP(w, r)
		}), func(x openapi.Exchange) {
			if !strings.HasPrefix(x.ContentType, "multipart/") {
				x.ContentType = "application/json" // which curl doesn't say
			}
			if err := d.Check(x); err != nil {
				t.Errorf("not as described: %v", err)
			}
		})
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasPrefix(r.URL.Path, "/_sim/") || r.URL.Path == "/_sim/openapi.json" {
				next.ServeHTTP(w, r)
				return
			}
			r.URL.Path = "/api" + r.URL.Path // where Record looks, and descriptions are of what is below
			recorded.ServeHTTP(w, r)
		})
	}
}

// TestActs: what scripts do to people, and waiting for what comes of it.
func TestActs(t *testing.T) {
	t.Parallel()
	w := start(t)
	guild, carol := "/guilds/"+w.Guild.ID.String(), w.Users[2]
	wait := func(body map[string]any) answer { return w.control("POST", "/wait", body) }
	inVoice := map[string]any{"voice": map[string]any{"user_id": carol.ID, "channel_id": w.Lounge.ID}}

	var waited answer
	var wg sync.WaitGroup
	wg.Go(func() { waited = wait(inVoice) })
	w.join(carol, w.Arena.ID)
	w.control("POST", "/users/"+w.Owner.ID.String()+"/move", map[string]any{
		"guild_id": w.Guild.ID, "user_id": carol.ID, "channel_id": w.Lounge.ID}).must(t, 204)
	wg.Wait()
	if waited.must(t, 200); waited.str("channel_id") != w.Lounge.ID.String() {
		t.Errorf("waited for %s", waited.raw)
	}

	helper := w.control("POST", guild+"/roles", map[string]any{"name": "Helper", "permissions": "16"})
	role := helper.must(t, 200).str("role_id")
	member := guild + "/members/" + carol.ID.String()
	w.control("PATCH", member, map[string]any{"roles": []string{role},
		"communication_disabled_until": "2100-01-01T00:00:00Z"}).must(t, 204)
	got := w.bot("GET", member, nil).must(t, 200)
	if !strings.Contains(string(got.raw), role) || got.str("communication_disabled_until") == "" {
		t.Errorf("the member is %s", got.raw)
	}
	wait(map[string]any{"voice": map[string]any{"user_id": carol.ID}}).must(t, 200) // a timeout disconnects

	w.control("PUT", "/channels/"+w.General.ID.String()+"/overwrites", map[string]any{"permission_overwrites": []any{
		map[string]any{"id": w.Users[4].ID, "type": 1, "deny": "2048"}}}).must(t, 204)
	say := map[string]any{"channel_id": w.General.ID, "content": "hello"}
	w.refuse(t, w.control("POST", "/users/"+w.Users[4].ID.String()+"/messages", say), 403, 50013)
	sent := w.post(map[string]any{"content": "good evening"}).must(t, 200)
	found := wait(map[string]any{"message": map[string]any{"contains": "evening", "author_id": w.Application.ID}})
	if found.must(t, 200).str("id") != sent.str("id") {
		t.Errorf("found %s", found.raw)
	}
	w.refuse(t, wait(map[string]any{"timeout": 0.01,
		"message": map[string]any{"after": sent.str("id")}}), 504, 0)

	wait(map[string]any{"channel": map[string]any{"guild_id": w.Guild.ID, "name": "general"}}).must(t, 200)
	wait(map[string]any{"channel": map[string]any{"guild_id": w.Guild.ID, "name": "x", "gone": true}}).must(t, 200)
	w.control("PUT", guild+"/bans/"+carol.ID.String(), nil).must(t, 204)
	w.refuse(t, w.bot("GET", member, nil), 404, 10007)
	w.control("PATCH", guild, map[string]any{"verification_level": 2, "afk_channel_id": w.Lounge.ID}).must(t, 204)

	for _, bad := range []map[string]any{{}, {"timeout": 61, "voice": map[string]any{}},
		{"message": map[string]any{}, "channel": map[string]any{}}} {
		wait(bad).must(t, 400)
	}
}
