package record

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"snug/shared/discordsim"
	"snug/shared/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stage is a simulator with a bot.
type stage struct {
	*discordsim.Server
	t    *testing.T
	demo discordsim.Demo
	bot  *bot
}

const controlToken = "control-token-of-this-test"

// newStage starts a simulator, which begin has seen before, and a bot.
func newStage(t *testing.T, o discordsim.Options, begin func(*discordsim.Server), b *bot) *stage {
	t.Helper()
	s := &stage{Server: discordsim.New(o), t: t, bot: b}
	var err error
	s.demo, err = s.Demo(discordsim.ApplicationOptions{})
	testkit.NoError(t, err)
	begin(s.Server)
	url, err := s.Start("127.0.0.1:0")
	testkit.NoError(t, err)
	b.connect(t, url, s.demo.Application)
	return s
}

func (s *stage) close() {
	s.t.Helper()
	testkit.NoError(s.t, s.Close(context.Background()))
	s.bot.reading.Wait()
}

// act sends a request to the control interface and returns the response.
func (s *stage) act(method, path string, body any) map[string]any {
	s.t.Helper()
	out := map[string]any{}
	raw := request(s.t, method, s.URL()+path, "Bearer "+controlToken, body)
	if len(raw) > 0 {
		testkit.NoError(s.t, json.Unmarshal(raw, &out))
	}
	return out
}

func request(t *testing.T, method, url, authorization string, body any) []byte {
	t.Helper()
	data, err := json.Marshal(body)
	testkit.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(data))
	testkit.NoError(t, err)
	r.Header.Set("Authorization", authorization)
	r.Header.Set("Content-Type", "application/json")
	res, err := testkit.HTTP.Do(r)
	testkit.NoError(t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	testkit.NoError(t, err)
	return raw
}

// bot answers /ping with a button, says who pressed it, and makes channels that people ask for.
type bot struct {
	t         *testing.T
	commanded chan struct{}

	app     discordsim.Application
	url     string
	number  atomic.Int64 // of custom ids, which differ between bots
	reading sync.WaitGroup

	mu     sync.Mutex
	tokens []string // of interactions
}

func (b *bot) connect(t *testing.T, url string, app discordsim.Application) {
	b.t, b.app, b.url, b.commanded = t, app, url, make(chan struct{})
	b.number.Store(time.Now().UnixNano())
	ws, res, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(url, "http")+"/?v=10&encoding=json", nil)
	testkit.NoError(t, err)
	_ = res.Body.Close()
	testkit.NoError(t, ws.WriteJSON(map[string]any{"op": 2, "d": map[string]any{"token": app.BotToken,
		"intents": 1 | 1<<9 | 1<<15, "properties": map[string]string{"os": "x", "browser": "x", "device": "x"}}}))
	b.reading.Go(func() {
		defer ws.Close()
		for {
			var e struct {
				Event string          `json:"t"`
				Data  json.RawMessage `json:"d"`
			}
			if ws.ReadJSON(&e) != nil {
				return
			}
			b.on(e.Event, e.Data)
		}
	})
}

func (b *bot) send(method, path string, body any) (out struct{ ID string }) {
	raw := request(b.t, method, b.url+"/api/v10"+path, "Bot "+b.app.BotToken, body)
	if bytes.HasPrefix(raw, []byte("{")) {
		testkit.NoError(b.t, json.Unmarshal(raw, &out))
	}
	return out
}

type fields = map[string]any

func (b *bot) on(event string, data json.RawMessage) {
	var in struct {
		ID, Token, Content string
		Type               int
		Channel            string `json:"channel_id"`
		Guild              string `json:"guild_id"`
		Author             struct{ ID string }
		Member             struct{ User struct{ ID string } }
	}
	_ = json.Unmarshal(data, &in) // other events have other types in these fields
	switch {
	case event == "READY":
		b.send("PUT", "/applications/"+b.app.ID.String()+"/commands", []fields{{"name": "ping", "description": "pong"}})
		close(b.commanded)
	case event == "INTERACTION_CREATE":
		b.mu.Lock()
		b.tokens = append(b.tokens, in.Token)
		b.mu.Unlock()
		kind, content := 4, "pong"
		if in.Type == 3 {
			kind, content = 7, "again"
		}
		b.send("POST", "/interactions/"+in.ID+"/"+in.Token+"/callback", fields{"type": kind, "data": fields{
			"content": content, "components": []fields{{"type": 1, "components": []fields{{"type": 2, "style": 1,
				"label": "Again", "custom_id": fmt.Sprint("again:", b.number.Add(1))}}}}}})
		if in.Type == 3 {
			b.send("POST", "/channels/"+in.Channel+"/messages", fields{
				"content": "<@" + in.Member.User.ID + "> pressed, in <#" + in.Channel + ">"})
		}
	case event == "MESSAGE_CREATE" && strings.HasPrefix(in.Content, "!make "):
		made := b.send("POST", "/guilds/"+in.Guild+"/channels", fields{"name": in.Content[6:]})
		b.send("POST", "/channels/"+made.ID+"/messages", fields{"content": "made for <@" + in.Author.ID + ">"})
	}
}

