package discordsim_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gorilla/websocket"

	"snug/shared/discordsim"
	"snug/shared/discordsim/internal/rest"
	"snug/shared/discordsim/openapi/openapitest"
	"snug/shared/testkit"
)

// bodySeeds are what a stranger might send to a route.
var bodySeeds = []string{``, `null`, `[]`, `{}`, `{"name":null}`,
	`{"name":{},"type":[],"permission_overwrites":[[]]}`, `"x"`, `{"a":`, `[null]`, `[{"id":1,"position":-1}]`,
	`{"channel_id":"x","roles":["1",null],"nick":1e99}`,
	`{"content":"<@1><@&2><","embeds":[null,{}],"flags":32768,
		"components":[null,{"type":"1","components":[{"type":2}]}]}`,
	`{"allowed_mentions":{"parse":[1],"users":"x"},"message_reference":{}}`,
	`[{"name":"x","description":"x","options":[{"type":1,"options":[{"type":2}]}]}]`,
	`{"components":[{"type":17,"components":[{"type":9,"accessory":null}]},{"type":12,"items":[{}]},{"type":13}],
		"flags":32768}`,
	`{"name":"r","event_type":1,"trigger_type":1,"enabled":true,"trigger_metadata":{"keyword_filter":["*a*"],
		"regex_patterns":["(?P<a>b)+"],"allow_list":["ab"]},"actions":[{"type":1},{"type":2,"metadata":{}}]}`,
	`{"name":"r","event_type":2,"trigger_type":6,"trigger_metadata":{"presets":[{}]},"actions":[{"type":4}]}`,
	`{"name":"e","image":"data:image/gif;base64,R0lGODlh","roles":["1"]}`,
	`{"name":"s","privacy_level":2,"entity_type":3,"scheduled_start_time":"2999-01-01T00:00:00Z",
		"scheduled_end_time":"2999-01-02T00:00:00+25:00","entity_metadata":{"location":7}}`,
	`{"sku_id":"1","owner_id":"1","owner_type":1}`, `{"user_ids":["1","2"],"target_users":[null]}`,
	`{"type":4,"data":{"components":[{"type":18,"component":{"type":4}}]}}`}

// bodyRoutes are the routes that read a body, with things of a world in their paths.
func bodyRoutes(ids map[string]string) (list []string) {
	for _, r := range rest.Routes() {
		if method, _, _ := strings.Cut(r, " "); slices.Contains([]string{"POST", "PUT", "PATCH"}, method) {
			list = append(list, regexp.MustCompile(`\{\w+\}`).ReplaceAllStringFunc(r, func(p string) string {
				return ids[strings.Trim(p, "{}")]
			}))
		}
	}
	slices.Sort(list)
	return list
}

