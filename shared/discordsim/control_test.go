package discordsim_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"snug/shared/discordsim"
	"snug/shared/testkit"
)

func user(u discordsim.User, more string) string { return "/users/" + u.ID.String() + more }

func TestControlVoice(t *testing.T) {
	w := start(t)
	c, _ := w.login(nil)
	before := time.Now()
	a := w.control("POST", user(w.Users[2], "/voice"),
		map[string]any{"guild_id": w.Guild.ID, "channel_id": w.Arena.ID, "self_mute": true}).must(t,
		200)
	at := time.UnixMicro(int64(a.json["dispatched_at"].(float64)))
	if at.Before(before.Add(-time.Millisecond)) || at.After(time.Now()) || a.json["self_mute"] != true ||
		a.str("channel_id") != w.Arena.ID.String() {
		t.Errorf("%s", a.raw)
	}
	var v struct {
		Channel *string `json:"channel_id"`
		Mute    bool    `json:"self_mute"`
		Stream  bool    `json:"self_stream"`
	}
	c.until("VOICE_STATE_UPDATE", &v)
	if v.Channel == nil || !v.Mute {
		t.Errorf("%+v", v)
	}
	w.control("POST", user(w.Users[2], "/voice"),
		map[string]any{"guild_id": w.Guild.ID, "self_mute": false, "self_stream": true}).must(t,
		200)
	c.until("VOICE_STATE_UPDATE", &v)
	if v.Mute || !v.Stream {
		t.Errorf("%+v", v)
	}
	w.control("POST", user(w.Users[2], "/voice"), `{"guild_id":"`+w.Guild.ID.String()+`","channel_id":null}`).must(t,
		200)
	c.until("VOICE_STATE_UPDATE", &v)
	if v.Channel != nil {
		t.Errorf("%+v", v)
	}
	w.refuse(t,
		w.control("POST", user(w.Users[2], "/voice"), `{"guild_id":"`+w.Guild.ID.String()+`","channel_id":null}`), 400,
		40032)
	for _, u := range w.Users[2:6] {
		w.join(u, w.Arena.ID)
	}
	w.refuse(t,
		w.control("POST", user(w.Users[6], "/voice"), map[string]any{"guild_id": w.Guild.ID, "channel_id": w.Arena.ID}),
		403, 50013)
	w.refuse(t,
		w.control("POST", user(w.Users[6], "/voice"), map[string]any{"guild_id": w.Guild.ID, "channel_id": "1"}), 404,
		10003)
	w.refuse(t, w.control("POST", "/users/1/voice", map[string]any{"guild_id": w.Guild.ID, "channel_id": w.Arena.ID}),
		404, 10007)
	w.control("POST", user(w.Users[6], "/voice"), "{").must(t, 400)
}

