package discordsim_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"snug/shared/discordsim"
	"snug/shared/discordsim/openapi/openapitest"
)

// FuzzBodies sends what a stranger might to every route that reads a body: it
// is refused or done, but nothing breaks.
func FuzzBodies(f *testing.F) {
	limits := discordsim.NoRateLimits()
	s := discordsim.New(discordsim.Options{Seed: 1, Limits: &limits})
	d, err := s.Demo(discordsim.ApplicationOptions{})
	if err != nil {
		f.Fatal(err)
	}
	if err := s.InstallBot(d.Guild.ID, d.Application.ID, discordsim.PermAdministrator); err != nil {
		f.Fatal(err)
	}
	if _, err := s.JoinVoice(d.Guild.ID, d.Users[2].ID, d.Lounge.ID, discordsim.VoiceFlags{}); err != nil {
		f.Fatal(err)
	}
	guild, app := "/guilds/"+d.Guild.ID.String(), "/applications/"+d.Application.ID.String()
	routes := []string{"POST " + guild + "/channels", "PATCH " + guild + "/channels",
		"PATCH /channels/" + d.Lounge.ID.String(),
		"PUT /channels/" + d.Lounge.ID.String() + "/permissions/" + d.Owner.ID.String(),
		"PATCH " + guild + "/members/" + d.Users[2].ID.String(),
		"POST " + guild + "/roles", "PATCH " + guild + "/roles", "PATCH " + guild,
		"POST /channels/" + d.General.ID.String() + "/messages",
		"POST /channels/" + d.General.ID.String() + "/messages/bulk-delete",
		"POST /channels/" + d.Lounge.ID.String() + "/invites",
		"PUT " + app + "/commands", "POST " + app + "/commands", "POST /users/@me/channels", "PATCH /users/@me",
		"PUT /channels/" + d.Lounge.ID.String() + "/voice-status", "PUT " + guild + "/bans/" + d.Users[8].ID.String(),
		"PUT " + guild + "/members/" + d.Users[7].ID.String(), "PATCH " + guild + "/voice-states/@me"}
	for _, body := range []string{``, `null`, `[]`, `{}`, `{"name":null}`,
		`{"name":{},"type":[],"permission_overwrites":[[]]}`, `"x"`, `{"a":`, `[null]`, `[{"id":1,"position":-1}]`,
		`{"channel_id":"x","roles":["1",null],"nick":1e99}`,
		`{"content":"<@1><@&2><","embeds":[null,{}],"flags":32768,
			"components":[null,{"type":"1","components":[{"type":2}]}]}`,
		`{"allowed_mentions":{"parse":[1],"users":"x"},"message_reference":{}}`,
		`[{"name":"x","description":"x","options":[{"type":1,"options":[{"type":2}]}]}]`,
		`{"components":[{"type":17,"components":[{"type":9,"accessory":null}]},{"type":12,"items":[{}]},{"type":13}],
			"flags":32768}`} {
		for i := range routes {
			f.Add(uint8(i), body)
		}
	}
	f.Fuzz(func(t *testing.T, route uint8, body string) {
		method, path, _ := strings.Cut(routes[int(route)%len(routes)], " ")
		r := httptest.NewRequest(method, "http://127.0.0.1/api/v10"+path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bot "+d.Application.BotToken)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if described := openapitest.Description(t); described != nil {
			if err := described.Answer(method, "/api/v10"+path, w.Code, w.Body.Bytes()); err != nil {
				t.Errorf("with %q: %v", body, err)
			}
		}
		if w.Code >= 500 || w.Code == 0 || w.Code == http.StatusMisdirectedRequest { // then nothing looked at it
			t.Errorf("%s %s with %q: %d %s", method, path, body, w.Code, w.Body)
		}
	})
}

// FuzzPayloads sends anything to the gateway before and after IDENTIFY.
func FuzzPayloads(f *testing.F) {
	for _, p := range []string{`{"op":1,"d":"x"}`, `{"op":2,"d":{"shard":[0]}}`, `{"op":2,"d":null}`,
		`{"op":6,"d":{"seq":null}}`, `{"op":8,"d":{"guild_id":[]}}`,
		`{"op":8,"d":{"guild_id":"1","user_ids":"x"}}`, `{"op":4,"d":{"guild_id":"1","channel_id":"2"}}`,
		`{"op":3,"d":[]}`, `{"op":43}`, `{"op":31,"d":{"guild_ids":null}}`, `[]`, `7`} {
		f.Add(p, false)
		f.Add(p, true)
	}
	f.Fuzz(func(t *testing.T, payload string, in bool) {
		w := start(t)
		c := w.dial("?v=10&encoding=json")
		c.hello()
		if in {
			c.identify(w.Application.BotToken, nil)
			c.until("GUILD_CREATE", nil)
		}
		if err := c.ws.WriteMessage(1, []byte(payload)); err != nil {
			t.Fatal(err)
		}
		other, _ := w.login(nil) // whatever it did, others are served
		other.send(1, nil)
		if p := other.next(); p.Op != 11 {
			t.Errorf("op %d", p.Op)
		}
	})
}
