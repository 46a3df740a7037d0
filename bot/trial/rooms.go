package trial

import (
	"context"
	"strconv"
)

const (
	channelRoute   = "/channels/{channel}"
	overwriteRoute = "/channels/{channel}/permissions/{overwrite}"
	messagesRoute  = "/channels/{channel}/messages"
	messageRoute   = "/channels/{channel}/messages/{message}"
	memberRoute    = "/guilds/{guild}/members/{user}"
)

func (t *trial) seats(ctx context.Context, out *Outcome) {
	if !t.inRoom(out) {
		return
	}
	_, _ = t.call(ctx, out, true, "PATCH", channelRoute, map[string]any{"user_limit": 3}, t.room)
	t.event(ctx, out, true, "CHANNEL_UPDATE", about("id", t.room))
	_, _ = t.call(ctx, out, true, "PATCH", channelRoute, map[string]any{"user_limit": 100}, t.room)
	_, _ = t.call(ctx, out, true, "GET", channelRoute, nil, t.room)
}

// overwritesAllowed lets the operator into the room and out again, as Snug does with every guest.
func (t *trial) overwritesAllowed(ctx context.Context, out *Outcome) {
	if !t.inRoom(out) {
		return
	}
	who := t.o.Operator.String()
	_, _ = t.call(ctx, out, true, "PUT", overwriteRoute,
		map[string]any{"type": 1, "allow": strconv.Itoa(connectBits), "deny": "0"}, t.room, who)
	t.event(ctx, out, true, "CHANNEL_UPDATE", about("id", t.room))
	_, _ = t.call(ctx, out, true, "GET", channelRoute, nil, t.room)
	_, _ = t.call(ctx, out, true, "DELETE", overwriteRoute, nil, t.room, who)
	_, _ = t.call(ctx, out, true, "DELETE", overwriteRoute, nil, t.room, who)
}

func (t *trial) overwritesRefused(ctx context.Context, out *Outcome) {
	bit := t.missing()
	switch {
	case !t.inRoom(out):
		return
	case bit == 0:
		out.Untried = whyHasAll
		return
	}
	_, _ = t.call(ctx, out, true, "PUT", overwriteRoute,
		map[string]any{"type": 1, "allow": strconv.FormatUint(bit, 10), "deny": "0"}, t.room, t.me)
	list := append(t.overwrites(),
		map[string]any{"id": t.o.Operator, "type": 1, "allow": strconv.FormatUint(bit, 10), "deny": "0"})
	_, _ = t.call(ctx, out, true, "PATCH", channelRoute, map[string]any{"permission_overwrites": list}, t.room)
}

// tooManyOverwrites sends one overwrite more than a request may have, for users who don't exist:
// Discord refuses all of it.
func (t *trial) tooManyOverwrites(ctx context.Context, out *Outcome) {
	if !t.inRoom(out) {
		return
	}
	list := t.overwrites()
	for i := len(list); i < manyOverwrite; i++ {
		list = append(list, map[string]any{"id": strconv.Itoa(1000 + i), "type": 1, "allow": "0", "deny": "0"})
	}
	_, _ = t.call(ctx, out, true, "PATCH", channelRoute, map[string]any{"permission_overwrites": list}, t.room)
}

func (t *trial) voiceStatus(ctx context.Context, out *Outcome) {
	if !t.inRoom(out) {
		return
	}
	_, _ = t.call(ctx, out, true, "PUT", "/channels/{channel}/voice-status", map[string]any{"status": "Trying Snug"},
		t.room)
	t.event(ctx, out, true, "VOICE_CHANNEL_STATUS_UPDATE", about("id", t.room))
}

