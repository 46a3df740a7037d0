package discordsim_test

import (
	"strings"
	"testing"
)

// TestControlKnowsItsFields: a misspelt field is an error that names it, and changes nothing.
func TestControlKnowsItsFields(t *testing.T) {
	t.Parallel()
	w := start(t)
	user, guild := "/users/"+w.Owner.ID.String(), "/guilds/"+w.Guild.ID.String()
	for _, tc := range []struct {
		name, method, path, body, says string
	}{
		{"a user", "POST", "/users", `{"username":"eve","nick":"Eve"}`, `no field "nick"`},
		{"settings", "PATCH", user, `{"language":"de"}`, `no field "language"`},
		{"voice", "POST", user + "/voice", `{"channel":"1"}`, `no field "channel"`},
		{"a command", "POST", user + "/commands", `{"command":"ping"}`, `no field "command"`},
		{"a guild", "PATCH", guild, `{"screning":true}`, `no field "screning"`},
		{"inside", "PUT", "/channels/" + w.Lounge.ID.String() + "/overwrites",
			`{"permission_overwrites":[{"id":"1","type":0,"allowed":"1"}]}`, `no field "allowed"`},
		{"a wait", "POST", "/wait", `{"message":{"content":"x"}}`, `no field "content"`},
		{"a fault", "POST", "/faults", `{"kind":"latency","delay_s":1}`, `no field "delay_s"`},
		{"the clock", "POST", "/time", `{"by":60}`, `no field "by"`},
		{"two bodies", "POST", "/users", `{"username":"eve"}{}`, "more than one value"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := w.control(tc.method, tc.path, tc.body).must(t, 400)
			if !strings.Contains(a.str("message"), tc.says) {
				t.Errorf("%s", a.raw)
			}
		})
	}
	if a := w.control("GET", "/users", nil).must(t, 200); strings.Contains(string(a.raw), `"eve"`) {
		t.Errorf("%s", a.raw)
	}
}
