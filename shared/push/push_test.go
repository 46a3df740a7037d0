package push

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
)

func TestQuietHours(t *testing.T) {
	t.Parallel()
	at := func(clock string) time.Time {
		v, err := time.Parse(time.RFC3339, "2026-07-01T"+clock+":00Z")
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	night := Quiet{On: true, From: "22:00", To: "07:00", Zone: "Europe/Berlin"} // UTC+2 in July
	noon := Quiet{On: true, From: "12:00", To: "13:00", Zone: "UTC"}
	for name, x := range map[string]struct {
		q     Quiet
		clock string // UTC
		want  bool
	}{
		"begins":               {night, "20:00", true},
		"just before":          {night, "19:59", false},
		"after midnight":       {night, "01:00", true},
		"ends":                 {night, "05:00", false},
		"last minute":          {night, "04:59", true},
		"within a day":         {noon, "12:30", true},
		"within a day, after":  {noon, "13:00", false},
		"off":                  {Quiet{From: "00:00", To: "23:59", Zone: "UTC"}, "12:00", false},
		"unreadable":           {Quiet{On: true, From: "x", To: "07:00", Zone: "UTC"}, "01:00", false},
		"the machine's zone":   {Quiet{On: true, From: "00:00", To: "23:59", Zone: "Local"}, "12:00", false},
		"a zone that is none":  {Quiet{On: true, From: "00:00", To: "23:59", Zone: "Mars/Base"}, "12:00", false},
		"no zone, so no hours": {Quiet{On: true, From: "00:00", To: "23:59"}, "12:00", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := x.q.At(at(x.clock)); got != x.want {
				t.Errorf("%+v at %s: quiet is %t", x.q, x.clock, got)
			}
		})
	}
}

func TestCheckingQuietHours(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		q     Quiet
		field string
	}{
		"nothing":        {Quiet{}, ""},
		"a zone alone":   {Quiet{Zone: "Europe/Berlin"}, ""},
		"a night":        {Quiet{On: true, From: " 22:00", To: "7:00 ", Zone: "Asia/Tokyo"}, ""},
		"no time":        {Quiet{On: true, To: "07:00", Zone: "UTC"}, "from"},
		"no such time":   {Quiet{On: true, From: "22:00", To: "24:30", Zone: "UTC"}, "to"},
		"no such zone":   {Quiet{On: true, From: "22:00", To: "07:00", Zone: "../etc/passwd"}, "zone"},
		"the same twice": {Quiet{On: true, From: "07:00", To: "7:00", Zone: "UTC"}, "to"},
	} {
		t.Run(name, func(t *testing.T) {
			err := x.q.Check()
			if x.field == "" && err != nil || x.field != "" && errs.Public(err).Field != x.field {
				t.Errorf("%v, want a refusal of %q", err, x.field)
			}
			if err == nil && x.q.On && x.q.To != "07:00" {
				t.Errorf("normalized to %+v", x.q)
			}
		})
	}
}

func TestCheckingSubscriptions(t *testing.T) {
	t.Parallel()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := Subscription{
		Endpoint: "https://push.example.org/abc",
		P256DH:   base64.RawURLEncoding.EncodeToString(key.PublicKey().Bytes()),
		Auth:     base64.URLEncoding.EncodeToString(make([]byte, 16)), // with padding
	}
	for name, x := range map[string]struct {
		change func(*Subscription)
		field  string
	}{
		"good":            {func(*Subscription) {}, ""},
		"plain http":      {func(s *Subscription) { s.Endpoint = "http://push.example.org/abc" }, "endpoint"},
		"with a password": {func(s *Subscription) { s.Endpoint = "https://a:b@push.example.org/" }, "endpoint"},
		"no host":         {func(s *Subscription) { s.Endpoint = "https:///abc" }, "endpoint"},
		"too long":        {func(s *Subscription) { s.Endpoint += strings.Repeat("x", MaxEndpoint) }, "endpoint"},
		"a key off the curve": {func(s *Subscription) {
			s.P256DH = base64.RawURLEncoding.EncodeToString(append([]byte{4}, make([]byte, 64)...))
		}, "p256dh"},
		"a short secret": {func(s *Subscription) { s.Auth = "AAAA" }, "auth"},
	} {
		t.Run(name, func(t *testing.T) {
			s := good
			x.change(&s)
			if err := s.Check(); x.field == "" && err != nil || x.field != "" && errs.Public(err).Field != x.field {
				t.Errorf("%v, want a refusal of %q", err, x.field)
			}
		})
	}
}

