package protocol

import (
	"strings"
	"testing"
	"time"

	"snug/shared/errs"
)

func TestDecodeClient(t *testing.T) {
	long := strings.Repeat("a", MaxClientMessage)
	for _, c := range []struct {
		name, in string
		want     FromClient // nil if the message must be refused
		field    string
	}{
		{"auth", `{"v":1,"type":"auth","token":"x.y.z","ts":1704240000000}`, Auth{Token: "x.y.z"}, ""},
		{"auth without ts", `{"v":1,"type":"auth","token":"x"}`, Auth{Token: "x"}, ""},
		{"auth with server", `{"v":1,"type":"auth","token":"x","guildId":"42"}`, Auth{Token: "x", GuildID: 42}, ""},
		{
			"visible", `{"v":1,"type":"event","event":"page.visible","payload":{"visible":true},"ts":1}`, Visible{true},
			"",
		},
		{
			"hidden, spaced",
			" {\"v\" : 1, \"type\":\"event\",\n\"event\":\"page.visible\",\"payload\":{\"visible\":false}} ",
			Visible{false}, "",
		},
		{
			"shown",
			`{"v":1,"type":"event","event":"event.rendered","ts":1,
				"payload":{"channelId":"7","rev":{"epoch":"e","n":3}}}`,
			Rendered{7, Rev{"e", 3}}, "",
		},
		{"shown without payload", `{"v":1,"type":"event","event":"event.rendered"}`, nil, "payload"},
		{
			"shown without a room",
			`{"v":1,"type":"event","event":"event.rendered","payload":{"rev":{"epoch":"e","n":3}}}`, nil, "channelId",
		},
		{
			"shown of no snowflake",
			`{"v":1,"type":"event","event":"event.rendered","payload":{"channelId":"x","rev":{"epoch":"e","n":3}}}`,
			nil, "channelId",
		},
		{
			"shown without a revision", `{"v":1,"type":"event","event":"event.rendered","payload":{"channelId":"7"}}`,
			nil, "rev",
		},
		{
			"shown of half a revision",
			`{"v":1,"type":"event","event":"event.rendered","payload":{"channelId":"7","rev":{"epoch":"e"}}}`, nil, "n",
		},
		{
			"shown of less than none",
			`{"v":1,"type":"event","event":"event.rendered","payload":{"channelId":"7","rev":{"epoch":"e","n":-1}}}`,
			nil, "n",
		},
		{
			"shown with more",
			`{"v":1,"type":"event","event":"event.rendered",
				"payload":{"channelId":"7","took":1,"rev":{"epoch":"e","n":3}}}`,
			nil, "took",
		},
		{
			"a revision with more",
			`{"v":1,"type":"event","event":"event.rendered",
				"payload":{"channelId":"7","rev":{"epoch":"e","n":3,"x":1}}}`,
			nil, "x",
		},
		{"empty", ``, nil, ""},
		{"not an object", `[1]`, nil, ""},
		{"not JSON", `{"v":1,`, nil, ""},
		{"more after it", `{"v":1,"type":"auth","token":"x"}{}`, nil, ""},
		{"no version", `{"type":"auth","token":"x"}`, nil, "v"},
		{"other version", `{"v":2,"type":"auth","token":"x"}`, nil, "v"},
		{"version as string", `{"v":"1","type":"auth","token":"x"}`, nil, "v"},
		{"no type", `{"v":1}`, nil, "type"},
		{"server's type", `{"v":1,"type":"ack"}`, nil, "type"},
		{"no token", `{"v":1,"type":"auth"}`, nil, "token"},
		{"empty token", `{"v":1,"type":"auth","token":""}`, nil, "token"},
		{"null token", `{"v":1,"type":"auth","token":null}`, nil, "token"},
		{"token not a string", `{"v":1,"type":"auth","token":7}`, nil, "token"},
		{"unknown field", `{"v":1,"type":"auth","token":"x","admin":true}`, nil, "admin"},
		{"field in another case", `{"v":1,"type":"auth","Token":"x"}`, nil, "token"},
		{"field twice", `{"v":1,"type":"auth","token":"x","token":"y"}`, nil, "token"},
		{"server not a snowflake", `{"v":1,"type":"auth","token":"x","guildId":"-1"}`, nil, "guildId"},
		{"server as a number", `{"v":1,"type":"auth","token":"x","guildId":42}`, nil, "guildId"},
		{"ts not a number", `{"v":1,"type":"auth","token":"x","ts":"now"}`, nil, "ts"},
		{"unknown event", `{"v":1,"type":"event","event":"room.snapshot","payload":{}}`, nil, "event"},
		{"event without payload", `{"v":1,"type":"event","event":"page.visible"}`, nil, "payload"},
		{
			"event with a token",
			`{"v":1,"type":"event","event":"page.visible","payload":{"visible":true},"token":"x"}`, nil, "token",
		},
		{"payload not an object", `{"v":1,"type":"event","event":"page.visible","payload":true}`, nil, "payload"},
		{
			"payload with more", `{"v":1,"type":"event","event":"page.visible","payload":{"visible":true,"x":1}}`, nil,
			"x",
		},
		{"payload without it", `{"v":1,"type":"event","event":"page.visible","payload":{}}`, nil, "visible"},
		{"not UTF-8", "{\"v\":1,\"type\":\"auth\",\"token\":\"\xff\"}", nil, ""},
		{"too long", `{"v":1,"type":"auth","token":"` + long + `"}`, nil, ""},
		{"deep", strings.Repeat(`{"v":`, 500), nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := DecodeClient([]byte(c.in))
			if c.want != nil {
				if err != nil || got != c.want {
					t.Fatalf("gave %#v, %v; want %#v", got, err, c.want)
				}
				return
			}
			if !errs.Has(err, errs.Invalid) {
				t.Fatalf("gave %#v, %v; want it refused", got, err)
			}
			if e := errs.Public(err); c.field != "" && e.Field != c.field {
				t.Errorf("the error is about %q, want %q: %v", e.Field, c.field, err)
			}
		})
	}
}

func FuzzDecodeClient(f *testing.F) {
	f.Add(Auth{Token: "x.y.z", GuildID: 42}.Encode(time.UnixMilli(1)))
	f.Add(Visible{true}.Encode(time.UnixMilli(1)))
	f.Add(Rendered{7, Rev{"e", 3}}.Encode(time.UnixMilli(1)))
	f.Add([]byte(`{"v":1,"type":"auth","token":"\ud800"}`))
	f.Add([]byte(`{"v":1e0,"type":"event","event":"page.visible","payload":{"visible":null}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := DecodeClient(b)
		if err != nil {
			if !errs.Has(err, errs.Invalid) || m != nil {
				t.Fatalf("refused with %#v, %v", m, err)
			}
			return
		}
		// A decoded message can be encoded again and decodes to the same value.
		said := m.Encode(time.UnixMilli(1))
		if len(said) > MaxClientMessage { // escaping makes some tokens longer
			return
		}
		again, err := DecodeClient(said)
		if err != nil || again != m {
			t.Fatalf("%#v became %#v, %v", m, again, err)
		}
	})
}