// FuzzBodies sends what a stranger might to every route that reads a body, as a bot and as a person: it is refused or
// done, but nothing breaks.
func FuzzBodies(f *testing.F) {
	limits := discordsim.NoRateLimits()
	s := discordsim.New(discordsim.Options{Seed: 1, Limits: &limits})
	d, err := s.Demo(discordsim.ApplicationOptions{})
	must := func(err error) {
		if err != nil {
			f.Fatal(err)
		}
	}
	must(err)
	must(s.InstallBot(d.Guild.ID, d.Application.ID, discordsim.PermAdministrator))
	_, err = s.JoinVoice(d.Guild.ID, d.Users[2].ID, d.Lounge.ID, discordsim.VoiceFlags{})
	must(err)
	send := func(as, path, body string, method string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "http://127.0.0.1"+path, strings.NewReader(body))
		r.Header.Set("Authorization", as)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w
	}
	bot := "Bot " + d.Application.BotToken
	guild, general := "/guilds/"+d.Guild.ID.String(), "/channels/"+d.General.ID.String()
	ids := map[string]string{"guild": d.Guild.ID.String(), "channel": d.General.ID.String(),
		"user": d.Users[2].ID.String(), "app": d.Application.ID.String(),
		"overwrite": d.Owner.ID.String(), "role": d.Guild.ID.String(), "emoji": "🎲",
		"code": "none", "command": "1", "interaction": "1"}
	add := func(name, path, body string) {
		var made struct{ ID, Token string }
		a := send(bot, "/api/v10"+path, body, "POST")
		if a.Code >= 300 || json.Unmarshal(a.Body.Bytes(), &made) != nil {
			f.Fatalf("%s: %d %s", path, a.Code, a.Body)
		}
		if ids[name] = made.ID; made.Token != "" {
			ids["token"] = made.Token
		}
	}
	add("message", general+"/messages", `{"content":"x"}`)
	add("webhook", general+"/webhooks", `{"name":"x"}`)
	add("rule", guild+"/auto-moderation/rules", `{"name":"x","event_type":1,"trigger_type":1,"enabled":true,
		"trigger_metadata":{"keyword_filter":["bad*"],"regex_patterns":["b.d"],"allow_list":["badger"]},
		"actions":[{"type":1},{"type":2,"metadata":{"channel_id":"`+d.General.ID.String()+`"}},
			{"type":3,"metadata":{"duration_seconds":0}}]}`)
	sku, err := s.AddSKU(d.Application.ID, "x", "consumable")
	must(err)
	add("entitlement", "/applications/"+ids["app"]+"/entitlements",
		fmt.Sprintf(`{"sku_id":"%d","owner_id":"%d","owner_type":2}`, sku, d.Owner.ID))
	add("event", guild+"/scheduled-events", `{"name":"x","privacy_level":2,"entity_type":2,"channel_id":"`+
		d.Lounge.ID.String()+`","scheduled_start_time":"2999-01-01T00:00:00Z"}`)
	routes := bodyRoutes(ids)
	for _, body := range bodySeeds {
		for i := range routes {
			f.Add(uint8(i), i%2 == 0, body)
		}
	}
	// Those of Discord's document of status codes that clients can cause.
	documented := []int{200, 201, 202, 204, 400, 401, 403, 404, 405, 409, 413, 429}
	f.Fuzz(func(t *testing.T, route uint8, person bool, body string) {
		method, path, _ := strings.Cut(routes[int(route)%len(routes)], " ")
		prefix := "/api/v10"
		if person {
			prefix = "/_sim/users/" + d.Owner.ID.String() + "/api"
		}
		w := send(bot, prefix+path, body, method)
		if described := openapitest.Description(t); described != nil && !person {
			if err := described.Answer(method, "/api/v10"+path, w.Code, w.Body.Bytes()); err != nil {
				t.Errorf("with %q: %v", body, err)
			}
		}
		if !slices.Contains(documented, w.Code) {
			t.Errorf("%s %s with %q: %d %s", method, path, body, w.Code, w.Body)
		}
		var refused struct {
			Message string `json:"message"`
		}
		if w.Code >= 400 && (json.Unmarshal(w.Body.Bytes(), &refused) != nil || refused.Message == "") {
			t.Errorf("%s %s with %q is refused without a message: %d %s", method, path, body, w.Code, w.Body)
		}
	})
}

// answerSeeds are what a bot might answer, and what it might make of the answer afterwards.
var answerSeeds = []string{`{"type":1}`, `{"type":4}`, `{"type":4,"data":{"content":"x","flags":64}}`, `{"type":5}`,
	`{"type":5,"data":{"flags":-1}}`, `{"type":6}`, `{"type":7,"data":{"components":[]}}`, `{"type":8,"data":{}}`,
	`{"type":8,"data":{"choices":[{"name":"x","value":1},{"name":null,"value":{}}]}}`, `{"type":"4","data":[]}`,
	`{"type":9,"data":{"custom_id":"m","title":"x","components":[{"type":18,"label":"x",
		"component":{"type":4,"custom_id":"t","style":1}}]}}`,
	`{"type":9,"data":{"custom_id":"","title":7,"components":[{"type":1,"components":[{"type":3}]}]}}`,
	`{"type":10}`, `{"type":12}`, `{"type":4,"data":{"poll":{},"attachments":[{"id":0}],"embeds":[{"url":""}]}}`}

