package trial

import (
	"context"
	"encoding/json"
	"strings"
)

// voice makes the bot itself join a room, be moved to the other and leave: what Snug does with
// people, tried without any.
func (t *trial) voice(ctx context.Context, out *Outcome) {
	switch {
	case !t.inRoom(out):
		return
	case t.gw == nil:
		out.Untried = whyNoGateway
		return
	}
	in := func(channel string) func(json.RawMessage) bool {
		return func(d json.RawMessage) bool { return about("user_id", t.me)(d) && about("channel_id", channel)(d) }
	}
	state := func(channel any) map[string]any {
		return map[string]any{"guild_id": t.guild(), "channel_id": channel, "self_mute": true, "self_deaf": true}
	}
	if out.err = t.gw.send(opVoiceState, state(t.room)); out.err != nil {
		return
	}
	t.event(ctx, out, true, "VOICE_STATE_UPDATE", in(t.room))
	_, _ = t.call(ctx, out, false, "PATCH", memberRoute, map[string]any{"channel_id": t.second}, t.guild(), t.me)
	t.event(ctx, out, true, "VOICE_STATE_UPDATE", in(t.second))
	_, _ = t.call(ctx, out, false, "PATCH", memberRoute, map[string]any{"channel_id": nil}, t.guild(), t.me)
	t.event(ctx, out, true, "VOICE_STATE_UPDATE", in(""))
}

// bulk requests the bot and the operator as members, without the privileged intent.
func (t *trial) bulk(ctx context.Context, out *Outcome) {
	if t.gw == nil {
		out.Untried = whyNoGateway
		return
	}
	out.err = t.gw.send(opMembers,
		map[string]any{"guild_id": t.guild(), "user_ids": []string{t.me, t.o.Operator.String()}, "nonce": "snug-trial"})
	if out.err == nil {
		t.event(ctx, out, false, "GUILD_MEMBERS_CHUNK", about("nonce", "snug-trial"))
	}
}

// resume drops the connection and resumes the session.
func (t *trial) resume(ctx context.Context, out *Outcome) {
	if t.gw == nil || t.gw.session == "" || t.gw.resumeURL == "" {
		out.Untried = whyNoGateway
		return
	}
	old := t.gw
	old.close()
	t.gw = nil
	g, err := dial(ctx, strings.TrimRight(old.resumeURL, "/"), t.o.Wait)
	if err != nil {
		out.err, out.Events = err, append(out.Events, Event{Name: "RESUMED"})
		return
	}
	g.session, g.resumeURL, g.seq = old.session, old.resumeURL, old.last()
	t.gw = g
	out.err = g.send(opResume, map[string]any{"token": t.o.Token, "session_id": g.session, "seq": g.seq})
	if out.err == nil {
		t.event(ctx, out, false, "RESUMED", nil)
	}
}