// live is what people do with the bot.
func (s *stage) live() {
	<-s.bot.commanded
	guild, alice, bruno := s.demo.Guild.ID.String(), s.demo.Users[0].ID.String(), s.demo.Users[1].ID.String()
	pong := s.act("POST", "/_sim/users/"+alice+"/commands", fields{"guild_id": guild, "name": "ping"})
	message := pong["message"].(map[string]any)
	button := message["components"].([]any)[0].(map[string]any)["components"].([]any)[0].(map[string]any)
	s.act("POST", "/_sim/users/"+bruno+"/components",
		fields{"message_id": message["id"], "custom_id": button["custom_id"]})
	s.act("POST", "/_sim/wait", fields{"message": fields{"contains": "pressed"}, "timeout": 60})
	s.act("POST", "/_sim/users/"+bruno+"/messages",
		fields{"channel_id": message["channel_id"], "content": "!make lair"})
	made := s.act("POST", "/_sim/wait", fields{"message": fields{"contains": "made for"}, "timeout": 60})
	s.act("POST", "/_sim/users/"+alice+"/api/channels/"+made["channel_id"].(string)+"/messages",
		fields{"content": "thank you"})
	s.act("PUT", "/_sim/users/"+alice+"/api/channels/"+made["channel_id"].(string)+"/messages/"+made["id"].(string)+
		"/reactions/%F0%9F%91%8D/@me", nil)
	s.act("PATCH", "/_sim/guilds/"+guild+"/members/"+bruno,
		fields{"communication_disabled_until": time.Now().Add(time.Hour)})
	s.act("POST", "/_sim/users/"+bruno+"/messages", // which is refused
		fields{"channel_id": message["channel_id"], "content": "is my token " + s.demo.Application.BotToken + "?"})
	s.act("POST", "/_sim/users", fields{"username": "zoe"})
}

// recorded records what people do with a bot, and returns the record and everything that must not be in it.
func recorded(t *testing.T, b *bot, live func(*stage)) (record string, secrets []string) {
	t.Helper()
	var out bytes.Buffer
	r := NewRecorder(&out)
	o := discordsim.Options{ControlToken: controlToken}
	r.Follow(&o)
	s := newStage(t, o, r.Begin, b)
	live(s)
	for _, a := range s.Applications() {
		secrets = append(secrets, a.BotToken, a.ClientSecret)
	}
	for _, u := range s.People() {
		secrets = append(secrets, u.Token)
	}
	b.mu.Lock()
	secrets = append(append(secrets, b.tokens...), controlToken)
	b.mu.Unlock()
	s.close()
	testkit.NoError(t, r.Err())
	return out.String(), secrets
}

// replayed replays a record with a bot.
func replayed(t *testing.T, record string, b *bot) *Report {
	t.Helper()
	p, err := Read(strings.NewReader(record))
	testkit.NoError(t, err)
	o := discordsim.Options{ControlToken: controlToken}
	p.Follow(&o)
	s := newStage(t, o, func(s *discordsim.Server) { testkit.NoError(t, p.Begin(s)) }, b)
	defer s.close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*testkit.Patience)
	defer cancel()
	report, err := p.Play(ctx, s.Server, PlayOptions{Fast: true, Patience: testkit.Patience})
	testkit.NoError(t, err)
	return report
}

// TestReplay: what people did happens again in another world with other ids, and the same bot does the same. The record
// has no token.
func TestReplay(t *testing.T) {
	text, secrets := recorded(t, &bot{}, (*stage).live)
	for _, secret := range secrets {
		if secret == "" || strings.Contains(text, secret) {
			t.Errorf("the record has the secret %q", secret)
		}
	}
	r := replayed(t, text, &bot{})
	if r.Acts != 8 || r.Did != 6 || len(r.Differences) != 0 {
		t.Errorf("%+v", r)
	}
}

