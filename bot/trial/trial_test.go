package trial

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"snug/shared/agent"
	"snug/shared/discordsim"
	"snug/shared/discordsim/openapi/openapitest"
	"snug/shared/testkit"
	"snug/shared/testkit/world"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"),
		goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

// permissions are the bot's: what Snug asks for, without Administrator.
const permissions = discordsim.SnugPermissions

// real is a Discord to try, simulated, with the operator as a plain member.
type real struct {
	*discordsim.Server
	base     string
	app      discordsim.Application
	guild    snowflake.ID
	operator snowflake.ID
	journal  string
}

func newReal(t *testing.T) *real { return newRealIn(t, nil) }

// newDescribed is newReal whose every request and answer is held against Discord's OpenAPI description, where
// that is at hand.
func newDescribed(t *testing.T) *real { return newRealIn(t, openapitest.Wrap(t)) }

func newRealIn(t *testing.T, wrap func(http.Handler) http.Handler) *real {
	t.Helper()
	limits := discordsim.DiscordLimits()
	limits.IdentifyWindow = 0 // a trial after a crash need not wait
	w := world.Start(t, discordsim.Options{Seed: 7, Limits: &limits, Named: true, Wrap: wrap})
	w.AddGuild("Kanarienvogel", "owner", "kanarienvogel")
	operator := w.People["kanarienvogel"]
	w.AddBot(discordsim.ApplicationOptions{Name: "Kanarienvogel", Owner: operator}, permissions)
	w.Must(w.Discord.SetRole(w.Guild, w.Guild, 0))
	w.AddChannel(discordsim.ChannelOptions{Name: "kanarienvogel"})
	return &real{
		Server: w.Discord, base: w.URL, app: w.App, guild: w.Guild, operator: operator,
		journal: filepath.Join(t.TempDir(), "trial.json"),
	}
}

func (r *real) options() Options {
	return Options{URL: r.base, Token: r.app.BotToken, Guild: r.guild, Journal: r.journal, Wait: 5 * time.Second}
}

// left gives the names of the trial's channels that are still there.
func (r *real) left(t *testing.T) (names []string) {
	t.Helper()
	tr, err := begin(context.WithoutCancel(t.Context()), r.options())
	testkit.NoError(t, err)
	var list []struct{ Name string }
	testkit.NoError(t, tr.ask(t.Context(), "/guilds/"+r.guild.String()+"/channels", &list))
	if len(list) == 0 {
		t.Fatal("the server lost a channel of its own")
	}
	for _, c := range list {
		if strings.HasPrefix(c.Name, "snug-trial") {
			names = append(names, c.Name)
		}
	}
	dms, err := r.StateFor(r.operator)
	testkit.NoError(t, err)
	if b, err := json.Marshal(dms); err != nil || strings.Contains(string(b), directText) {
		names = append(names, "the direct message")
	}
	return names
}

// The same Discord on both sides: everything that can be tried fits, and nothing is left.
func TestFits(t *testing.T) {
	r := newDescribed(t)
	rec, diff, err := Run(t.Context(), r.options())
	testkit.NoError(t, err)
	var out bytes.Buffer
	Report(&out, rec, diff)
	if len(diff) != 0 {
		t.Errorf("the simulated Discord differs from itself:\n%s", out.String())
	}
	for _, o := range rec.Outcomes {
		if len(o.Exchanges)+len(o.Events) == 0 && o.Untried == "" ||
			o.err != nil && !strings.Contains(o.Step, "too many") {
			t.Errorf("%s: nothing was tried: %v", o.Step, o.err)
		}
	}
	if left := r.left(t); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	if _, err := os.Stat(r.journal); !os.IsNotExist(err) {
		t.Errorf("the journal is left: %v", err)
	}
	t.Logf("\n%s", out.String())
}

