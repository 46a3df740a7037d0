package webhook

import (
	"net/http"
	"net/netip"
	"strconv"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"snug/shared/audit"
	"snug/shared/errs"
)

// Receivers verify signatures with the Standard Webhooks library.
func TestSignaturesAreStandard(t *testing.T) {
	secret, now := NewSecret(), time.Now()
	w, err := standard.NewWebhook(SecretText(secret))
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"type":"ping"}`)
	h := http.Header{}
	h.Set(HeaderID, "msg_1")
	h.Set(HeaderTime, strconv.FormatInt(now.Unix(), 10))
	h.Set(HeaderSignature, Sign(secret, "msg_1", now, body))
	if err := w.Verify(body, h); err != nil {
		t.Error(err)
	}
	if err := w.Verify([]byte(`{"type":"pong"}`), h); err == nil {
		t.Error("another body verifies")
	}
	h.Set(HeaderID, "msg_2")
	if err := w.Verify(body, h); err == nil {
		t.Error("another id verifies")
	}
}

func TestPublic(t *testing.T) {
	for _, s := range []string{
		"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "198.18.0.1",
		"224.0.0.1", "255.255.255.255", "240.0.0.1",
		"::1", "::", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
		"64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::", "192.0.2.7", "fe80::1%eth0",
		"64:ff9b:1::1", "100::1", "5f00::1", "4000::1", "1::1", "e000::1", "2001:db8::1", "3fff::1", "fec0::1",
	} {
		if Public(netip.MustParseAddr(s)) {
			t.Errorf("%s counts as public", s)
		}
	}
	for _, s := range []string{"1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001:82a::200e"} {
		if !Public(netip.MustParseAddr(s)) {
			t.Errorf("%s does not count as public", s)
		}
	}
}

func TestTries(t *testing.T) {
	now := time.Now()
	d, err := NewDelivery(Hook{ID: "h", GuildID: 1}, "m", Ping, now, nil, now)
	if err != nil || d.State != Pending || !d.NextAt.Equal(now) {
		t.Fatal(d, err)
	}
	var waits []time.Duration
	for d.State == Pending {
		d.Tried(Try{At: now, Failure: "500"})
		if d.State == Pending {
			waits = append(waits, d.NextAt.Sub(now))
			now = d.NextAt
			if !d.Until.After(d.NextAt) {
				t.Error("it is forgotten before its next try")
			}
		}
	}
	if d.State != Failed || len(waits) != 10 || waits[0] != 5*time.Second || waits[9] != 24*time.Hour {
		t.Errorf("%s after %v", d.State, waits)
	}
	d.Again(now)
	d.Tried(Try{At: now})
	if d.State != Done {
		t.Errorf("got %s", d.State)
	}
}

func TestCheck(t *testing.T) {
	good := Hook{Name: " a  b ", URL: " https://example.org/x?y=1 ", Kinds: []audit.Kind{audit.RoomOpened}}
	if err := good.Check(); err != nil || good.Name != "a b" || good.URL != "https://example.org/x?y=1" {
		t.Error(good, err)
	}
	for field, h := range map[string]Hook{
		"name": {URL: "https://example.org"}, "url": {Name: "x", URL: "ftp://example.org"},
		"kinds": {Name: "x", URL: "https://example.org", Kinds: []audit.Kind{"x"}},
	} {
		if err := h.Check(); errs.Public(err).Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	for _, u := range []string{
		"", "https://", "https://a:b@example.org", "javascript:alert(1)", "//example.org", "file:///etc/passwd",
	} {
		h := Hook{Name: "x", URL: u}
		if h.Check() == nil {
			t.Errorf("%q is taken", u)
		}
	}
}