// did is something that a bot does, after the act before it.
func did(method, path, body string, status int) *line {
	return &line{Kind: kindRequest, Time: time.Now(), Method: method, Path: path, Body: json.RawMessage(body),
		Status: status}
}

// TestDifferences: what a bot does otherwise is in the report, and ids that stand for the same aren't.
func TestDifferences(t *testing.T) {
	const here, there = "111111111111111111", "222222222222222222"
	const hers, his = "333333333333333333", "444444444444444444"
	var out bytes.Buffer
	r := NewRecorder(&out)
	r.Begin(discordsim.New(discordsim.Options{}))
	for _, l := range []*line{
		did("PUT", "/applications/"+here+"/commands", `[{"name":"ping"}]`, 200),
		{Kind: kindAct, Time: time.Now(), Method: "POST", Path: "/_sim/users/" + hers + "/commands", Status: 200},
		did("POST", "/channels/"+here+"/messages", `{"content":"first, <@`+hers+`>, at <t:1>"}`, 200),
		did("POST", "/channels/"+here+"/messages", `{"content":"second"}`, 200),
		did("DELETE", "/channels/"+here, "", 204),
		{Kind: kindAct, Time: time.Now(), Method: "POST", Path: "/_sim/users/" + hers + "/messages", Status: 200},
		did("PATCH", "/channels/"+here, `{"name":"quiet"}`, 429),
		did("GET", "/channels/"+here, "", 200),
	} {
		r.write(l)
	}
	for _, tc := range []struct {
		name string
		now  []*line
		want string
	}{
		{"nothing", nil, "missing0 act1 missing1 missing1 missing1 act2"},
		{"the same, in another order", []*line{
			did("DELETE", "/channels/"+there, "", 204),
			did("POST", "/channels/"+there+"/messages", `{"content":"second"}`, 200),
			did("POST", "/channels/"+there+"/messages", `{"content":"first, <@`+his+`>, at <t:2>"}`, 200),
			did("PUT", "/applications/"+there+"/commands", `[{"name":"ping"}]`, 200),
		}, "act1 act2"},
		{"more before the same", []*line{
			did("PUT", "/applications/"+there+"/commands", `[{"name":"ping"}]`, 200),
			did("POST", "/channels/"+there+"/messages", `{"content":"hello"}`, 200),
			did("POST", "/channels/"+there+"/messages", `{"content":"first, <@`+his+`>, at <t:2>"}`, 200),
			did("POST", "/channels/"+there+"/messages", `{"content":"second"}`, 200),
			did("DELETE", "/channels/"+there, "", 204),
		}, "new0 act1 act2"},
		{"another command, another status, and elsewhere", []*line{
			did("PUT", "/applications/"+there+"/commands", `[{"name":"pong"}]`, 200),
			did("DELETE", "/channels/"+there, "", 403),
			did("POST", "/channels/"+his+"/messages", `{"content":"second"}`, 200),
		}, "changed0 new0 act1 missing1 missing1 changed1 act2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := Read(strings.NewReader(out.String()))
			testkit.NoError(t, err)
			for _, l := range tc.now {
				p.saw(l)
			}
			report := p.report(0)
			var kinds []string
			for _, d := range report.Differences {
				kinds = append(kinds, fmt.Sprint(d.Kind, d.Act))
			}
			var b strings.Builder
			testkit.NoError(t, report.Print(&b))
			if got := strings.Join(kinds, " "); got != tc.want {
				t.Errorf("%s, want %s: %s", got, tc.want, b.String())
			}
		})
	}
}

func TestRead(t *testing.T) {
	for _, tc := range []struct{ name, record, says string }{
		{"nothing", "", "isn't a record"},
		{"another file", "# notes", "line 1 isn't one of a record"},
		{"an older record", `{"time":"2026-01-01T00:00:00Z","event":"READY"}`, "isn't a record"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := Read(strings.NewReader(tc.record)); err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Error(err)
			}
		})
	}
}

// TestOtherWorld: a record is of one world.
func TestOtherWorld(t *testing.T) {
	var out bytes.Buffer
	NewRecorder(&out).Begin(discordsim.New(discordsim.Options{}))
	p, err := Read(&out)
	testkit.NoError(t, err)
	s := discordsim.New(discordsim.Options{})
	s.AddUser("alice", "")
	if err := p.Begin(s); err == nil || !strings.Contains(err.Error(), `this one has the person "alice"`) {
		t.Error(err)
	}
}
