package etf

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// TestEncode compares with bytes that Erlang makes of the same terms, written down as its documents have them.
func TestEncode(t *testing.T) {
	for _, c := range []struct{ name, in, out string }{
		{"an envelope's keys and the event's name are atoms, and null is nil", `{"t":"READY","s":null}`,
			"\x83t\x00\x00\x00\x02d\x00\x01td\x00\x05READYd\x00\x01sd\x00\x03nil"},
		{"true and false are atoms", `[true,false]`, "\x83l\x00\x00\x00\x02d\x00\x04trued\x00\x05falsej"},
		{"an empty list", `[]`, "\x83j"},
		{"a list of bytes is a string", `[0,255]`, "\x83k\x00\x02\x00\xff"},
		{"a list of others is a list", `[0,256]`, "\x83l\x00\x00\x00\x02a\x00b\x00\x00\x01\x00j"},
		{"integers", `[255,-1,2147483647,-2147483648]`,
			"\x83l\x00\x00\x00\x04a\xffb\xff\xff\xff\xffb\x7f\xff\xff\xffb\x80\x00\x00\x00j"},
		{"large integers", `[2147483648,-2147483649,-9223372036854775808]`,
			"\x83l\x00\x00\x00\x03n\x04\x00\x00\x00\x00\x80n\x04\x01\x01\x00\x00\x80" +
				"n\x08\x01\x00\x00\x00\x00\x00\x00\x00\x80j"},
		{"a float", `1.5`, "\x83F\x3f\xf8\x00\x00\x00\x00\x00\x00"},
		{"a string is a binary", `"é"`, "\x83m\x00\x00\x00\x02é"},
		{"an id is a number", `{"id":"4294967296"}`, "\x83t\x00\x00\x00\x01d\x00\x02idn\x05\x00\x00\x00\x00\x00\x01"},
		{"and so are ids in lists", `{"roles":["4294967296"]}`,
			"\x83t\x00\x00\x00\x01d\x00\x05rolesl\x00\x00\x00\x01n\x05\x00\x00\x00\x00\x00\x01j"},
		{"an id as a key is a string", `{"4294967296":1}`, "\x83t\x00\x00\x00\x01m\x00\x00\x00\x0a4294967296a\x01"},
		{"what only looks like an id is a string", `{"custom_id":"4294967296"}`,
			"\x83t\x00\x00\x00\x01d\x00\x09custom_idm\x00\x00\x00\x0a4294967296"},
		{"in one event keys are atoms", `{"s":1,"d":{"a":1}}`,
			"\x83t\x00\x00\x00\x02d\x00\x01sa\x01d\x00\x01dt\x00\x00\x00\x01d\x00\x01aa\x01"},
		{"in the next they are strings", `{"s":2,"d":{"a":1}}`,
			"\x83t\x00\x00\x00\x02d\x00\x01sa\x02d\x00\x01dt\x00\x00\x00\x01m\x00\x00\x00\x01aa\x01"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Encode([]byte(c.in))
			if err != nil || string(got) != c.out {
				t.Errorf("%q, %v\nwant %q", got, err, c.out)
			}
		})
	}
	for _, in := range []string{``, `{`, `[1`, `{"a"`, `1e999`} {
		if got, err := Encode([]byte(in)); err == nil {
			t.Errorf("%s became %q", in, got)
		}
	}
}

