package discordsim_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/gorilla/websocket"

	"snug/shared/discordsim"
)

const docETF = docGateway + "#using-etf-encoding"

func TestETFRules(t *testing.T) {
	hello := func(w *world) *client { c := w.dialAs("etf", ""); c.hello(); return c }
	refused := func(kind int, message string) func(*testing.T, *world) {
		return func(t *testing.T, w *world) {
			c := hello(w)
			if err := c.ws.WriteMessage(kind, []byte(message)); err != nil {
				t.Fatal(err)
			}
			if got := c.closed(); got != 4002 {
				t.Errorf("closed with %d", got)
			}
		}
	}
	beat := "\x83t\x00\x00\x00\x02m\x00\x00\x00\x02opa\x01m\x00\x00\x00\x01ds\x03nil"
	runRules(t, []rule{
		{"keys that are atoms: 4002", docETF,
			refused(websocket.BinaryMessage, "\x83t\x00\x00\x00\x01d\x00\x02opa\x01")},
		{"compressed terms: 4002", docETF,
			refused(websocket.BinaryMessage, "\x83P\x00\x00\x00\x02x\x9cK\xfa\x0f\x00\x01%\x00\xc5")},
		{"terms in text: 4002", docETF, refused(websocket.TextMessage, beat)},
		{"JSON: 4002", docETF, refused(websocket.BinaryMessage, `{"op":1,"d":null}`)},
		{"terms on a connection in JSON: 4002", docETF, func(t *testing.T, w *world) {
			c := w.dialAs("json", "")
			c.hello()
			if err := c.ws.WriteMessage(websocket.BinaryMessage, []byte(beat)); err != nil {
				t.Fatal(err)
			}
			if got := c.closed(); got != 4002 {
				t.Errorf("closed with %d", got)
			}
		}},
		{"an encoding that Discord doesn't have: 4002", docGateway + "#connecting", func(t *testing.T, w *world) {
			if got := w.dial("?v=10&encoding=msgpack").closed(); got != 4002 {
				t.Errorf("closed with %d", got)
			}
		}},
		{"keys are atoms in one event and strings in the next", docETF, func(t *testing.T, w *world) {
			c := hello(w)
			read := c.read
			kinds := map[bool]int{}
			c.read = func() ([]byte, error) {
				b, err := read()
				if at := bytes.Index(b, []byte("guild_id")); at > 4 {
					kinds[b[at-3] == 'd']++ // an atom's length has two bytes, a string's four
				}
				return b, err
			}
			c.identify(w.Application.BotToken, nil)
			c.until("GUILD_CREATE", nil)
			for _, u := range w.Users[:2] {
				w.join(u, w.Lounge.ID)
				c.until("VOICE_STATE_UPDATE", nil)
			}
			if kinds[true] == 0 || kinds[false] == 0 {
				t.Errorf("by whether they are atoms: %v", kinds)
			}
		}},
		{"ids are numbers, in both directions", docETF, func(t *testing.T, w *world) {
			c := hello(w)
			c.identify(w.Application.BotToken, nil)
			c.until("GUILD_CREATE", nil)
			c.send(8, map[string]any{"guild_id": w.Guild.ID, "user_ids": []any{w.Owner.ID}, "limit": 0})
			var chunk struct {
				Guild   uint64 `json:"guild_id"`
				Members []struct{ User struct{ ID uint64 } }
			}
			c.until("GUILD_MEMBERS_CHUNK", &chunk)
			if chunk.Guild != uint64(w.Guild.ID) || len(chunk.Members) != 1 ||
				chunk.Members[0].User.ID != uint64(w.Owner.ID) {
				t.Errorf("%+v", chunk)
			}
			c.send(4, map[string]any{"guild_id": w.Guild.ID, "channel_id": w.Lounge.ID, "self_mute": true,
				"self_deaf": false})
			c.until("VOICE_SERVER_UPDATE", nil)
		}},
		{"a session in JSON goes on in ETF", docGateway + "#resuming", func(t *testing.T, w *world) {
			w.join(w.Users[4], w.Lounge.ID) // so that no session of voice begins there meanwhile
			c, r := w.login(nil)
			if err := w.inject(discordsim.Fault{Kind: discordsim.FaultDrop}); err != nil {
				t.Fatal(err)
			}
			if _, err := c.tryNext(); err == nil {
				t.Fatal("not cut")
			}
			w.join(w.Users[0], w.Lounge.ID)
			n := hello(w)
			n.send(6, map[string]any{"token": w.Application.BotToken, "session_id": r.SessionID, "seq": c.seq})
			p := n.next()
			var v struct {
				User json.Number `json:"user_id"`
			}
			if err := json.Unmarshal(p.D, &v); err != nil || p.T != "VOICE_STATE_UPDATE" || *p.S != c.seq+1 ||
				v.User.String() != w.Users[0].ID.String() {
				t.Errorf("replayed %s %s, %v", p.T, p.D, err)
			}
			if p := n.next(); p.T != "RESUMED" {
				t.Errorf("%s instead of RESUMED", p.T)
			}
		}},
	})
}