// planted are differences injected into the simulator, and how the report describes each.
var planted = map[string]struct {
	fault discordsim.Fault
	step  string
	says  string
}{
	"a status": {
		discordsim.Fault{
			Kind: discordsim.FaultAnswer, Route: "PUT /channels/{channel}/voice-status", Status: 403,
			Body: `{"message":"Missing Access","code":50001}`,
		},
		"voice status", "403 with code 50001, expected 204",
	},
	"an error code": {
		discordsim.Fault{
			Kind: discordsim.FaultAnswer, Route: "GET /channels/1", Status: 404,
			Body: `{"message":"Unknown Guild","code":10004}`,
		},
		"invalid and unknown ids", "404 with code 10004, expected 404 with code 10003",
	},
	"a field more": {
		discordsim.Fault{
			Kind: discordsim.FaultAnswer, After: true, Route: "POST /channels/{channel}/invites",
			Body: `{"code":"abc","brand_new":1,"nonce":"x"}`,
		},
		"invites", "also has /?, /nonce",
	},
	"fields fewer": {
		discordsim.Fault{
			Kind: discordsim.FaultAnswer, After: true, Route: "POST /channels/{channel}/invites",
			Body: `{"code":"abc"}`,
		},
		"invites", "doesn't have ",
	},
	"a kind of value": {
		discordsim.Fault{
			Kind: discordsim.FaultAnswer, After: true, Route: "POST /channels/{channel}/invites", Body: `{"code":7}`,
		},
		"invites", "/code is number, expected string",
	},
	"a rule that is stricter": {
		discordsim.Fault{
			Kind: discordsim.FaultAnswer, Route: "PUT /channels/{channel}/permissions/{overwrite}", Status: 403,
			Body: `{"message":"Missing Permissions","code":50013}`,
		},
		"overwrites the bot may set", "403 with code 50013, expected 204",
	},
	"a rule that is laxer": {
		discordsim.Fault{
			Kind: discordsim.FaultAnswer, Route: "PATCH /guilds/{guild}/members/{user}", Status: 204, Count: 3,
		},
		"moving somebody who is not in voice", "204, expected 400 with code 40032",
	},
	"no rate-limit headers": {discordsim.Fault{Kind: discordsim.FaultAnswer, After: true,
		Route: "PUT /channels/{channel}/voice-status", Headers: map[string]string{
			"X-RateLimit-Limit": "", "X-RateLimit-Remaining": "", "X-RateLimit-Reset-After": "",
			"X-RateLimit-Reset": "", "X-RateLimit-Bucket": ""}},
		"voice status", "rate-limit headers: none, expected some"},
	"a proxy's page": {
		discordsim.Fault{Kind: discordsim.FaultAnswer, Route: "POST /users/@me/channels", Status: 403, Body: "<html>"},
		"direct message to the operator", "403, expected 200",
	},
	"an outage": {
		discordsim.Fault{Kind: discordsim.FaultError, Route: "POST /channels/{channel}/messages", Status: 503}, "panel",
		"503, expected 200",
	},
	"a broken connection": {
		discordsim.Fault{Kind: discordsim.FaultReset, Route: "POST /channels/{channel}/messages"}, "panel",
		"was not made",
	},
	"an event that comes late": {
		discordsim.Fault{Kind: discordsim.FaultDelay, Event: "CHANNEL_UPDATE", Delay: 9}, "seats",
		"CHANNEL_UPDATE does not arrive, expected that it arrives",
	},
	"a resume that is cut": {
		discordsim.Fault{Kind: discordsim.FaultDropResume}, "gateway: resume", "RESUMED does not arrive",
	},
	"no second factor": {
		discordsim.Fault{
			Kind: discordsim.FaultAnswer, Route: "PUT /channels/{channel}/permissions/{overwrite}", Status: 403,
			Body: `{"message":"Two factor is required for this operation","code":60003}`,
		},
		"overwrites the bot may set", "403 with code 60003",
	},
}

// TestPlantedDifferences: each is found, where it is and as what it is, and nothing is left on the server.
func TestPlantedDifferences(t *testing.T) {
	for name, c := range planted {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReal(t)
			if _, err := r.Inject(c.fault); err != nil {
				t.Fatal(err)
			}
			rec, diff, err := Run(t.Context(), r.options())
			testkit.NoError(t, err)
			found := slices.ContainsFunc(diff,
				func(d Difference) bool { return d.Step == c.step && strings.Contains(d.How, c.says) })
			var out bytes.Buffer
			Report(&out, rec, diff)
			if !found {
				t.Errorf("not found:\n%s", out.String())
			}
			if name == "no second factor" && !strings.Contains(out.String(), "User Settings → My Account") {
				t.Errorf("it does not say what to do:\n%s", out.String())
			}
			if left := r.left(t); len(left) != 0 {
				t.Errorf("left: %v", left)
			}
			t.Logf("\n%s", out.String())
		})
	}
}

