package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	disgo "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/gateway"
	"snug/shared/discordsim"
	"snug/shared/testkit"
	"snug/shared/testkit/world"
)

// told collects which events a shard was handed.
type told struct {
	mu    sync.Mutex
	kinds map[string]int
	last  int // sequence
}

func (v *told) note(kind disgo.EventType) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.kinds[string(kind)]++
}

func (v *told) missing() (out []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, e := range discordsim.Events() {
		if v.kinds[e] == 0 {
			out = append(out, e)
		}
	}
	return out
}

// await waits for an event.
func (v *told) await(t testing.TB, kind string) {
	t.Helper()
	testkit.Eventually(t, kind+" came", func() bool { return !slices.Contains(v.missing(), kind) })
}

// TestTomorrow has every event that the simulator sends come with types, enums,
// bits and fields that nobody knows. Each reaches its handler, in sequence, on one connection.
func TestTomorrow(t *testing.T) {
	limits := discordsim.DiscordLimits()
	limits.IdentifyWindow, limits.Buckets = 0, false
	sent := &told{kinds: map[string]int{}}
	d := world.Start(t, discordsim.Options{Seed: 7, Limits: &limits, OnDispatch: func(d discordsim.Dispatch) {
		sent.note(disgo.EventType(d.Event))
		sent.mu.Lock()
		defer sent.mu.Unlock()
		sent.last = int(d.Sequence)
	}})
	w := acts{d, d.Demo(discordsim.ApplicationOptions{})}
	d.Must(d.Discord.InstallBot(d.Guild, d.App.ID, discordsim.PermAdministrator))
	d.AddChannel(discordsim.ChannelOptions{Name: "tomorrow", Type: 99})
	_, err := d.Discord.Inject(discordsim.Fault{Kind: discordsim.FaultUnknown, Count: -1})
	d.Must(err)

	got := &told{kinds: map[string]int{}}
	log := &testkit.Log{}
	shard, err := gateway.New(gateway.Config{
		Token: d.App.BotToken, URL: "ws" + strings.TrimPrefix(d.URL, "http"), Intents: disgo.IntentsAll,
		Identify: free{},
		Logger:   slog.New(slog.NewTextHandler(log, nil)), Backoff: time.Millisecond,
		Handler: func(_ disgo.Gateway, kind disgo.EventType, _ int, _ disgo.EventData) { got.note(kind) },
		Unknown: func(_ disgo.Gateway, kind disgo.EventType, data json.RawMessage) {
			got.note(kind)
			if !json.Valid(data) {
				t.Errorf("%s is no JSON", kind)
			}
		},
	})
	testkit.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	testkit.NoError(t, shard.Open(ctx))
	defer shard.Close(ctx)
	got.await(t, "GUILD_CREATE") // it has what happened in the server before; from here on, there are events

	w.everything(ctx, shard, got)
	for _, e := range discordsim.Events() {
		got.await(t, e)
	}
	testkit.Eventually(t, "the last event is handled", func() bool {
		sent.mu.Lock()
		defer sent.mu.Unlock()
		return shard.Checkpoint().Seq == sent.last
	})
	sent.mu.Lock()
	defer sent.mu.Unlock()
	for e, n := range sent.kinds {
		if !slices.Contains(discordsim.Events(), e) {
			t.Errorf("discordsim.Events does not name %s", e)
		}
		if got.kinds[e] != n {
			t.Errorf("of %d %s the shard told %d", n, e, got.kinds[e])
		}
	}
	if l := log.String(); strings.Contains(l, "skipped") {
		t.Error(l)
	}
	if h := shard.History(); h.Sessions != 1 || h.Resumes != 1 {
		t.Errorf("%d sessions, %d resumes", h.Sessions, h.Resumes)
	}
}

// acts causes everything that Discord dispatches.
type acts struct {
	*world.World
	demo discordsim.Demo
}

// do makes a request as the bot and gives the id in the answer.
func (a acts) do(method, path string, body any) snowflake.ID {
	a.Helper()
	b, err := json.Marshal(body)
	a.Must(err)
	res := a.Request(method, path, string(b))
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	a.Must(err)
	if res.StatusCode >= 300 {
		a.Fatalf("%s %s: %s %s", method, path, res.Status, raw)
	}
	var v struct {
		ID   snowflake.ID `json:"id"`
		Code string       `json:"code"`
	}
	_ = json.Unmarshal(raw, &v) // not everything answered has an id
	return v.ID
}