func TestControlCommandsComponentsModals(t *testing.T) {
	w := start(t)
	w.register()
	c, _ := w.login(nil)
	do := func(path string, body map[string]any, bot func(a act)) answer {
		t.Helper()
		var out answer
		_, err := w.answering(c, func(context.Context) (*discordsim.Answer, error) {
			out = w.control("POST", user(w.Owner, path), body)
			return nil, nil
		}, bot)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	a := do("/commands", map[string]any{
		"guild_id": w.Guild.ID, "name": "room rename", "options": map[string]any{"name": "Goblins"},
	}, func(a act) {
		w.bot("POST", a.callback(), map[string]any{"type": 5, "data": map[string]any{"flags": 64}}).must(t, 204)
		w.bot("PATCH", w.hook(a, "/messages/@original"),
			map[string]any{
				"embeds": []any{map[string]any{"title": "Renamed"}}, "components": []any{row(button("Undo", "undo"))},
			}).must(t,
			200)
	}).must(t, 200)
	message, _ := a.json["message"].(map[string]any)
	if a.json["deferred"] != true || a.json["ephemeral"] != true || a.str("text") != "Renamed" ||
		message["id"] == nil || len(a.json["components"].([]any)) != 1 {
		t.Fatalf("%s", a.raw)
	}
	a = do("/components", map[string]any{"message_id": message["id"], "custom_id": "undo"}, func(a act) {
		w.bot("POST", a.callback(),
			map[string]any{"type": 9, "data": map[string]any{"custom_id": "why", "title": "Why?", "components": []any{
				row(map[string]any{"type": 4, "custom_id": "reason", "style": 1, "label": "Reason"})}}}).must(t, 204)
	}).must(t, 200)
	if modal, _ := a.json["modal"].(map[string]any); modal["title"] != "Why?" {
		t.Fatalf("%s", a.raw)
	}
	if st := w.control("GET", "/state?user="+w.Owner.ID.String(), nil).must(t,
		200); !strings.Contains(string(st.raw), `"title":"Why?"`) {
		t.Error("the state lacks the open modal")
	}
	w.refuse(t,
		w.control("POST", user(w.Owner, "/modals"), map[string]any{"custom_id": "why", "fields": map[string]any{}}),
		400, 50035)
	a = do("/modals", map[string]any{"custom_id": "why", "fields": map[string]any{"reason": "fun"}}, func(a act) {
		w.bot("POST", a.callback(), map[string]any{"type": 7, "data": map[string]any{"content": "undone"}}).must(t, 204)
	}).must(t, 200)
	if a.str("content") != "undone" {
		t.Errorf("%s", a.raw)
	}
	a = do("/autocomplete", map[string]any{
		"guild_id": w.Guild.ID, "name": "create-room", "options": map[string]any{"name": "G"}, "focused": "name",
	}, func(a act) {
		w.bot("POST", a.callback(),
			map[string]any{
				"type": 8,
				"data": map[string]any{"choices": []any{map[string]any{"name": "Goblins", "value": "Goblins"}}},
			}).must(t,
			204)
	}).must(t, 200)
	if !strings.Contains(string(a.raw), "Goblins") {
		t.Errorf("%s", a.raw)
	}
	list := w.control("GET", user(w.Users[3], "/commands?guild_id="+w.Guild.ID.String()), nil).must(t, 200)
	if strings.Contains(string(list.raw), `"setup"`) || !strings.Contains(string(list.raw), `"create-room"`) {
		t.Errorf("%s", list.raw)
	}
	w.refuse(t, w.control("POST", user(w.Owner, "/commands"), map[string]any{"guild_id": w.Guild.ID, "name": "dance"}),
		404, 10063)
}

func TestControlWorldAndFaults(t *testing.T) {
	w := start(t)
	c, _ := w.login(nil)
	g := "/guilds/" + w.Guild.ID.String()
	m := w.control("POST", g+"/members", map[string]any{"username": "nora", "global_name": "Nora"}).must(t, 200)
	c.until("GUILD_MEMBER_ADD", nil)
	id := m.json["user"].(map[string]any)["id"].(string)
	w.control("PATCH", "/users/"+id, map[string]any{"dms_closed": true, "locale": "ja"}).must(t, 204)
	w.control("DELETE", g+"/members/"+id, nil).must(t, 204)
	c.until("GUILD_MEMBER_REMOVE", nil)
	a := w.control("PUT", g+"/bot", map[string]any{"deny": "16"}).must(t, 200)
	if a.str("permissions") == "" {
		t.Errorf("%s", a.raw)
	}
	w.refuse(t, w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "x"}), 403, 50013)
	w.control("PUT", g+"/bot", map[string]any{"allow": "16"}).must(t, 200)
	w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "x"}).must(t, 201)
	w.control("PATCH", g+"/roles/"+w.Guild.ID.String(), map[string]any{"deny": "1048576"}).must(t, 200)
	if _, err := w.JoinVoice(w.Guild.ID, w.Users[3].ID, w.Lounge.ID, discordsim.VoiceFlags{}); err == nil {
		t.Error("@everyone may still connect")
	}
	other := w.control("POST", "/guilds", map[string]any{"name": "Another", "owner_id": w.Owner.ID}).must(t,
		200).str("id")
	w.control("POST", "/guilds/"+other+"/channels", map[string]any{"name": "voice", "type": 2, "user_limit": 3}).must(t,
		200)
	w.control("GET", "/users", nil).must(t, 200)
	w.control("GET", "/applications", nil).must(t, 200)
	w.control("POST", "/applications", map[string]any{"name": "Second"}).must(t, 200)

	f := w.control("POST", "/faults", map[string]any{"kind": "latency", "delay_ms": 1}).must(t, 200)
	if f.json["id"] == nil || f.json["delay"] != 0.001 {
		t.Errorf("%s", f.raw)
	}
	w.control("POST", "/faults", map[string]any{"type": "op7"}).must(t, 200)
	if p := c.next(); p.Op != 7 {
		for p.Op != 7 {
			p = c.next()
		}
	}
	w.control("POST", "/faults", map[string]any{"kind": "earthquake"}).must(t, 400)
	w.control("DELETE", "/faults", nil).must(t, 204)
	if a := w.control("GET", "/faults", nil).must(t, 200); !strings.Contains(string(a.raw), `"faults":[]`) {
		t.Errorf("%s", a.raw)
	}
	w.control("GET", "/nothing", nil).must(t, 404)
}