func TestDevices(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	var p Person
	for i := range MaxDevices {
		at := begin.Add(time.Duration(i) * time.Minute)
		if err := p.AddDevice(Device{ID: string(rune('a' + i)), AddedAt: at, RenewedAt: at}, ""); err != nil {
			t.Fatal(err)
		}
	}
	later := begin.Add(time.Hour)
	if err := p.AddDevice(Device{ID: "new", AddedAt: later, RenewedAt: later}, ""); !errs.Has(err, errs.Conflict) {
		t.Errorf("one too many: %v", err)
	}
	err := p.AddDevice(Device{ID: "new", AddedAt: later, RenewedAt: later}, "a")
	if err != nil || p.Device("a") != nil || !p.Device("new").AddedAt.Equal(begin) {
		t.Errorf("in another's place: %v, %+v", err, p.Devices)
	}
	if err := p.AddDevice(Device{ID: "b", Lang: "de", AddedAt: later, RenewedAt: later}, ""); err != nil ||
		p.Device("b").Lang != "de" || len(p.Devices) != MaxDevices {
		t.Errorf("renewed: %v, %+v", err, p.Devices)
	}
	old := begin.Add(DeviceLife + 30*time.Minute) // all but new and b are too old
	if err := p.AddDevice(Device{ID: "last", AddedAt: old, RenewedAt: old}, ""); err != nil || len(p.Devices) != 3 {
		t.Errorf("beside forgotten ones: %v, %+v", err, p.Devices)
	}
	if got := p.NewMessages(Message{ID: "x", At: later}); len(got) != 2 {
		t.Errorf("a device that was added later was told too: %+v", got)
	}
}

func TestMessagesEnd(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	m := Message{State: Pending, Who: 7, Until: now.Add(20 * time.Second)}
	m.Later(now, 0)
	if m.State != Pending || !m.NextAt.Equal(now.Add(2*time.Second)) {
		t.Errorf("first: %+v", m)
	}
	m.Later(now, 10*time.Second)
	if m.State != Pending || !m.NextAt.Equal(now.Add(10*time.Second)) {
		t.Errorf("as the push service asked: %+v", m)
	}
	m.Later(now, time.Minute)
	if m.State != Over || m.Who != 0 {
		t.Errorf("too late: %+v", m)
	}
}

func TestKindsAndTrust(t *testing.T) {
	t.Parallel()
	var p Person
	if err := p.SetKinds([]Kind{Closing, Knock, Knock}); err != nil || !slices.Equal(p.Kinds, []Kind{Knock, Closing}) {
		t.Errorf("%v, %v", p.Kinds, err)
	}
	if err := p.SetKinds([]Kind{Test}); errs.Public(err).Field != "kinds" {
		t.Errorf("a test can't be switched on: %v", err)
	}
	for i := range MaxTrusted {
		if err := p.Trust(Friend{UserID: snowflake.ID(i + 1), Name: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Trust(Friend{UserID: 5000}); !errs.Has(err, errs.Conflict) {
		t.Errorf("one too many: %v", err)
	}
	if err := p.Trust(Friend{UserID: 1, Name: "y"}); err != nil || !p.Trusts(1) {
		t.Errorf("renamed: %v", err)
	}
	if p.Distrust(1); p.Trusts(1) {
		t.Error("still trusted")
	}
}
