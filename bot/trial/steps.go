package trial

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
)

// step tests one thing that Snug relies on. It records what it observes, or in Untried why it can't be tested.
type step struct {
	name string
	do   func(*trial, context.Context, *Outcome)
}

const stepMember = "test member"

// Why a step was not tried.
const (
	whyNoRoom     = "there is no room to try it in"
	whyHasAll     = "the bot has every permission"
	whyNoGateway  = "there is no gateway connection"
	whyInVoice    = "the operator is in voice, and would be moved"
	whyNobody     = "nobody was named (--member)"
	whyAdmin      = "the test member is an administrator; name an ordinary member"
	whyPress      = "somebody has to press it in Discord"
	whySignIn     = "somebody has to sign in"
	whyHour       = "it takes an hour"
	whySomebody   = "the bot would need a permission in the category that it doesn't have in the server"
	whyTwoFactor  = "the server doesn't require two-factor authentication"
	connectBits   = 1<<10 | 1<<20 // View Channel, Connect
	ownBits       = 1<<10 | 1<<20 | 1<<4
	manyOverwrite = 101
)

func steps() []step {
	return []step{
		{"bot and application", (*trial).identity},
		{"server", (*trial).server},
		{"gateway: identify", (*trial).identify},
		{"invalid and unknown ids", (*trial).unknown},
		{"two-factor authentication of the owner", (*trial).twoFactor},
		{"category", (*trial).makeCategory},
		{"rooms with overwrites", (*trial).makeRooms},
		{"seats", (*trial).seats},
		{"overwrites the bot may set", (*trial).overwritesAllowed},
		{"overwrites the bot may not set", (*trial).overwritesRefused},
		{"more than 100 overwrites at once", (*trial).tooManyOverwrites},
		{"voice status", (*trial).voiceStatus},
		{"panel", (*trial).panel},
		{"invites", (*trial).invites},
		{"names, and one rename too many", (*trial).renames},
		{"voice: the bot joins, moves and leaves", (*trial).voice},
		{"moving somebody who is not in voice", (*trial).moveNobody},
		{"direct message to the operator", (*trial).direct},
		{"members in bulk", (*trial).bulk},
		{"gateway: resume", (*trial).resume},
		{stepMember, (*trial).member},
		{"removal", (*trial).removal},
		untried("commands, buttons and menus", whyPress),
		untried("adding somebody to the server", whySignIn),
		untried("edits of a message that is an hour old", whyHour),
		untried("permissions that the bot has only in a category", whySomebody),
	}
}

func untried(name, why string) step {
	return step{name, func(_ *trial, _ context.Context, out *Outcome) { out.Untried = why }}
}

// all runs every step, whether or not earlier ones failed.
func (t *trial) all(ctx context.Context) []Outcome {
	var list []Outcome
	for _, s := range steps() {
		out := Outcome{Step: s.name}
		if ctx.Err() == nil {
			s.do(t, ctx, &out)
		}
		list = append(list, out)
	}
	return list
}

func (t *trial) guild() string { return t.o.Guild.String() }

func (t *trial) identity(ctx context.Context, out *Outcome) {
	_, _ = t.call(ctx, out, false, "GET", "/users/@me", nil)
	_, _ = t.call(ctx, out, false, "GET", "/applications/@me", nil)
	a, err := t.call(ctx, out, false, "GET", "/gateway/bot", nil)
	if err == nil {
		t.gateway = a.text("url")
	}
}

func (t *trial) server(ctx context.Context, out *Outcome) {
	for _, path := range []string{"", "/roles", "/channels"} {
		_, _ = t.call(ctx, out, false, "GET", "/guilds/{guild}"+path, nil, t.guild())
	}
	_, _ = t.call(ctx, out, false, "GET", "/guilds/{guild}/members/{user}", nil, t.guild(), t.me)
}

