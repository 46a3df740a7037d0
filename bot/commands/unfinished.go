package commands

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/events"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/message"
	"snug/bot/ratelimit"
	"snug/shared/errs"
)

// Unfinished is an interaction without its final answer. With the token, anybody can answer in Snug's name.
type Unfinished struct {
	ID     snowflake.ID
	Token  string
	Guild  snowflake.ID // 0 outside servers
	Locale string
}

const (
	// finishedBy is how old an interaction is before another process answers it: until then, the one that
	// acknowledged it may still be at it while it stops.
	finishedBy = 5 * time.Second
	// tokenLives is how long Discord takes an answer, less a margin for the clocks: one that is refused would count.
	// https://discord.com/developers/docs/interactions/receiving-and-responding#followup-messages
	tokenLives = 14 * time.Minute
)

// UnfinishedOf describes an interaction that may still need an answer; false if it's of a kind that is only ever
// answered at once.
func UnfinishedOf(i discord.Interaction) (u Unfinished, ok bool) {
	if _, suggests := i.(discord.AutocompleteInteraction); suggests {
		return u, false
	}
	u = Unfinished{ID: i.ID(), Token: i.Token(), Locale: i.Locale().Code()}
	if g := i.GuildID(); g != nil {
		u.Guild = *g
	}
	return u, true
}

// Unfinished lists the interactions of servers that have no final answer yet. It doesn't wait.
func (c *Commands) Unfinished(of func(guild snowflake.ID) bool) (list []Unfinished) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, u := range c.unfinished {
		if of(u.Guild) {
			list = append(list, u)
		}
	}
	slices.SortFunc(list, func(a, b Unfinished) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// begins records an interaction until the function that it returns is called. The caller holds mu.
func (c *Commands) begins(e *events.InteractionCreate) (over func()) {
	u, ok := UnfinishedOf(e.Interaction)
	if !ok {
		return func() {}
	}
	c.unfinished[u.ID] = u
	return func() { c.over(u) }
}

// over forgets an interaction, unless its handler was interrupted: then it's for the next process.
func (c *Commands) over(u Unfinished) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() == nil {
		delete(c.unfinished, u.ID)
	}
}

// Interrupted answers interactions that another process, or an earlier one, may have acknowledged and not finished.
// It only starts goroutines.
func (c *Commands) Interrupted(list ...Unfinished) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, u := range list {
		if c.closed || c.o.Now().Sub(u.ID.Time()) > tokenLives {
			continue
		}
		c.unfinished[u.ID] = u
		c.wg.Go(func() {
			if c.await(u) {
				c.finish(u)
				c.over(u)
			}
		})
	}
}

// await waits until nobody else is answering an interaction any more; false if Close comes first.
func (c *Commands) await(u Unfinished) bool {
	wait := time.NewTimer(finishedBy - c.o.Now().Sub(u.ID.Time()))
	defer wait.Stop()
	select {
	case <-wait.C:
		return true
	case <-c.ending:
		return false
	}
}

// finish says that an interaction was interrupted, if its user is still shown that the answer takes a moment. An
// interaction that nobody acknowledged, or whose answer is there, is left alone.
func (c *Commands) finish(u Unfinished) {
	ctx, cancel := context.WithTimeout(c.ctx, answerTime)
	defer cancel()
	log := c.o.Log.With("interaction_id", u.ID, "guild_id", u.Guild)
	err := c.whileHeld(ctx, func() error {
		m, err := c.o.Rest.GetInteractionResponse(c.o.Application, u.Token, rest.WithCtx(ctx))
		if err != nil || !m.Flags.Has(discord.MessageFlagLoading) {
			return err
		}
		text := message.Cut(c.o.Texts.For(u.Locale).Say("interrupted"), message.MaxContent)
		_, err = c.o.Rest.UpdateInteractionResponse(c.o.Application, u.Token, discord.MessageUpdate{
			Content: &text, AllowedMentions: &discord.AllowedMentions{},
		}, rest.WithCtx(ctx))
		if err == nil {
			log.Info("answered a command that was interrupted by a restart")
		}
		return err
	})
	if err != nil && ctx.Err() == nil && !gone(err) {
		log.Warn("cannot find out whether an interrupted command was answered", "err", ratelimit.Clean(err))
	}
}

// heldAgain is how often an answer is tried while no lease is certain.
const heldAgain = 250 * time.Millisecond

// whileHeld gives a final answer by calling f. While this process can't be certain that it holds a shard, as during an
// election in NATS, nothing may be sent to Discord. Nobody else takes the shard over then, so only this process can
// give the answer. So f is called again until it may be sent, ctx ends, or Close is called.
func (c *Commands) whileHeld(ctx context.Context, f func() error) error {
	for {
		err := f()
		if !errs.Has(err, errs.Unavailable) {
			return err
		}
		again := time.NewTimer(heldAgain)
		select {
		case <-again.C:
			continue
		case <-ctx.Done():
		case <-c.ending:
		}
		again.Stop()
		return err
	}
}

// gone reports whether Discord knows no answer: it was never acknowledged, or its user dismissed it.
func gone(err error) bool {
	var refused *rest.Error
	return errors.As(err, &refused) && refused.Response != nil &&
		refused.Response.StatusCode == http.StatusNotFound
}