func (a acts) everything(ctx context.Context, shard *gateway.Shard, got *told) {
	a.Helper()
	type m = map[string]any
	g := a.demo.Guild.ID
	in := func(format string, args ...any) string { return "/guilds/" + g.String() + fmt.Sprintf(format, args...) }
	member := a.demo.Users[3].ID

	voice := a.do("POST", in("/channels"),
		m{
			"name": "room", "type": 2,
			"permission_overwrites": []m{{"id": member, "type": 1, "allow": "1024", "deny": "0"}},
		})
	a.do("PATCH", "/channels/"+voice.String(), m{"name": "den"})
	a.do("PUT", fmt.Sprintf("/channels/%d/voice-status", voice), m{"status": "cards"})
	role := a.do("POST", in("/roles"), m{"name": "new"})
	a.do("PATCH", in("/roles/%d", role), m{"name": "newer"})
	a.do("PUT", in("/members/%d/roles/%d", member, role), nil)
	a.do("DELETE", in("/roles/%d", role), nil)
	a.do("PATCH", in(""), m{"name": "Friends of tomorrow"})
	_, err := a.Discord.JoinVoice(g, member, voice, discordsim.VoiceFlags{})
	a.Must(err)
	ask := func(op disgo.Opcode, data disgo.MessageData, answer string) {
		a.Must(shard.Send(ctx, op, data))
		// What is done over REST next could otherwise overtake it: the channel to join would be gone.
		got.await(a, answer)
	}
	ask(disgo.OpcodeVoiceStateUpdate, disgo.MessageDataVoiceStateUpdate{GuildID: g, ChannelID: &voice},
		"VOICE_SERVER_UPDATE")
	a.do("POST", fmt.Sprintf("/channels/%d/invites", voice), m{})
	text := a.do("POST", in("/channels"), m{"name": "talk", "type": 0})
	say := func(s string) snowflake.ID {
		return a.do("POST", fmt.Sprintf("/channels/%d/messages", text), m{"content": s})
	}
	message, second, third := say("one"), say("two"), say("three")
	a.do("PATCH", fmt.Sprintf("/channels/%d/messages/%d", text, message), m{"content": "1"})
	for _, of := range []string{"/%F0%9F%8E%B2/@me", "/%F0%9F%8E%B2", ""} { // its own, of an emoji, all
		reactions := fmt.Sprintf("/channels/%d/messages/%d/reactions", text, message)
		a.do("PUT", reactions+"/%F0%9F%8E%B2/@me", nil)
		a.do("DELETE", reactions+of, nil)
	}
	a.do("PUT", fmt.Sprintf("/channels/%d/messages/pins/%d", text, message), nil)
	a.do("DELETE", fmt.Sprintf("/channels/%d/messages/%d", text, message), nil)
	a.do("POST", fmt.Sprintf("/channels/%d/messages/bulk-delete", text), m{"messages": []snowflake.ID{second, third}})
	a.do("POST", fmt.Sprintf("/channels/%d/typing", text), nil)
	a.gatherings(g, text, member)
	a.do("DELETE", "/channels/"+voice.String(), nil) // its invite goes with it
	a.do("PATCH", "/users/@me", m{"username": "snug of tomorrow"})
	newcomer := a.Discord.AddUser("newcomer", "New")
	a.Must(a.Discord.AddMember(g, newcomer.ID, ""))
	a.do("PUT", in("/bans/%d", newcomer.ID), nil)
	a.do("DELETE", in("/bans/%d", newcomer.ID), nil)
	everybody := disgo.EventUnknown(fmt.Sprintf(`{"guild_id":"%d","query":"","limit":0}`, g))
	ask(disgo.OpcodeRequestGuildMembers, everybody, "GUILD_MEMBERS_CHUNK")
	ask(disgo.OpcodeRequestGuildMembers, everybody, "RATE_LIMITED") // too soon
	ask(31, disgo.EventUnknown(fmt.Sprintf(`{"guild_ids":["%d"]}`, g)), "SOUNDBOARD_SOUNDS")
	ask(43, disgo.EventUnknown(fmt.Sprintf(`{"guild_id":"%d","fields":["status","voice_start_time"]}`, g)),
		"CHANNEL_INFO")
	a.interaction(ctx, got)
	a.purchases()
	_, err = a.Discord.Inject(discordsim.Fault{Kind: discordsim.FaultOutage, Guild: g})
	a.Must(err)
	_, err = a.Discord.Inject(discordsim.Fault{Kind: discordsim.FaultRestore, Guild: g})
	a.Must(err)
	_, err = a.Discord.Inject(discordsim.Fault{Kind: discordsim.FaultDrop})
	a.Must(err)
	testkit.Eventually(a, "the session is resumed",
		func() bool { return shard.History().Resumes == 1 && shard.State().Phase == gateway.Ready })
}