// FuzzAnswers answers commands, buttons, modals and autocompletion with anything, and edits the answer with anything:
// it's refused or done, and whoever asked gets to know.
func FuzzAnswers(f *testing.F) {
	limits := discordsim.NoRateLimits()
	s, d := discordsim.StartTest(f, discordsim.Options{Seed: 1, Limits: &limits})
	for _, body := range slices.Concat(answerSeeds, bodySeeds) {
		for kind := range uint8(4) {
			f.Add(kind, body)
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, body string) {
		w := &world{Server: s, Demo: d, t: t, base: s.URL()}
		w.register()
		c, _ := w.login(nil)
		defer c.ws.Close()
		bot := func(method, path, body string) int {
			return w.request(method, "/api/v10"+path, "Bot "+w.Application.BotToken, body).status
		}
		ask := w.run(w.Owner, "create-room", nil)
		switch kind % 4 {
		case 1:
			m := w.post(map[string]any{"components": []any{row(button("x", "b"))}}).must(t, 200)
			ask = w.use(w.Owner, m.str("id"), "b")
		case 2:
			_, err := w.answering(c, ask, func(a act) {
				w.bot("POST", a.callback(), map[string]any{"type": 9, "data": map[string]any{"custom_id": "asked",
					"title": "x", "components": []any{row(map[string]any{"type": 4, "custom_id": "t", "style": 1,
						"label": "x"})}}}).must(t, 204)
			})
			testkit.NoError(t, err)
			ask = func(ctx context.Context) (*discordsim.Answer, error) {
				return w.SubmitModal(ctx, w.Owner.ID, "asked", map[string]any{"t": "x"})
			}
		case 3:
			ask = func(ctx context.Context) (*discordsim.Answer, error) {
				_, err := w.Autocomplete(ctx, w.Owner.ID, discordsim.CommandRun{Guild: w.Guild.ID, Name: "create-room",
					Options: map[string]any{"name": "x"}}, "name")
				return nil, err
			}
		}
		_, err := w.answering(c, ask, func(a act) {
			status := bot("POST", a.callback(), body)
			if status >= 500 {
				t.Errorf("%q answers type %d: %d", body, a.Type, status)
			}
			if status >= 300 {
				last := `{"type":4,"data":{"content":"x"}}`
				if a.Type == 4 {
					last = `{"type":8,"data":{"choices":[]}}`
				}
				if status := bot("POST", a.callback(), last); status != http.StatusNoContent {
					t.Errorf("after %q was refused: %d", body, status)
				}
			}
			for _, edit := range []string{body, `{"content":"x"}`} {
				if status := bot("PATCH", w.hook(a, "/messages/@original"), edit); status >= 500 {
					t.Errorf("%q edits: %d", edit, status)
				}
			}
		})
		if err != nil {
			t.Errorf("after %q: %v", body, err)
		}
	})
}

// documentedCloses are the codes with which Discord closes ("Gateway Close Event Codes"), and those of WebSockets with
// which any server does.
var documentedCloses = []int{4000, 4001, 4002, 4003, 4004, 4005, 4007, 4008, 4009, 4010, 4011, 4012, 4013, 4014,
	websocket.CloseNormalClosure, websocket.CloseGoingAway, websocket.CloseProtocolError, websocket.CloseMessageTooBig}