func TestStateIsWhatAUserSees(t *testing.T) {
	w := start(t)
	hidden, err := w.AddChannel(w.Guild.ID,
		discordsim.ChannelOptions{Name: "hidden", Type: discordsim.ChannelVoice, Overwrites: []discordsim.Overwrite{
			{ID: w.Guild.ID, Deny: discordsim.PermViewChannel},
			{ID: w.Users[3].ID, Member: true, Allow: discordsim.PermViewChannel | discordsim.PermConnect}}})
	if err != nil {
		t.Fatal(err)
	}
	w.join(w.Users[3], hidden.ID)
	if _, err := w.SendMessage(w.Users[3].ID, hidden.ID, "psst"); err != nil {
		t.Fatal(err)
	}
	for u, want := range map[discordsim.ID]bool{w.Users[3].ID: true, w.Owner.ID: true, w.Users[4].ID: false} {
		a := w.control("GET", "/state?user="+u.String(), nil).must(t, 200)
		for _, part := range []string{`"name":"hidden"`, "psst", `"channel_id":"` + hidden.ID.String()} {
			if strings.Contains(string(a.raw), part) != want {
				t.Errorf("user %d: %s is there: %v", u, part, !want)
			}
		}
	}
	var st struct {
		Guilds []struct {
			ID          string
			Channels    []json.RawMessage
			Members     []json.RawMessage
			Roles       []json.RawMessage
			VoiceStates []json.RawMessage `json:"voice_states"`
		}
		Messages map[string][]json.RawMessage
	}
	if err := json.Unmarshal(w.control("GET", "/state", nil).must(t, 200).raw, &st); err != nil {
		t.Fatal(err)
	}
	if g := st.Guilds[0]; len(g.Channels) != 7 || len(g.Members) != 10 || len(g.Roles) != 3 ||
		len(g.VoiceStates) != 1 || len(st.Messages[hidden.ID.String()]) != 1 {
		t.Errorf("%d channels, %d members, %d roles, %d voice states", len(g.Channels), len(g.Members), len(g.Roles),
			len(g.VoiceStates))
	}
	w.refuse(t, w.control("GET", "/state?user=1", nil), 404, 10013)
}

// page opens the page's WebSocket as a user.
func (w *world) page(u discordsim.ID) *websocket.Conn {
	w.t.Helper()
	ws, res, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(w.base, "http")+"/_sim/ws?user="+u.String(),
		nil)
	if err != nil {
		w.t.Fatal(err)
	}
	res.Body.Close()
	w.t.Cleanup(func() { ws.Close() })
	return ws
}

// wait reads up to a message of a type that holds a text.
func (w *world) wait(ws *websocket.Conn, kind, text string) string {
	w.t.Helper()
	if err := ws.SetReadDeadline(time.Now().Add(testkit.Patience)); err != nil {
		w.t.Fatal(err)
	}
	for {
		_, raw, err := ws.ReadMessage()
		if err != nil {
			w.t.Fatalf("waiting for %s with %s: %v", kind, text, err)
		}
		if strings.HasPrefix(string(raw), `{"type":"`+kind+`"`) ||
			strings.Contains(string(raw), `"type":"`+kind+`"`) && strings.Contains(string(raw), text) {
			if strings.Contains(string(raw), text) {
				return string(raw)
			}
		}
	}
}