func (t *trial) panel(ctx context.Context, out *Outcome) {
	if !t.inRoom(out) {
		return
	}
	body := map[string]any{
		"content": "Trying Snug.", "allowed_mentions": map[string]any{"parse": []string{}},
		"components": []any{
			map[string]any{
				"type": 1,
				"components": []any{
					map[string]any{"type": 2, "style": 2, "label": "A button", "custom_id": "snug-trial"},
				},
			},
		},
	}
	a, err := t.call(ctx, out, true, "POST", messagesRoute, body, t.room)
	if err != nil || a.status >= 300 {
		return
	}
	_, _ = t.call(ctx, out, true, "PATCH", messageRoute, map[string]any{"content": "Trying Snug, edited."}, t.room,
		a.id())
	_, _ = t.call(ctx, out, true, "PATCH", messageRoute, map[string]any{"content": "Trying Snug, edited again."},
		t.room, a.id())
	_, _ = t.call(ctx, out, true, "DELETE", messageRoute, nil, t.room, a.id())
	_, _ = t.call(ctx, out, true, "PATCH", messageRoute, map[string]any{"content": "Gone."}, t.room, a.id())
}

func (t *trial) invites(ctx context.Context, out *Outcome) {
	if !t.inRoom(out) {
		return
	}
	a, err := t.call(ctx, out, true, "POST", "/channels/{channel}/invites",
		map[string]any{"max_age": 300, "max_uses": 1, "unique": true}, t.room)
	if err != nil || a.status >= 300 {
		return
	}
	_, _ = t.call(ctx, out, false, "DELETE", "/invites/{code}", nil, a.text("code"))
	_, _ = t.call(ctx, out, false, "DELETE", "/invites/{code}", nil, a.text("code"))
}

// renames uses up the limit of a channel's renames: Discord allows two in ten minutes.
func (t *trial) renames(ctx context.Context, out *Outcome) {
	if !t.inRoom(out) {
		return
	}
	for _, end := range []string{"-a2", "-a3", "-a4"} {
		name := t.mark + end
		t.made.Marks = append(t.made.Marks, name)
		if out.err = t.save(); out.err != nil {
			return
		}
		_, _ = t.call(ctx, out, true, "PATCH", channelRoute, map[string]any{"name": name}, t.room)
	}
}

func (t *trial) moveNobody(ctx context.Context, out *Outcome) {
	switch {
	case !t.inRoom(out):
		return
	case t.inVoice:
		out.Untried = whyInVoice
		return
	case t.gw == nil: // then it isn't known whether they are in voice
		out.Untried = whyNoGateway
		return
	}
	_, _ = t.call(ctx, out, false, "PATCH", memberRoute, map[string]any{"channel_id": t.room}, t.guild(),
		t.o.Operator.String())
}

// directText is the direct message that the trial sends.
const directText = "Snug is being tested on one of your servers. This message will be deleted automatically."

func (t *trial) direct(ctx context.Context, out *Outcome) {
	a, err := t.call(ctx, out, false, "POST", "/users/@me/channels", map[string]any{"recipient_id": t.o.Operator})
	if err != nil || a.status >= 300 {
		return
	}
	t.made.DM = a.id()
	if out.err = t.save(); out.err != nil {
		return
	}
	a, err = t.call(ctx, out, false, "POST", messagesRoute, map[string]any{"content": directText}, t.made.DM)
	if err != nil || a.status >= 300 {
		return
	}
	t.made.Message = a.id()
	out.err = t.save()
}

// removal deletes what was created and checks that it is gone.
func (t *trial) removal(ctx context.Context, out *Outcome) {
	if !t.inRoom(out) {
		return
	}
	_, _ = t.call(ctx, out, true, "DELETE", channelRoute, nil, t.second)
	t.event(ctx, out, true, "CHANNEL_DELETE", about("id", t.second))
	_, _ = t.call(ctx, out, true, "DELETE", channelRoute, nil, t.second)
	_, _ = t.call(ctx, out, true, "GET", channelRoute, nil, t.second)
	_, _ = t.call(ctx, out, true, "DELETE", channelRoute, nil, t.room)
	_, _ = t.call(ctx, out, true, "DELETE", channelRoute, nil, t.category)
}