func TestDecode(t *testing.T) {
	for _, c := range []struct{ name, in, out string }{
		{"erlpack's heartbeat", "\x83t\x00\x00\x00\x02m\x00\x00\x00\x02opa\x01m\x00\x00\x00\x01ds\x03nil",
			`{"op":1,"d":null}`},
		{"every kind of atom", "\x83l\x00\x00\x00\x04d\x00\x03nils\x04truev\x00\x05falsew\x03nilj",
			`[null,true,false,null]`},
		{"integers", "\x83l\x00\x00\x00\x04a\xffb\xff\xff\xff\xffn\x04\x01\x01\x00\x00\x80o\x00\x00\x00\x01\x00\x07j",
			`[255,-1,-2147483649,7]`},
		{"an id", "\x83n\x08\x00\xff\xff\xff\xff\xff\xff\xff\xff", `18446744073709551615`},
		{"a float stays one", "\x83F\x40\x00\x00\x00\x00\x00\x00\x00", `2.0`},
		{"as Erlang once wrote it", "\x83c1.50000000000000000000e+00\x00\x00\x00\x00\x00", `1.5`},
		{"a string of bytes is a list", "\x83k\x00\x02\x00\x01", `[0,1]`},
		{"an empty one", "\x83j", `[]`},
		{"text", "\x83m\x00\x00\x00\x03\"é", `"\"é"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := Decode([]byte(c.in)); err != nil || string(got) != c.out {
				t.Errorf("%s, %v\nwant %s", got, err, c.out)
			}
		})
	}
	for _, c := range []struct{ name, in, says string }{
		{"nothing", "", "too early"},
		{"JSON", `{"op":1}`, "version"},
		{"a key that is an atom", "\x83t\x00\x00\x00\x01d\x00\x02opa\x01", "key"},
		{"a key that is a number", "\x83t\x00\x00\x00\x01a\x01a\x01", "key"},
		{"the same key twice", "\x83t\x00\x00\x00\x02m\x00\x00\x00\x01aa\x01m\x00\x00\x00\x01aa\x01", "twice"},
		{"an atom", "\x83d\x00\x02ok", "atom"},
		{"a compressed term", "\x83P\x00\x00\x00\x02x\x9cK\xfa\x0f\x00\x01%\x00\xc5", "tag 80"},
		{"a tuple", "\x83h\x02a\x00a\x01", "tag 104"},
		{"a list with another tail", "\x83l\x00\x00\x00\x01a\x01a\x02", "without an end"},
		{"a list that is longer than the message", "\x83l\xff\xff\xff\xffa\x01", "too early"},
		{"a map that is", "\x83t\xff\xff\xff\xffm\x00\x00\x00\x00a\x01", "too early"},
		{"a string that is", "\x83m\xff\xff\xff\xffx", "too early"},
		{"a number of nine bytes", "\x83n\x09\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", "9 bytes"},
		{"no number", "\x83F\x7f\xf8\x00\x00\x00\x00\x00\x00", "finite"},
		{"what isn't UTF-8", "\x83m\x00\x00\x00\x01\xff", "UTF-8"},
		{"more after it", "\x83a\x01a", "after"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := Decode([]byte(c.in)); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s, %v", got, err)
			}
		})
	}
}

// FuzzDecode decodes anything: it is refused, or becomes JSON that comes back the same from being encoded.
func FuzzDecode(f *testing.F) {
	for _, in := range []string{
		`{"t":"READY","s":1,"op":0,"d":{"id":"4294967296","x":[1,null,{"y":[true,1.5]}]}}`, `[]`,
	} {
		seed, err := Encode([]byte(in))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
	}
	f.Add([]byte("\x83t\x00\x00\x00\x02m\x00\x00\x00\x02opa\x01m\x00\x00\x00\x01ds\x03nil"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<15 {
			return // the gateway takes 4 KiB, and encoding/json so many lists in lists
		}
		if read, err := Decode(data); err == nil && !json.Valid(read) {
			t.Fatalf("%q became %s", data, read)
		}
		read, err := DecodeSent(data)
		if err != nil {
			return
		}
		sent, err := Encode(read)
		if err != nil {
			t.Fatalf("%s: %v", read, err)
		}
		again, err := DecodeSent(sent)
		if err != nil {
			t.Fatalf("%s became %q: %v", read, sent, err)
		}
		once, err := Encode(again)
		if err != nil || !bytes.Equal(sent, once) {
			t.Fatalf("%q became %q, %v", sent, once, err)
		}
	})
}