func TestPageIsLive(t *testing.T) {
	w := start(t)
	w.register()
	c, _ := w.login(nil)
	alice, dmitri := w.page(w.Owner.ID), w.page(w.Users[3].ID)
	for _, ws := range []*websocket.Conn{alice, dmitri} {
		w.wait(ws, "state", "Spelltable Friends")
	}
	w.join(w.Users[2], w.Lounge.ID)
	w.wait(alice, "voice", w.Users[2].ID.String())
	w.wait(dmitri, "voice", w.Users[2].ID.String())
	if _, err := w.SendMessage(w.Owner.ID, w.General.ID, "hello all"); err != nil {
		t.Fatal(err)
	}
	w.wait(dmitri, "message", "hello all")
	if _, err := w.answering(c, w.run(w.Owner, "create-room", nil), func(a act) {
		w.bot("POST", a.callback(),
			map[string]any{"type": 4, "data": map[string]any{"content": "only Alice", "flags": 64}}).must(t,
			204)
	}); err != nil {
		t.Fatal(err)
	}
	w.wait(alice, "message", "only Alice")
	w.wait(alice, "interaction", "answered")
	if err := w.inject(discordsim.Fault{Kind: "latency", Delay: 0.001}); err != nil {
		t.Fatal(err)
	}
	if got := w.wait(dmitri, "faults", "latency"); strings.Contains(got, "only Alice") {
		t.Error("an ephemeral message reached somebody else")
	}
	ch, err := w.AddChannel(w.Guild.ID, discordsim.ChannelOptions{Name: "den", Type: discordsim.ChannelVoice})
	if err != nil {
		t.Fatal(err)
	}
	w.wait(dmitri, "guild", `"name":"den"`)
	w.bot("PUT", "/channels/"+ch.ID.String()+"/permissions/"+w.Guild.ID.String(),
		map[string]any{"type": 0, "deny": "1024"}).must(t,
		204)
	if got := w.wait(dmitri, "guild", `"type":"guild"`); strings.Contains(got, `"name":"den"`) {
		t.Error("a hidden channel is shown")
	}
	if err := w.RemoveMember(w.Guild.ID, w.Users[3].ID); err != nil {
		t.Fatal(err)
	}
	w.wait(dmitri, "guild.gone", w.Guild.ID.String())
	h := http.Header{"Origin": {"https://evil.example"}}
	if _, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(w.base, "http")+"/_sim/ws", h); err == nil {
		t.Error("another site opened the page's socket")
	}
}

func TestCloseEndsEverything(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.register()
	c, _ := w.login(nil)
	ws := w.page(w.Owner.ID)
	w.wait(ws, "state", "")
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := w.run(w.Owner, "create-room", nil)(context.Background()); err == nil {
			t.Error("a command was answered by nobody")
		}
	})
	c.until("INTERACTION_CREATE", nil)
	if err := w.inject(discordsim.Fault{Kind: "outage", Guild: w.Guild.ID, Duration: 60}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	if err := w.Close(ctx); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if got := c.closed(); got != 1001 {
		t.Errorf("closed with %d", got)
	}
}

func TestStartRefusesOpenAddresses(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.0.2.1:80", "nonsense"} {
		if _, err := discordsim.New(discordsim.Options{}).Start(addr); err == nil {
			t.Errorf("%s was served", addr)
		}
	}
}

func TestHooksTellOfDispatchesAndRequests(t *testing.T) {
	var mu sync.Mutex
	var dispatches []discordsim.Dispatch
	var requests []discordsim.Request
	w := start(t, func(o *discordsim.Options) {
		o.OnDispatch = func(d discordsim.Dispatch) { mu.Lock(); defer mu.Unlock(); dispatches = append(dispatches, d) }
		o.OnRequest = func(r discordsim.Request) { mu.Lock(); defer mu.Unlock(); requests = append(requests, r) }
	})
	c, _ := w.login(nil)
	at, err := w.JoinVoice(w.Guild.ID, w.Users[2].ID, w.Lounge.ID, discordsim.VoiceFlags{})
	if err != nil {
		t.Fatal(err)
	}
	c.until("VOICE_STATE_UPDATE", nil)
	w.botWithReason("POST", w.guildPath("/channels"), "why", map[string]any{"name": "x"}).must(t, 201)
	c.until("CHANNEL_CREATE", nil)
	mu.Lock()
	defer mu.Unlock()
	found := false
	for _, d := range dispatches {
		if d.Event == "VOICE_STATE_UPDATE" {
			found = d.Guild == w.Guild.ID && d.User == w.Users[2].ID && d.Queued.Equal(at) && !d.Time.Before(at) &&
				d.Sequence > 2
		}
	}
	if !found || len(requests) != 1 || requests[0].Status != 201 || requests[0].Reason != "why" ||
		requests[0].Route != "/guilds/{guild}/channels" {
		t.Errorf("%+v %+v", dispatches, requests)
	}
}
