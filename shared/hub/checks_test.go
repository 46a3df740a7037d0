package hub

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"snug/shared/errs"
)

// accountOf starts a NATS server with one account of Snug's, which has these limits of JetStream and permissions.
func accountOf(t *testing.T, limits, permissions string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "nats.conf")
	text := fmt.Sprintf(`jetstream { max_memory_store: 4GB, max_file_store: 16GB }
		accounts { SNUG { jetstream: %s, users: [{ user: snug, password: sesame, permissions { %s } }] } }`, limits,
		permissions)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	read, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := startOutside(t, func(o *server.Options) { o.Accounts, o.Users = read.Accounts, read.Users })
	return strings.Replace(s.url, "//", "//snug:sesame@", 1)
}

const (
	mayPublish   = `"$JS.API.>", "$JS.SNAPSHOT.>", "$KV.>", "audit.>", "snug.>", "_INBOX.>"`
	maySubscribe = `"_INBOX.>", "audit.>", "snug.>"`
)

// without gives the permissions that Snug needs, but for one to publish and one to subscribe.
func without(publish, subscribe string) string {
	return fmt.Sprintf("publish: [%s], subscribe: [%s]", strings.ReplaceAll(mayPublish, `"`+publish+`"`, `"x"`),
		strings.ReplaceAll(maySubscribe, `"`+subscribe+`"`, `"x"`))
}

// TestServersThatCannotWork says of servers with a wrong configuration what's wrong and what to do, right away.
func TestServersThatCannotWork(t *testing.T) {
	t.Parallel()
	all := without("", "")
	for _, c := range []struct {
		name string
		url  func(t *testing.T) string
		code errs.Code
		says string
		next string
	}{
		{"no JetStream for the account", func(t *testing.T) string {
			return accountOf(t, "disabled", all)
		}, errs.Unavailable, "runs without JetStream", "snug nats-setup"},
		{"may not use JetStream", func(t *testing.T) string {
			return accountOf(t, "enabled", without("$JS.API.>", ""))
		}, errs.Unauthorized, "doesn't let Snug's user publish to $JS.API.>. For", "snug nats-setup"},
		{"may only read", func(t *testing.T) string {
			return accountOf(t, "enabled", `publish: ["$JS.API.>", "snug.>"], subscribe: [`+maySubscribe+`]`)
		}, errs.Unauthorized, "publish to $KV.>, publish to audit.>. For", "snug nats-setup"},
		{"may not answer", func(t *testing.T) string {
			return accountOf(t, "enabled", without("", "snug.>"))
		}, errs.Unauthorized, "subscribe to snug.>. For", "snug nats-setup"},
		{"may not hear answers", func(t *testing.T) string {
			return accountOf(t, "enabled", without("", "_INBOX.>"))
		}, errs.Unauthorized, "subscribe to _INBOX.>. For", "snug nats-setup"},
		{"too few streams", func(t *testing.T) string {
			return accountOf(t, "{ max_streams: 5 }", all)
		}, errs.Unavailable, fmt.Sprintf("allows 5 streams, and Snug needs %d", len(tables())), "snug nats-setup"},
		{"too little storage", func(t *testing.T) string {
			return accountOf(t, "{ max_mem: 4GB, max_store: 1GB }", all)
		}, errs.Unavailable, "no room for Snug's", "snug nats-setup"},
		{"too little memory", func(t *testing.T) string {
			return accountOf(t, "{ max_mem: 10MB, max_store: 16GB }", all)
		}, errs.Unavailable, "no room for Snug's", "snug nats-setup"},
		{"too old", tooOld, errs.Unavailable, "Snug needs 2.11 or newer", "on every server"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := Open(t.Context(), Options{URL: c.url(t), Log: logTo(t), ConnectTimeout: time.Millisecond})
			if err == nil {
				closeHub(t, h)
			}
			wantCode(t, err, c.code)
			says := errs.Public(err).Message
			if !strings.Contains(says, c.says) || !strings.Contains(says, c.next) || strings.Contains(says, "sesame") {
				t.Errorf("it says %q", says)
			}
		})
	}
}