// After a crash at any request the next run removes what was made, known by id or by name alone.
func TestCrash(t *testing.T) {
	for _, at := range []string{
		"POST /guilds/{guild}/channels", "PATCH /channels/{channel}", "POST /channels/{channel}/messages",
		"POST /users/@me/channels", "DELETE /channels/{channel}",
	} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			r := newReal(t)
			o := r.options()
			tr, err := begin(t.Context(), o)
			testkit.NoError(t, err)
			// The request takes effect, but the process is gone before the response.
			ctx, crash := context.WithCancel(t.Context())
			o.HTTP = &http.Client{Transport: dying{agent.Client(0).Transport, at, crash}}
			tr.o.HTTP = o.HTTP
			tr.all(ctx)
			if tr.gw != nil {
				tr.gw.close()
			}
			if len(r.left(t)) == 0 {
				t.Fatal("nothing was left by the crash")
			}
			_, diff, err := Run(t.Context(), r.options())
			testkit.NoError(t, err)
			for _, d := range diff { // the budget of names, say, is the channel's
				t.Errorf("%+v", d)
			}
			if left := r.left(t); len(left) != 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// dying lets a request through and ends everything with it.
type dying struct {
	http.RoundTripper
	at    string
	crash func()
}

func (d dying) RoundTrip(r *http.Request) (*http.Response, error) {
	method, route, _ := strings.Cut(d.at, " ")
	res, err := d.RoundTripper.RoundTrip(r)
	if r.Method == method && matches(route, strings.TrimPrefix(r.URL.Path, "/api/v10")) {
		if err == nil {
			res.Body.Close()
		}
		d.crash()
		return nil, context.Canceled
	}
	return res, err
}

func matches(route, path string) bool {
	a, b := strings.Split(route, "/"), strings.Split(path, "/")
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && !strings.HasPrefix(a[i], "{") {
			return false
		}
	}
	return true
}

// TestRecordHoldsNoString: with a canary in every string, field name and header that Discord sends, the
// record has none of them, nor any id, and it replays.
func TestRecordHoldsNoString(t *testing.T) {
	const canary = "kanarienvogel"
	r := newReal(t)
	target, err := url.Parse(r.base)
	testkit.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ModifyResponse = func(res *http.Response) error {
		if res.StatusCode == http.StatusSwitchingProtocols {
			return nil
		}
		for _, h := range []string{
			"Via", "X-RateLimit-Bucket", "X-RateLimit-Scope", "X-RateLimit-Reset", "CF-RAY", "Server", "Date",
			"Set-Cookie",
		} {
			res.Header.Set(h, canary)
		}
		var b bytes.Buffer
		_, err := b.ReadFrom(res.Body)
		out := sing(b.Bytes(), canary)
		res.Body = http.NoBody
		if len(out) > 0 {
			res.Body = readCloser{bytes.NewReader(out)}
		}
		res.ContentLength = int64(len(out))
		res.Header.Del("Content-Length")
		return err
	}
	var singing sync.WaitGroup
	var sung atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if !websocket.IsWebSocketUpgrade(q) {
			proxy.ServeHTTP(w, q)
			return
		}
		singing.Add(1)
		defer singing.Done()
		singAlong(t, w, q, "ws"+strings.TrimPrefix(r.base, "http")+q.URL.RequestURI(), func(b []byte) []byte {
			sung.Add(1)
			return sing(b, canary)
		})
	}))
	defer singing.Wait()
	defer srv.Close()
	o := r.options()
	until := time.Now().Add(time.Hour)
	o.URL, o.Member = srv.URL, r.tested(t,
		tested{role: discordsim.PermConnect | discordsim.PermViewChannel, pending: true, until: until})
	rec, _, err := Run(t.Context(), o)
	testkit.NoError(t, err)
	text, err := rec.Text()
	testkit.NoError(t, err)
	if sung.Load() < 10 {
		t.Errorf("%d messages of the gateway had canaries", sung.Load())
	}
	if n := len(rec.Outcomes); n != len(steps()) {
		t.Fatalf("%d outcomes", n)
	}
	at := slices.IndexFunc(rec.Outcomes, func(o Outcome) bool { return o.Step == stepMember })
	if m := rec.Outcomes[at].Member; m == nil || m.REST == nil || !m.REST.TimedOut || !m.REST.Pending ||
		m.Gateway == nil {
		t.Errorf("of the test member there is %s", mustText(rec.Outcomes[at]))
	}
	for _, secret := range []string{canary, r.app.BotToken, r.base, "snug-trial-", until.UTC().Format("2006-01-02")} {
		if strings.Contains(strings.ToLower(string(text)), strings.ToLower(secret)) {
			t.Errorf("the record holds %q", secret)
		}
	}
	if id := regexp.MustCompile(`[0-9]{12,}`).Find(text); id != nil {
		t.Errorf("the record holds the id %s", id)
	}
	// Of what was there before there is not even a shape.
	for _, out := range rec.Outcomes[:2] {
		for _, x := range out.Exchanges {
			if x.Body != nil {
				t.Errorf("%s %s has a body", x.Method, x.Route)
			}
		}
	}
	back, err := ReadRecord(text)
	testkit.NoError(t, err)
	if again, err := back.Text(); err != nil || !bytes.Equal(again, text) {
		t.Errorf("a record is another when read, %v", err)
	}
	if _, err := Replay(t.Context(), back); err != nil {
		t.Error(err)
	}
}