// FuzzFrames sends anything to the gateway, before and after IDENTIFY, as text or as bytes, in each encoding under each
// compression: it goes on, or closes with a documented code, and others are served.
func FuzzFrames(f *testing.F) {
	limits := discordsim.NoRateLimits()
	var panicked atomic.Value
	s, d := discordsim.StartTest(f, discordsim.Options{Seed: 1, Limits: &limits,
		Wrap: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer func() {
					if p := recover(); p != nil {
						panicked.Store(fmt.Sprintf("%v\n%s", p, debug.Stack()))
					}
				}()
				next.ServeHTTP(w, r)
			})
		}})
	for _, p := range []string{`{"op":1,"d":"x"}`, `{"op":2,"d":{"shard":[0]}}`, `{"op":2,"d":null}`,
		`{"op":2,"d":{"token":"TOKEN","intents":513,"properties":{}}}`,
		`{"op":2,"d":{"token":"TOKEN","intents":-1,"properties":{}}}`,
		`{"op":2,"d":{"token":"TOKEN","intents":99999999999,"properties":{},"shard":[-1,1]}}`,
		`{"op":2,"d":{"token":"TOKEN","intents":0,"properties":{},"shard":[0,0],"compress":true,"presence":7}}`,
		`{"op":6,"d":{"seq":null}}`, `{"op":6,"d":{"token":"TOKEN","session_id":"x","seq":-1}}`,
		`{"op":8,"d":{"guild_id":[]}}`, `{"op":8,"d":{"guild_id":"GUILD","user_ids":["1",2],"nonce":{}}}`,
		`{"op":8,"d":{"guild_id":"1","user_ids":"x"}}`, `{"op":8,"d":{"guild_id":"GUILD","query":"","limit":-1}}`,
		`{"op":4,"d":{"guild_id":"1","channel_id":"2"}}`, `{"op":4,"d":{"guild_id":"GUILD","channel_id":null}}`,
		`{"op":3,"d":[]}`, `{"op":3,"d":{"since":0,"activities":[{}],"status":"x","afk":0}}`,
		`{"op":43}`, `{"op":43,"d":{"guild_id":"GUILD","fields":[1]}}`, `{"op":31,"d":{"guild_ids":null}}`,
		`{"op":0,"t":"READY","d":{}}`, `{"op":11}`, `{"op":1.5}`, `{"op":"2"}`, `[]`, `7`, ``, "\x00", "\x83t",
		"\x83t\x00\x00\x00\x02m\x00\x00\x00\x02opa\x01m\x00\x00\x00\x01ds\x03nil",
		"\x83t\x00\x00\x00\x02m\x00\x00\x00\x02opa\x02m\x00\x00\x00\x01dt\x00\x00\x00\x00",
		"x\x9c\xcbH\xcd\xc9\xc9\x07\x00\x06,\x02\x15\x00\x00\xff\xff", "\x28\xb5\x2f\xfd\x00", "\xff\xfe{"} {
		for way := range uint8(8) {
			f.Add([]byte(p), way, way%2 == 0, way >= 3)
		}
	}
	known := strings.NewReplacer("TOKEN", d.Application.BotToken, "GUILD", d.Guild.ID.String())
	f.Fuzz(func(t *testing.T, frame []byte, way uint8, in, binary bool) {
		text := known.Replace(string(frame))
		w := &world{Server: s, Demo: d, t: t, base: s.URL()}
		compress := []string{"", "zlib-stream", "zstd-stream", "payload"}[way%4]
		c := w.dialAs([]string{"json", "etf"}[way/4%2], compress)
		c.hello()
		if in {
			c.identify(d.Application.BotToken, map[string]any{"compress": compress == "payload"})
			c.until("GUILD_CREATE", nil)
		}
		message := websocket.TextMessage
		if binary {
			message = websocket.BinaryMessage
		}
		// What can't be written any more was answered by closing.
		_ = c.ws.WriteMessage(message, []byte(text))
		_ = c.ws.WriteMessage(c.encode(1, nil))
		for {
			p, err := c.tryNext()
			if err == nil && p.Op != 11 {
				continue
			}
			// Other errors are of sockets that were closed before everything was read.
			if closed, is := errors.AsType[*websocket.CloseError](err); is &&
				!slices.Contains(documentedCloses, closed.Code) {
				t.Errorf("after %q: %v", text, err)
			}
			break
		}
		c.ws.Close()
		if p := panicked.Load(); p != nil {
			t.Errorf("after %q: %v", text, p)
		}
	})
}