func (t *trial) identify(ctx context.Context, out *Outcome) {
	if t.gateway == "" {
		out.Untried = whyNoGateway
		return
	}
	g, err := dial(ctx, strings.TrimRight(t.gateway, "/"), t.o.Wait)
	if err != nil {
		out.err, out.Events = err, append(out.Events, Event{Name: "HELLO"})
		return
	}
	t.gw = g
	// Identify as the server's shard only: a running Snug keeps its own session.
	var bot struct{ Shards int }
	_ = t.ask(ctx, "/gateway/bot", &bot) // one shard is right for nearly every bot
	shards := max(1, bot.Shards)
	identify := map[string]any{
		"token": t.o.Token, "intents": intents,
		"properties": map[string]string{"os": "linux", "browser": "snug", "device": "snug"},
		"shard":      []int{int(uint64(t.o.Guild) >> 22 % uint64(shards)), shards},
	}
	var p payload
	for range 3 {
		// Another process of the bot may be identifying: Discord then refuses, and another try succeeds.
		if out.err = g.send(opIdentify, identify); out.err != nil {
			return
		}
		p, err = g.until(ctx, t.o.Wait, func(p payload) bool { return p.T == "READY" })
		if !errors.Is(err, errRefused) {
			break
		}
		if sleep(ctx, identifyAgain) != nil {
			return
		}
	}
	out.Events = append(out.Events, Event{Name: "READY", Arrived: err == nil})
	if out.err = err; err != nil {
		return
	}
	var ready struct {
		Session string `json:"session_id"`
		Resume  string `json:"resume_gateway_url"`
	}
	_ = json.Unmarshal(p.D, &ready) // without a session there is nothing to resume
	g.session, g.resumeURL = ready.Session, ready.Resume
	p = t.event(ctx, out, false, "GUILD_CREATE", about("id", t.guild()))
	t.inVoice = inVoice(p.D, t.o.Operator.String())
}

// identifyAgain is a little more than the five seconds that Discord requires between two IDENTIFYs.
const identifyAgain = 6 * time.Second

func inVoice(d json.RawMessage, user string) bool {
	var g struct {
		States []struct {
			UserID string `json:"user_id"`
		} `json:"voice_states"`
	}
	_ = json.Unmarshal(d, &g) // on failure, nobody is in voice
	for _, s := range g.States {
		if s.UserID == user {
			return true
		}
	}
	return false
}

func (t *trial) unknown(ctx context.Context, out *Outcome) {
	_, _ = t.call(ctx, out, true, "GET", "/channels/{channel}", nil, "abc")
	_, _ = t.call(ctx, out, true, "GET", "/channels/{channel}", nil, "1")
	_, _ = t.call(ctx, out, true, "GET", "/guilds/{guild}", nil, "1")
}

// twoFactor reorders no channels: a request that changes nothing but requires a moderator's rights (60003).
func (t *trial) twoFactor(ctx context.Context, out *Outcome) {
	if t.mfa == 0 {
		out.Untried = whyTwoFactor
		return
	}
	_, _ = t.call(ctx, out, true, "PATCH", "/guilds/{guild}/channels", []any{}, t.guild())
}

// make creates a channel, and saves the journal before and after.
func (t *trial) make(ctx context.Context, out *Outcome, name string, body map[string]any) string {
	name = t.mark + name
	body["name"] = name
	t.made.Marks = append(t.made.Marks, name)
	if out.err = t.save(); out.err != nil {
		return ""
	}
	a, err := t.call(ctx, out, true, "POST", "/guilds/{guild}/channels", body, t.guild())
	if err != nil || a.status >= 300 || a.id() == "" {
		return ""
	}
	t.made.Channels = append(t.made.Channels, a.id())
	if out.err = t.save(); out.err == nil {
		t.event(ctx, out, true, "CHANNEL_CREATE", about("id", a.id()))
	}
	return a.id()
}

// overwrites returns overwrites that let only the bot in.
func (t *trial) overwrites() []any {
	return []any{
		map[string]any{"id": t.guild(), "type": 0, "allow": "0", "deny": strconv.Itoa(connectBits)},
		map[string]any{"id": t.me, "type": 1, "allow": strconv.Itoa(ownBits), "deny": "0"},
	}
}

func (t *trial) makeCategory(ctx context.Context, out *Outcome) {
	t.category = t.make(ctx, out, "", map[string]any{"type": 4, "permission_overwrites": t.overwrites()})
}

func (t *trial) makeRooms(ctx context.Context, out *Outcome) {
	if t.category == "" {
		out.Untried = whyNoRoom
		return
	}
	for i, to := range []*string{&t.room, &t.second} {
		*to = t.make(ctx, out, []string{"-a", "-b"}[i], map[string]any{
			"type": 2, "parent_id": t.category, "user_limit": 2, "permission_overwrites": t.overwrites(),
		})
	}
}

// inRoom reports whether there is a room, and otherwise sets Untried.
func (t *trial) inRoom(out *Outcome) bool {
	if t.room == "" {
		out.Untried = whyNoRoom
	}
	return t.room != ""
}