// singAlong passes a gateway connection on, with a canary in every string that Discord sends.
func singAlong(t *testing.T, w http.ResponseWriter, q *http.Request, to string, song func([]byte) []byte) {
	theirs, res, err := websocket.DefaultDialer.DialContext(q.Context(), to, http.Header{"User-Agent": {q.UserAgent()}})
	if err != nil {
		t.Errorf("the gateway: %v", err)
		return
	}
	res.Body.Close()
	defer theirs.Close()
	up := websocket.Upgrader{}
	ours, err := up.Upgrade(w, q, nil)
	if err != nil {
		t.Error(err)
		return
	}
	defer ours.Close()
	var back sync.WaitGroup
	back.Go(func() {
		defer theirs.Close()
		pass(ours, theirs, func(b []byte) []byte { return b })
	})
	pass(theirs, ours, song)
	ours.Close()
	back.Wait()
}

func pass(from, to *websocket.Conn, change func([]byte) []byte) {
	for {
		kind, b, err := from.ReadMessage()
		if err != nil {
			if e, ok := err.(*websocket.CloseError); ok { //nolint:errorlint // ReadMessage gives it as it is
				_ = to.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(e.Code, ""))
			}
			return
		}
		if to.WriteMessage(kind, change(b)) != nil {
			return
		}
	}
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

// sing puts a canary into every string of a JSON value but ids, codes and addresses that are needed to go on,
// and beside every object's fields.
func sing(raw []byte, canary string) []byte {
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return raw
	}
	var walk func(key string, v any) any
	walk = func(key string, v any) any {
		switch v := v.(type) {
		case map[string]any:
			for k := range v {
				v[k] = walk(k, v[k])
			}
			v[canary] = canary
			v["message"] = canary
			if v["nonce"] == nil {
				v["nonce"] = canary
			}
		case []any:
			for i := range v {
				v[i] = walk(key, v[i])
			}
		case string:
			if strings.Trim(v, "0123456789") != "" && !needed[key] && !strings.HasPrefix(v, "snug-trial-") {
				return canary + v
			}
		}
		return v
	}
	out, _ := json.Marshal(walk("", v))
	return out
}

// needed are the strings that a client has to understand.
var needed = map[string]bool{
	"code": true, "url": true, "t": true, "session_id": true, "resume_gateway_url": true, "nonce": true,
	"communication_disabled_until": true,
}

// TestShape checks what may be recorded about a value.
func TestShape(t *testing.T) {
	for name, c := range map[string]struct {
		json string
		want Shape
	}{
		"strings are strings":         {`{"name":"Secret"}`, Shape{"": "object", "/name": "string"}},
		"unknown fields have no name": {`{"hush":{"a_b":1}}`, Shape{"": "object", "/?": "object", "/?/?": "number"}},
		"enums":                       {`{"type":2}`, Shape{"": "object", "/type": "number=2"}},
		"no enum is that large":       {`{"type":123456789}`, Shape{"": "object", "/type": "number"}},
		"bits": {
			`{"allow":"1049600","deny":"0"}`,
			Shape{"": "object", "/allow": "string=bits:10,20", "/deny": "string=bits:"},
		},
		"bits nobody documents": {
			`{"allow":"9223372036854775808"}`, Shape{"": "object", "/allow": "string=bits:"},
		},
		"words where bits are expected": {`{"allow":"Secret"}`, Shape{"": "object", "/allow": "string"}},
		"other numbers": {
			`{"user_limit":42,"id":"123"}`, Shape{"": "object", "/user_limit": "number", "/id": "string"},
		},
		"lists":   {`{"roles":["1",null]}`, Shape{"": "object", "/roles": "array", "/roles/*": "null string"}},
		"no JSON": {`<html>Secret`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := shapeOf([]byte(c.json))
			if a, b := mustText(got), mustText(c.want); a != b {
				t.Errorf("got %s, want %s", a, b)
			}
		})
	}
	if !slices.IsSorted(documented) || len(documented) < 500 {
		t.Errorf("%d documented fields", len(documented))
	}
}

func mustText(v any) string { b, _ := json.Marshal(v); return string(b) }
