package discordsim_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"snug/shared/discordsim"
)

func TestGatewayRules(t *testing.T) {
	hello := func(w *world) *client { c := w.dial("?v=10&encoding=json"); c.hello(); return c }
	identify := func(w *world, more map[string]any) map[string]any {
		d := map[string]any{
			"token": w.Application.BotToken, "intents": 1, "properties": map[string]string{"$os": "linux"},
		}
		for k, v := range more {
			d[k] = v
		}
		return d
	}
	closes := func(code int, do func(w *world, c *client)) func(*testing.T, *world) {
		return func(t *testing.T, w *world) {
			c := hello(w)
			do(w, c)
			if got := c.closed(); got != code {
				t.Errorf("closed with %d, want %d", got, code)
			}
		}
	}
	runRules(t, []rule{
		{"an unknown opcode: 4001", docCodes, closes(4001, func(_ *world, c *client) { c.send(99, nil) })},
		{"no JSON: 4002", docCodes, closes(4002, func(_ *world, c *client) { _ = c.ws.WriteMessage(1, []byte("{")) })},
		{"too much at once: 4002", docGateway + "#sending-events", closes(4002, func(w *world, c *client) {
			c.send(2, identify(w, map[string]any{"x": strings.Repeat("x", 4096)}))
		})},
		{"before IDENTIFY: 4003", docCodes, closes(4003, func(_ *world, c *client) { c.send(3, map[string]any{}) })},
		{
			"a wrong token: 4004", docCodes,
			closes(4004, func(w *world, c *client) { c.send(2, identify(w, map[string]any{"token": "x"})) }),
		},
		{
			"IDENTIFY twice: 4005", docCodes,
			closes(4005, func(w *world, c *client) { c.send(2, identify(w, nil)); c.send(2, identify(w, nil)) }),
		},
		{"a sequence that never was: 4007", docCodes, closes(4007, func(w *world, c *client) {
			r := hello(w).identify(w.Application.BotToken, nil)
			c.send(6, map[string]any{"token": w.Application.BotToken, "session_id": r.SessionID, "seq": 999})
		})},
		{
			"a wrong shard: 4010", docCodes,
			closes(4010, func(w *world, c *client) { c.send(2, identify(w, map[string]any{"shard": [2]int{2, 2}})) }),
		},
		{
			"unknown intents: 4013", docCodes,
			closes(4013, func(w *world, c *client) { c.send(2, identify(w, map[string]any{"intents": 1 << 40})) }),
		},
		{
			"no intents: 4013", docGateway + "#gateway-intents",
			closes(4013, func(w *world, c *client) { c.send(2, identify(w, map[string]any{"intents": nil})) }),
		},
		{"intents that are not switched on: 4014", docGateway + "#privileged-intents",
			closes(4014, func(w *world, c *client) {
				app := w.AddApplication(discordsim.ApplicationOptions{Name: "x", NoPrivilegedIntents: true})
				c.send(2, identify(w, map[string]any{"token": app.BotToken, "intents": 2}))
			})},
		{"another version: 4012", docCodes, func(t *testing.T, w *world) {
			if got := w.dial("?v=6").closed(); got != 4012 {
				t.Errorf("closed with %d", got)
			}
		}},
		{"version 9 is told in READY", docReference + "#api-versioning", func(t *testing.T, w *world) {
			c := w.dial("?v=9&encoding=json")
			c.hello()
			if r := c.identify(w.Application.BotToken, nil); r.V != 9 {
				t.Errorf("v %d", r.V)
			}
		}},
		{"heartbeats with 0, null and a number", docGateway + "#sending-heartbeats", func(t *testing.T, w *world) {
			c := hello(w)
			for _, d := range []any{0, nil, 7} {
				c.send(1, d)
				if p := c.next(); p.Op != 11 {
					t.Errorf("op %d", p.Op)
				}
			}
		}},
		{"ids as numbers, a guild as a list, truth as 0 and 1", docEvents + "#request-guild-members",
			func(t *testing.T, w *world) {
				c, _ := w.login(nil)
				guild := uint64(w.Guild.ID)
				for _, d := range []map[string]any{
					{"guild_id": guild, "user_ids": uint64(w.Owner.ID), "presences": 0, "limit": 0},
					{
						"guild_id": []string{w.Guild.ID.String()}, "user_ids": []any{uint64(w.Owner.ID)},
						"presences": 1, "nonce": "x",
					},
				} {
					c.send(8, d)
					var chunk struct{ Members []json.RawMessage }
					if c.until("GUILD_MEMBERS_CHUNK", &chunk); len(chunk.Members) != 1 {
						t.Errorf("%v gave %d members", d, len(chunk.Members))
					}
				}
				c.send(3, map[string]any{"since": 91879201.5, "activities": []any{}, "status": "online", "afk": 0})
				c.send(4,
					map[string]any{
						"guild_id": guild, "channel_id": uint64(w.Lounge.ID), "self_mute": true, "self_deaf": 0,
					})
				c.until("VOICE_SERVER_UPDATE", nil)
				c.send(4, map[string]any{"guild_id": guild, "channel_id": nil, "self_mute": false, "self_deaf": false})
				c.until("VOICE_STATE_UPDATE", nil)
			}},
		{"an unknown session cannot be resumed", docGateway + "#resuming", func(t *testing.T, w *world) {
			c := hello(w)
			c.send(6, map[string]any{"token": w.Application.BotToken, "session_id": "x", "seq": 1})
			if p := c.next(); p.Op != 9 || string(p.D) != "false" {
				t.Errorf("op %d %s", p.Op, p.D)
			}
			c.identify(w.Application.BotToken, nil)
		}},
		{"1000 and 1001 end the session, others do not", docGateway + "#initiating-a-disconnect",
			func(t *testing.T, w *world) {
				for code, want := range map[int]string{1000: "", 1001: "", 4000: "RESUMED", 4900: "RESUMED"} {
					c, r := w.login(nil)
					if err := c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""),
						time.Now().Add(time.Second)); err != nil {
						t.Fatal(err)
					}
					if _, err := c.tryNext(); err == nil {
						t.Fatal("not closed")
					}
					n := hello(w)
					n.send(6, map[string]any{"token": w.Application.BotToken, "session_id": r.SessionID, "seq": c.seq})
					if p := n.next(); p.T != want {
						t.Errorf("after %d: op %d %s", code, p.Op, p.T)
					}
				}
			}},
		{"a second connection takes a session over", docGateway + "#resuming", func(t *testing.T, w *world) {
			c, r := w.login(nil)
			n := hello(w)
			n.send(6, map[string]any{"token": w.Application.BotToken, "session_id": r.SessionID, "seq": c.seq})
			n.until("RESUMED", nil)
			if got := c.closed(); got != 4000 {
				t.Errorf("the old one was closed with %d", got)
			}
		}},
		{"guilds go to the shard (id >> 22) % n", docGateway + "#sharding", func(t *testing.T, w *world) {
			want := map[string]int{}
			for i := range 7 {
				g, err := w.AddGuild(string(rune('A'+i))+" guild", w.Owner.ID)
				if err != nil {
					t.Fatal(err)
				}
				if err := w.Server.InstallBot(g.ID, w.Application.ID, 0); err != nil {
					t.Fatal(err)
				}
				want[g.ID.String()] = int(uint64(g.ID) >> 22 % 3)
			}
			want[w.Guild.ID.String()] = int(uint64(w.Guild.ID) >> 22 % 3)
			for shard := range 3 {
				c := hello(w)
				r := c.identify(w.Application.BotToken, map[string]any{"shard": [2]int{shard, 3}})
				for _, g := range r.Guilds {
					if want[g.ID.String()] != shard {
						t.Errorf("guild %s on shard %d", g.ID, shard)
					}
					delete(want, g.ID.String())
				}
				for range r.Guilds {
					c.until("GUILD_CREATE", nil)
				}
			}
			if len(want) > 0 {
				t.Errorf("nowhere: %v", want)
			}
		}},
		{"intents choose the events", docGateway + "#list-of-intents", func(t *testing.T, w *world) {
			quiet := hello(w)
			quiet.identify(w.Application.BotToken, map[string]any{"intents": 1})
			var g struct {
				Voice   []json.RawMessage `json:"voice_states"`
				Members []json.RawMessage `json:"members"`
			}
			w.join(w.Users[2], w.Lounge.ID)
			quiet.until("GUILD_CREATE", &g)
			if len(g.Voice) != 0 {
				t.Error("voice states without the intent")
			}
			full := hello(w)
			full.identify(w.Application.BotToken, map[string]any{"intents": 1 | 1<<7})
			full.until("GUILD_CREATE", &g)
			if len(g.Voice) != 1 || len(g.Members) != 2 {
				t.Errorf("%d voice states, %d members: want who is in voice and the bot", len(g.Voice), len(g.Members))
			}
			w.join(w.Users[2], w.Arena.ID)
			if _, err := w.AddChannel(w.Guild.ID, discordsim.ChannelOptions{Name: "x"}); err != nil {
				t.Fatal(err)
			}
			p := quiet.next()
			for p.T == "VOICE_CHANNEL_START_TIME_UPDATE" { // of both channels
				p = quiet.next()
			}
			if p.T != "CHANNEL_CREATE" {
				t.Errorf("%s came without its intent", p.T)
			}
			if p := full.next(); p.T != "VOICE_STATE_UPDATE" {
				t.Errorf("%s", p.T)
			}
		}},
		{"what people say needs the content intent", docGateway + "#message-content-intent",
			func(t *testing.T, w *world) {
				with, without := hello(w), hello(w)
				with.identify(w.Application.BotToken, map[string]any{"intents": 1<<9 | 1<<15})
				without.identify(w.Application.BotToken, map[string]any{"intents": 1 << 9})
				if _, err := w.SendMessage(w.Owner.ID, w.General.ID, "secret"); err != nil {
					t.Fatal(err)
				}
				var m struct{ Content string }
				with.until("MESSAGE_CREATE", &m)
				if m.Content != "secret" {
					t.Errorf("%+v", m)
				}
				without.until("MESSAGE_CREATE", &m)
				if m.Content != "" {
					t.Errorf("%+v", m)
				}
			}},
		{"who is mentioned is told as a member", docEvents + "#message-create", func(t *testing.T, w *world) {
			c := hello(w)
			c.identify(w.Application.BotToken, map[string]any{"intents": 1<<9 | 1<<15})
			if _, err := w.SendMessage(w.Owner.ID, w.General.ID, "<@"+w.Users[3].ID.String()+">"); err != nil {
				t.Fatal(err)
			}
			var m struct {
				Mentions []struct{ Member *struct{ Roles []string } }
			}
			if c.until("MESSAGE_CREATE", &m); len(m.Mentions) != 1 || m.Mentions[0].Member == nil {
				t.Errorf("%+v", m)
			}
		}},
		{"members on request, in chunks", docEvents + "#request-guild-members", func(t *testing.T, w *world) {
			for i := range 1200 {
				if err := w.AddMember(w.Guild.ID, w.AddUser("crowd"+strconv.Itoa(i), "").ID, ""); err != nil {
					t.Fatal(err)
				}
			}
			c, _ := w.login(nil)
			c.send(8, map[string]any{"guild_id": w.Guild.ID, "query": "", "limit": 0, "nonce": "n"})
			var k struct {
				Members []json.RawMessage `json:"members"`
				Index   int               `json:"chunk_index"`
				Count   int               `json:"chunk_count"`
				Nonce   string            `json:"nonce"`
				Missing []string          `json:"not_found"`
			}
			c.until("GUILD_MEMBERS_CHUNK", &k)
			if len(k.Members) != 1000 || k.Count != 2 || k.Nonce != "n" {
				t.Errorf("%d members in chunk %d of %d", len(k.Members), k.Index, k.Count)
			}
			c.until("GUILD_MEMBERS_CHUNK", &k)
			if len(k.Members) != 210 || k.Index != 1 {
				t.Errorf("%d members in chunk %d", len(k.Members), k.Index)
			}
			c.send(8, map[string]any{"guild_id": w.Guild.ID, "user_ids": []string{w.Owner.ID.String(), "1"}})
			c.until("GUILD_MEMBERS_CHUNK", &k)
			if len(k.Members) != 1 || len(k.Missing) != 1 {
				t.Errorf("%+v", k)
			}
			many := make([]string, 101)
			for i := range many {
				many[i] = strconv.Itoa(i + 1)
			}
			c.send(8, map[string]any{"guild_id": w.Guild.ID, "user_ids": many})
			if c.until("GUILD_MEMBERS_CHUNK", &k); len(k.Missing) != 100 {
				t.Errorf("of 101 people asked for %d were looked up", len(k.Missing))
			}
			c.send(8, map[string]any{"guild_id": w.Guild.ID, "query": "ali", "limit": 5})
			c.until("GUILD_MEMBERS_CHUNK", &k)
			if len(k.Members) != 1 {
				t.Errorf("%d found", len(k.Members))
			}
		}},
		{"opcodes 3, 4, 31 and 43", docEvents + "#send-events", func(t *testing.T, w *world) {
			c, _ := w.login(nil)
			c.send(3, map[string]any{"since": nil, "activities": []any{}, "status": "online", "afk": false})
			c.send(31, map[string]any{"guild_ids": []any{w.Guild.ID}})
			c.until("SOUNDBOARD_SOUNDS", nil)
			c.send(4,
				map[string]any{
					"guild_id": w.Guild.ID, "channel_id": w.Lounge.ID, "self_mute": true, "self_deaf": false,
				})
			c.until("VOICE_STATE_UPDATE", nil)
			var v struct{ Token, Endpoint string }
			c.until("VOICE_SERVER_UPDATE", &v)
			if v.Token == "" || v.Endpoint == "" {
				t.Errorf("%+v", v)
			}
			w.bot("PUT", "/channels/"+w.Lounge.ID.String()+"/voice-status", map[string]any{"status": "here"}).must(t,
				204)
			c.until("VOICE_CHANNEL_STATUS_UPDATE", nil)
			c.send(43, map[string]any{"guild_id": w.Guild.ID, "fields": []string{"status"}})
			if p := c.until("CHANNEL_INFO", nil); !strings.Contains(string(p.D), `"status":"here"`) {
				t.Errorf("%s", p.D)
			}
			c.send(4, map[string]any{"guild_id": w.Guild.ID, "channel_id": nil})
			c.until("VOICE_STATE_UPDATE", nil)
		}},
		{"a voice session has a start and a status until the last one leaves",
			docEvents + "#voice-channel-start-time-update", func(t *testing.T, w *world) {
				c, _ := w.login(nil)
				info := func() (list []any) {
					c.send(43, map[string]any{"guild_id": w.Guild.ID, "fields": []string{"status", "voice_start_time"}})
					var v struct{ Channels []any }
					c.until("CHANNEL_INFO", &v)
					return v.Channels
				}
				var v struct {
					ID    discordsim.ID
					Start *int64 `json:"voice_start_time"`
				}
				join := func(user discordsim.ID, channel discordsim.ID) {
					if _, err := w.JoinVoice(w.Guild.ID, user, channel, discordsim.VoiceFlags{}); err != nil {
						t.Fatal(err)
					}
				}
				if list := info(); len(list) != 0 {
					t.Errorf("nobody is in voice: %v", list)
				}
				join(w.Owner.ID, w.Lounge.ID)
				c.until("VOICE_CHANNEL_START_TIME_UPDATE", &v)
				if v.ID != w.Lounge.ID || v.Start == nil {
					t.Errorf("it began: %+v", v)
				}
				join(w.Users[2].ID, w.Lounge.ID)
				w.bot("PUT", "/channels/"+w.Lounge.ID.String()+"/voice-status",
					map[string]any{"status": "here"}).must(t,
					204)
				if list := info(); len(list) != 1 || !strings.Contains(jsonOf(list[0]), `"voice_start_time"`) ||
					!strings.Contains(jsonOf(list[0]), `"here"`) {
					t.Errorf("%v", list)
				}
				if a := w.bot("GET", "/channels/"+w.Lounge.ID.String(), nil).must(t,
					200); strings.Contains(string(a.raw),
					`"status"`) {
					t.Errorf("a channel has its status: %s", a.raw)
				}
				for _, user := range []discordsim.ID{w.Owner.ID, w.Users[2].ID} {
					if _, err := w.LeaveVoice(w.Guild.ID, user); err != nil {
						t.Fatal(err)
					}
				}
				var gone struct{ Status *string }
				if c.until("VOICE_CHANNEL_STATUS_UPDATE", &gone); gone.Status != nil {
					t.Errorf("the status stays: %q", *gone.Status)
				}
				if c.until("VOICE_CHANNEL_START_TIME_UPDATE", &v); v.Start != nil {
					t.Errorf("it ended: %+v", v)
				}
				if list := info(); len(list) != 0 {
					t.Errorf("nobody is in voice any more: %v", list)
				}
			}},
		{"a channel that may not be viewed is obfuscated", docChannel + "#channel-object-obfuscated-channels",
			func(t *testing.T, w *world) {
				hidden, err := w.AddChannel(w.Guild.ID,
					discordsim.ChannelOptions{
						Name: "secret plans", Type: discordsim.ChannelVoice,
						Overwrites: []discordsim.Overwrite{{ID: w.Guild.ID, Deny: discordsim.PermViewChannel}},
					})
				if err != nil {
					t.Fatal(err)
				}
				c := hello(w)
				c.identify(w.Application.BotToken, nil)
				p := c.until("GUILD_CREATE", nil)
				if strings.Contains(string(p.D), "secret plans") || !strings.Contains(string(p.D), hidden.ID.String()) {
					t.Error("it is told by name, or not at all")
				}
				w.allow(discordsim.PermAdministrator)
				p = c.until("CHANNEL_UPDATE", nil)
				if !strings.Contains(string(p.D), "secret plans") {
					t.Errorf("%s", p.D)
				}
			}},
		{"joining and leaving guilds", docEvents + "#guild-create", func(t *testing.T, w *world) {
			c, _ := w.login(nil)
			g, err := w.AddGuild("Second", w.Owner.ID)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Server.InstallBot(g.ID, w.Application.ID, 0); err != nil {
				t.Fatal(err)
			}
			if p := c.next(); p.T != "GUILD_CREATE" {
				t.Errorf("%s", p.T)
			}
			if err := w.RemoveMember(g.ID, w.Application.ID); err != nil {
				t.Fatal(err)
			}
			if p := c.until("GUILD_DELETE", nil); strings.Contains(string(p.D), "unavailable") {
				t.Errorf("%s", p.D)
			}
		}},
	})
}
