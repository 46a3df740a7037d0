package control

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// bell wakes those who wait for something in the world. Safe for concurrent use.
type bell struct {
	mu   sync.Mutex
	next chan struct{} // closed by ring; nil while nobody waits
}

// wait returns a channel that closes at the next ring.
func (b *bell) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == nil {
		b.next = make(chan struct{})
	}
	return b.next
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next != nil {
		close(b.next)
		b.next = nil
	}
}

// waitUntil calls found whenever something changed, until it returns something, and returns that.
func (c *Control) waitUntil(ctx context.Context, found func(held) any) (any, error) {
	for {
		rung := c.page.bell.wait()
		out, err := ask(c, func(s held) (any, error) { return found(s), nil })
		if out != nil || err != nil {
			return out, err
		}
		select {
		case <-rung:
		case <-ctx.Done():
			return nil, form.Fail(504, 0, "504: it didn't happen in time")
		}
	}
}

// What a script waits for: one of them.
type waitInput struct {
	Timeout *float64     `json:"timeout"` // seconds
	Message *waitMessage `json:"message"`
	Voice   *waitVoice   `json:"voice"`
	Channel *waitChannel `json:"channel"`
}

// waitMessage is a message that is there, or comes: in a channel, by somebody, with a text in it, newer than another
// one. What is left out doesn't matter.
type waitMessage struct {
	Channel  form.FlexID `json:"channel_id"`
	Author   form.FlexID `json:"author_id"`
	After    form.FlexID `json:"after"`
	Contains string      `json:"contains"`
}

// waitVoice is where somebody is in voice; without a channel, nowhere.
type waitVoice struct {
	Guild   form.FlexID `json:"guild_id"`
	User    form.FlexID `json:"user_id"`
	Channel form.FlexID `json:"channel_id"`
}

// waitChannel is a channel with a name, or one that is gone.
type waitChannel struct {
	Guild form.FlexID `json:"guild_id"`
	Name  string      `json:"name"`
	Gone  bool        `json:"gone"`
}

// usualWait is how long a script waits if it doesn't say.
const usualWait = 5 * time.Second

// wait waits until something is as a script wants it.
func (c *request) wait() (any, error) {
	var in waitInput
	if err := c.read(&in); err != nil {
		return nil, err
	}
	timeout := usualWait
	if in.Timeout != nil {
		if !(*in.Timeout >= 0 && *in.Timeout <= waits.Seconds()) {
			return nil, fmt.Errorf("timeout must be seconds, from 0 to %d", int(waits.Seconds()))
		}
		timeout = time.Duration(*in.Timeout * float64(time.Second))
	}
	var found func(held) any
	switch {
	case in.Message != nil && in.Voice == nil && in.Channel == nil:
		found = in.Message.found
	case in.Voice != nil && in.Message == nil && in.Channel == nil:
		found = in.Voice.found
	case in.Channel != nil && in.Message == nil && in.Voice == nil:
		found = in.Channel.found
	default:
		return nil, errors.New("say what to wait for: one of message, voice and channel")
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), timeout)
	defer cancel()
	return c.control.waitUntil(ctx, found)
}

func (w *waitMessage) found(s held) any {
	for channel, list := range s.Messages {
		if w.Channel != 0 && channel != world.ID(w.Channel) {
			continue
		}
		for _, m := range list {
			if m.ID > world.ID(w.After) && (w.Author == 0 || m.Author.ID == world.ID(w.Author)) {
				if shown := s.shown(m, m.Only); strings.Contains(shown.Text(), w.Contains) {
					return shown
				}
			}
		}
	}
	return nil
}

func (w *waitVoice) found(s held) any {
	g := s.Guilds[s.guildOr(world.ID(w.Guild), world.ID(w.User))]
	if g == nil || g.Members[world.ID(w.User)] == nil {
		return nil
	}
	at := world.ID(0)
	v := g.Voice[world.ID(w.User)]
	if v != nil {
		at = v.Channel
	}
	if at != world.ID(w.Channel) {
		return nil
	}
	return map[string]any{"guild_id": g.ID, "user_id": world.ID(w.User), "channel_id": world.OptionalID(at)}
}

func (w *waitChannel) found(s held) any {
	g := s.Guilds[world.ID(w.Guild)]
	if g == nil {
		return nil
	}
	for _, c := range g.SortedChannels() {
		if c.Name == w.Name {
			if w.Gone {
				return nil
			}
			return Channel{ID: c.ID, GuildID: g.ID, Name: c.Name, Type: c.Kind}
		}
	}
	if w.Gone {
		return map[string]any{"guild_id": g.ID, "name": w.Name, "gone": true}
	}
	return nil
}