// emoji is a picture, as far as its first bytes tell.
const emoji = "data:image/png;base64,iVBORw0KGgo="

// gatherings causes what is dispatched of threads, stages, webhooks, emojis, moderation and scheduled events.
func (a acts) gatherings(guild, text, member snowflake.ID) {
	a.Helper()
	type m = map[string]any
	thread := a.do("POST", fmt.Sprintf("/channels/%d/threads", text), m{"name": "aside", "type": 11})
	a.do("PATCH", "/channels/"+thread.String(), m{"name": "further aside"})
	a.do("PUT", fmt.Sprintf("/channels/%d/thread-members/%d", thread, member), nil)
	// The bot sees the channel no more, and then again.
	for _, see := range []discordsim.Permissions{0, discordsim.PermAdministrator} {
		a.Must(a.Discord.InstallBot(guild, a.demo.Application.ID, see))
		a.Must(a.Discord.SetRole(guild, guild, discordsim.DefaultEveryone&^discordsim.PermViewChannel|see))
	}
	a.Must(a.Discord.SetRole(guild, guild, discordsim.DefaultEveryone))
	a.do("DELETE", "/channels/"+thread.String(), nil)

	stage := a.do("POST", fmt.Sprintf("/guilds/%d/channels", guild), m{"name": "stage", "type": 13})
	a.do("POST", "/stage-instances", m{"channel_id": stage, "topic": "one"})
	a.do("PATCH", fmt.Sprintf("/stage-instances/%d", stage), m{"topic": "two"})
	a.do("DELETE", fmt.Sprintf("/stage-instances/%d", stage), nil)

	a.do("POST", fmt.Sprintf("/channels/%d/webhooks", text), m{"name": "herald"})
	a.do("POST", fmt.Sprintf("/guilds/%d/emojis", guild), m{"name": "die", "image": emoji})
	rules := fmt.Sprintf("/guilds/%d/auto-moderation/rules", guild)
	rule := a.do("POST", rules, m{"name": "no dragons", "event_type": 1, "trigger_type": 1, "enabled": true,
		"trigger_metadata": m{"keyword_filter": []string{"dragon"}}, "actions": []m{{"type": 1}}})
	a.do("PATCH", fmt.Sprintf("%s/%d", rules, rule), m{"name": "no dragons here"})
	if _, err := a.Discord.As(member).Send(text, "dragon"); err == nil {
		a.Error("no rule blocked it")
	}
	a.do("DELETE", fmt.Sprintf("%s/%d", rules, rule), nil)

	now := time.Now()
	event := a.do("POST", fmt.Sprintf("/guilds/%d/scheduled-events", guild), m{
		"name": "draft", "privacy_level": 2, "entity_type": 3, "entity_metadata": m{"location": "the park"},
		"scheduled_start_time": now.Add(time.Hour), "scheduled_end_time": now.Add(2 * time.Hour),
	})
	at := fmt.Sprintf("/guilds/%d/scheduled-events/%d", guild, event)
	a.do("PATCH", at, m{"name": "cube"})
	for _, method := range []string{"PUT", "DELETE"} {
		a.Must(a.Discord.As(member).Do(method, at+"/users/@me", nil, nil))
	}
	a.do("DELETE", at, nil)
}

// purchases causes what is dispatched of what the application sells.
func (a acts) purchases() {
	a.Helper()
	sku, err := a.Discord.AddSKU(a.demo.Application.ID, "dice", "consumable")
	a.Must(err)
	all := fmt.Sprintf("/applications/%d/entitlements", a.demo.Application.ID)
	id := a.do("POST", all, map[string]any{"sku_id": sku, "owner_id": a.demo.Users[3].ID, "owner_type": 2})
	a.do("POST", fmt.Sprintf("%s/%d/consume", all, id), nil)
	a.do("DELETE", fmt.Sprintf("%s/%d", all, id), nil)
}

// interaction runs a command that nobody answers.
func (a acts) interaction(ctx context.Context, got *told) {
	a.Helper()
	a.do("PUT", fmt.Sprintf("/applications/%d/commands", a.demo.Application.ID),
		[]map[string]any{{"name": "room", "description": "x",
			"options": []map[string]any{
				{"name": "where", "description": "x", "type": 7}, {"name": "who", "description": "x", "type": 6},
			}}})
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = a.Discord.RunCommand(ctx, a.demo.Users[2].ID,
			discordsim.CommandRun{
				Guild: a.demo.Guild.ID, Name: "room",
				Options: map[string]any{"where": a.demo.Lounge.ID.String(), "who": a.demo.Users[3].ID.String()},
			})
	}()
	got.await(a, "INTERACTION_CREATE")
	cancel()
	<-ended
}