// TestServersWithoutRoom says so of limits that only show when a stream is created. It creates one at a time: a server
// that stops while it refuses one leaves a goroutine behind.
func TestServersWithoutRoom(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		url  func() string
	}{
		{"small streams", func() string {
			return accountOf(t, "{ max_mem: 4GB, max_store: 16GB, store_max_stream_bytes: 100MB }", without("", ""))
		}},
		{"a small disk", func() string {
			return startOutside(t, func(o *server.Options) { o.JetStreamMaxStore = 1 << 30 }).url
		}},
		{"little memory", func() string {
			return startOutside(t, func(o *server.Options) { o.JetStreamMaxMemory = 10 << 20 }).url
		}},
	} {
		h := newHub(Options{URL: c.url(), Log: logTo(t), ConnectTimeout: time.Millisecond}, tables())
		err := h.connect(t.Context())
		for _, s := range h.specs {
			if err == nil {
				err = h.ensureStream(t.Context(), s, true)
			}
		}
		if says := errs.Public(err).Message; !strings.Contains(says, "no room for Snug's") ||
			!strings.Contains(says, "snug nats-setup") {
			t.Errorf("%s: %v", c.name, err)
		}
		if err := h.abandon(); err != nil {
			t.Error(err)
		}
		h.codec.close()
	}
}

// tooOld starts a server that answers for JetStream as one before 2.11 does.
func tooOld(t *testing.T) string {
	t.Helper()
	s := startOutside(t, func(o *server.Options) { o.JetStream = false })
	nc := must(nats.Connect(s.url))(t)
	t.Cleanup(nc.Close)
	must(nc.Subscribe("$JS.API.INFO", func(m *nats.Msg) {
		_ = m.Respond([]byte(`{"type":"io.nats.jetstream.api.v1.account_info_response","api":{"total":1,"errors":0}}`))
	}))(t)
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	return s.url
}

// TestServersThatNeedAttention opens the hub, and says what will make trouble.
func TestServersThatNeedAttention(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                string
		limits, permissions string
		ahead               time.Duration // the hub's clock
		says                string        // "": nothing
	}{
		{"none", "enabled", without("", ""), 0, ""},
		{"no backups", "enabled", without("$JS.SNAPSHOT.>", ""), 0, "so backups and restores don't work"},
		{"few consumers", "{ max_consumers: 100 }", without("", ""), 0, "only 100 consumers"},
		{"a clock that is ahead", "enabled", without("", ""), 10 * time.Minute, "server's by 10m"},
		{"a clock that is behind", "enabled", without("", ""), -10 * time.Minute, "Turn on time synchronization"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := openHub(t, Options{
				URL: accountOf(t, c.limits, c.permissions),
				Now: func() time.Time { return time.Now().Add(c.ahead) },
			})
			all := strings.Join(h.Warnings(), "\n")
			if (c.says == "") != (all == "") || !strings.Contains(all, c.says) {
				t.Errorf("it says %q, want %q", all, c.says)
			}
		})
	}
}

// TestChecksChangeNothing opens a hub again, and finds it as it was.
func TestChecksChangeNothing(t *testing.T) {
	t.Parallel()
	s := startOutside(t, nil)
	state := func() (all string) {
		h := openHub(t, Options{URL: s.url})
		defer closeHub(t, h)
		for _, u := range must(h.Usage(t.Context()))(t) {
			if u.Name == healthName || u.Name == auditName { // what is tried is for these
				all += fmt.Sprintln(u.Name, u.Messages, u.Bytes)
			}
		}
		return all
	}
	if first, second := state(), state(); first != second || first == "" {
		t.Errorf("it had\n%sand has\n%s", first, second)
	}
}
