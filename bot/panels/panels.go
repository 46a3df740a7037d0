// Package panels writes what Snug posts by itself: the control panel in each
// room's own chat, the messages that tell of knocks, and notices in direct
// messages, chats and log channels. What is pressed on them comes back as an
// interaction, which package commands answers; the custom ids that both use are message's.
package panels

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/ratelimit"
	"snug/bot/rooms"
	"snug/shared/pages"
	"snug/shared/room"
	"snug/shared/text"
)

// How panels are kept up to date.
const (
	// The least time between two looks at a guild's panels: edits count for Discord's limits.
	updateInterval = time.Second
	minRetry       = 5 * time.Second // after a failure; doubled up to maxRetry
	maxRetry       = 2 * time.Minute
	refusedFor     = 10 * time.Minute // a chat that takes no message of ours is left alone
	callTimeout    = 30 * time.Second // bounds one request
	maxConcurrent  = 8                // rooms of a guild
)

// Options are what Panels needs; all of it.
type Options struct {
	Rooms *rooms.Rooms
	Rest  rest.Channels
	Texts *text.Catalog
	Pages pages.Site
	Now   func() time.Time
	Log   *slog.Logger
}

// Panels keeps the control panel in each room's chat in step with the room,
// and the messages that tell of knocks. It works from snapshots of the rooms and
// records in the room what it posted, so that a restart edits rather than
// posts again. GuildChanged never waits; each room's panel is worked on by itself, some
// of a guild at once, so that a channel that Discord is slow with, or that takes
// no panel, delays no other.
type Panels struct {
	o    Options
	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu      sync.Mutex            // guards what follows
	changed map[snowflake.ID]bool // guilds that are to be looked at
	running map[snowflake.ID]bool // guilds that are being looked at
	guilds  map[snowflake.ID]*guildWork
	refused map[snowflake.ID]time.Time // rooms whose chat takes no message of ours, and since when
	// oldEdits are rooms in which Discord took no edit of an old message, and when.
	oldEdits map[snowflake.ID]time.Time
}

// New makes Panels; Close ends it.
func New(o Options) *Panels {
	p := &Panels{
		o: o, changed: map[snowflake.ID]bool{}, running: map[snowflake.ID]bool{}, guilds: map[snowflake.ID]*guildWork{},
		refused: map[snowflake.ID]time.Time{}, oldEdits: map[snowflake.ID]time.Time{},
	}
	p.ctx, p.stop = context.WithCancel(context.Background())
	return p
}

// Close stops and waits.
func (p *Panels) Close() {
	p.mu.Lock()
	p.stop() // under the lock, so that GuildChanged starts nothing any more
	p.mu.Unlock()
	p.wg.Wait()
}

// GuildChanged says that something in a guild may have changed. It is rooms' SnapshotChanged.
func (p *Panels) GuildChanged(guildID snowflake.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return
	}
	p.changed[guildID] = true
	if !p.running[guildID] {
		p.running[guildID] = true
		p.wg.Go(func() { p.run(guildID) })
	}
}

// run looks at a guild's panels until nothing has changed any more.
func (p *Panels) run(guildID snowflake.ID) {
	for {
		p.mu.Lock()
		if !p.changed[guildID] || p.ctx.Err() != nil {
			delete(p.running, guildID)
			p.mu.Unlock()
			return
		}
		delete(p.changed, guildID)
		p.mu.Unlock()
		p.updateGuild(guildID)
		p.pause(updateInterval)
	}
}

// pause waits, or until p is closed.
func (p *Panels) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.ctx.Done():
	}
}

// updateGuild begins to bring every panel of a guild in step, and leaves those alone that are being worked on: they are
// looked at again afterwards.
func (p *Panels) updateGuild(guildID snowflake.ID) {
	p.mu.Lock()
	g := p.guild(guildID)
	before := map[snowflake.ID]bool{} // what is read of these may be from before they got their message
	for id, w := range g.rooms {
		before[id] = w.busy
	}
	p.mu.Unlock()

	m := p.o.Rooms.Snapshot(guildID)
	p.forget(guildID, g, m.Rooms)
	if !m.Ready {
		return // GuildChanged follows when it is
	}
	t := p.o.Texts.For(m.Language())
	for i := range m.Rooms {
		r := &m.Rooms[i]
		w := p.begin(guildID, g, r.ID, before[r.ID])
		if w == nil {
			continue
		}
		select {
		case g.slots <- struct{}{}:
		case <-p.ctx.Done():
		}
		p.wg.Go(func() { p.updateRoom(guildID, g, w, t, r, m.Access(r)) })
	}
}

// guildWork is what is being done for a guild's panels.
type guildWork struct {
	rooms map[snowflake.ID]*roomWork
	slots chan struct{} // taken by whoever asks Discord
}

// roomWork is what is being done for one room's panel.
type roomWork struct {
	busy  bool // its panel is worked on, or waits to be tried again
	again bool // something may have changed meanwhile
	wait  time.Duration
}

// guild gives what is being done for a guild. p.mu is held.
func (p *Panels) guild(guildID snowflake.ID) *guildWork {
	g := p.guilds[guildID]
	if g == nil {
		g = &guildWork{rooms: map[snowflake.ID]*roomWork{}, slots: make(chan struct{}, maxConcurrent)}
		p.guilds[guildID] = g
	}
	return g
}

// begin marks a room's panel as being worked on; nil if it is, or was when the room was read: then it is
// looked at again.
func (p *Panels) begin(guildID snowflake.ID, g *guildWork, roomID snowflake.ID, was bool) *roomWork {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := g.rooms[roomID]
	switch {
	case w != nil && w.busy:
		w.again = true
		return nil
	case was:
		p.changed[guildID] = true
		return nil
	case w == nil:
		w = &roomWork{wait: minRetry}
		g.rooms[roomID] = w
	}
	w.busy = true
	return w
}

// updateRoom brings one room's panel in step. After a failure it waits before the room is looked at again; no
// other room does.
func (p *Panels) updateRoom(
	guildID snowflake.ID, g *guildWork, w *roomWork, t text.Texts, r *room.Room, a room.Access,
) {
	done := true
	if p.ctx.Err() == nil {
		if err := p.syncRoom(t, r, a); err != nil {
			done = p.failed(r, err)
		}
		<-g.slots
	}
	if !done {
		p.pause(w.wait)
	}
	p.mu.Lock()
	again := w.again || !done
	w.busy, w.again = false, false
	if w.wait = min(2*w.wait, maxRetry); done {
		delete(g.rooms, r.ID)
	}
	p.mu.Unlock()
	if again {
		p.GuildChanged(guildID)
	}
}

// forget drops what was noted of rooms that are gone, and refusals that are over.
func (p *Panels) forget(guildID snowflake.ID, g *guildWork, list []room.Room) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, w := range g.rooms {
		if !w.busy && !slices.ContainsFunc(list, func(r room.Room) bool { return r.ID == id }) {
			delete(g.rooms, id)
		}
	}
	if len(list) == 0 && len(g.rooms) == 0 {
		delete(p.guilds, guildID)
	}
	for id, since := range p.refused {
		if p.o.Now().Sub(since) >= refusedFor {
			delete(p.refused, id)
		}
	}
	for id, since := range p.oldEdits {
		if p.o.Now().Sub(since) >= oldMessage {
			delete(p.oldEdits, id)
		}
	}
}

// failed judges a failure: true if trying again soon is of no use.
func (p *Panels) failed(r *room.Room, err error) bool {
	log := p.o.Log.With("guild_id", r.GuildID, "room_id", r.ID)
	var answer *rest.Error
	if errors.As(err, &answer) && answer.Response != nil {
		switch answer.Response.StatusCode {
		case http.StatusForbidden:
			p.mu.Lock()
			p.refused[r.ID] = p.o.Now()
			p.mu.Unlock()
			log.Warn("the room's chat takes no control panel: Snug needs View Channel, Connect and Send Messages "+
				"there; commands and the web work without it",
				"err", err)
			return true
		case http.StatusNotFound: // the room is going
			return true
		}
	}
	if p.ctx.Err() == nil {
		log.Warn("a control panel is behind and will be tried again", "err", err)
	}
	return false
}

// syncRoom brings one room's messages in step, and records what was posted as soon as it is.
func (p *Panels) syncRoom(t text.Texts, r *room.Room, a room.Access) error {
	p.mu.Lock()
	_, refused := p.refused[r.ID]
	p.mu.Unlock()
	if refused {
		return nil
	}
	next := r.Panel.Clone()
	err := p.syncPanel(t, r, a, &next)
	if err == nil {
		err = p.syncKnocks(t, r, &next)
	}
	if next.MessageID == r.Panel.MessageID && next.Shown == r.Panel.Shown && slices.Equal(next.Knocks, r.Panel.Knocks) {
		return err
	}
	ctx, cancel := context.WithTimeout(p.ctx, callTimeout)
	defer cancel()
	return errors.Join(err, p.o.Rooms.SetPanel(ctx, r.GuildID, r.ID, next))
}

// syncPanel posts the control panel, or edits it if it would say something else.
func (p *Panels) syncPanel(t text.Texts, r *room.Room, a room.Access, next *room.Panel) error {
	body := panel(t, p.o.Pages, r, a)
	sum, err := checksum(body)
	if err != nil || next.MessageID != 0 && next.Shown == sum {
		return err
	}
	ctx, cancel := context.WithTimeout(p.ctx, callTimeout)
	defer cancel()
	tooOld := !p.mayEdit(r.ID, next.MessageID)
	if next.MessageID != 0 && !tooOld {
		_, err := p.o.Rest.UpdateMessage(r.ID, next.MessageID,
			discord.MessageUpdate{Components: &body, AllowedMentions: &discord.AllowedMentions{}}, rest.WithCtx(ctx))
		if err == nil {
			next.Shown = sum
		}
		if tooOld = errors.Is(err, ratelimit.ErrOldEdit); tooOld {
			p.refuseOldEdits(r.ID)
		} else if !unknownMessage(err) {
			return err
		}
		// Somebody deleted it, or it is too old to be edited, so it is posted again.
	}
	if next.MessageID != 0 && tooOld { // first, so that a crash leaves no second one
		if err := p.o.Rest.DeleteMessage(r.ID, next.MessageID, rest.WithCtx(ctx)); err != nil && !unknownMessage(err) {
			return err
		}
	}
	m, err := p.o.Rest.CreateMessage(r.ID, discord.MessageCreate{
		Components: body, Flags: discord.MessageFlagIsComponentsV2 | discord.MessageFlagSuppressNotifications,
		AllowedMentions: &discord.AllowedMentions{}, Nonce: nonce("panel", r.ID, 0, next.MessageID), EnforceNonce: true,
	}, rest.WithCtx(ctx))
	if err != nil {
		return err
	}
	next.MessageID, next.Shown = m.ID, sum
	return nil
}

// oldMessage is from which age on Discord bounds edits of a message, by a number it does not tell.
const oldMessage = time.Hour

// mayEdit says whether to try to edit a message. Where Discord refused to edit
// old ones it is not asked again for a while: each refusal counts against the bot.
func (p *Panels) mayEdit(roomID, message snowflake.ID) bool {
	now := p.o.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	since, refused := p.oldEdits[roomID]
	return !refused || now.Sub(since) >= oldMessage || now.Sub(message.Time()) < oldMessage
}

func (p *Panels) refuseOldEdits(roomID snowflake.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.oldEdits[roomID] = p.o.Now()
}

// syncKnocks posts a message for each knock that waits for an answer, and takes away those that do not any more.
func (p *Panels) syncKnocks(t text.Texts, r *room.Room, next *room.Panel) error {
	ctx, cancel := context.WithTimeout(p.ctx, callTimeout)
	defer cancel()
	now := p.o.Now()
	for _, k := range r.Knocks {
		if !k.Pending(now) || slices.ContainsFunc(next.Knocks,
			func(m room.KnockMessage) bool { return m.UserID == k.UserID }) {
			continue
		}
		body := knockMessage(t, r, k)
		body.Nonce, body.EnforceNonce = nonce("knock", r.ID, k.UserID, snowflake.New(k.At)), true
		m, err := p.o.Rest.CreateMessage(r.ID, body, rest.WithCtx(ctx))
		if err != nil {
			return err
		}
		next.Knocks = append(next.Knocks, room.KnockMessage{UserID: k.UserID, MessageID: m.ID})
	}
	for _, m := range slices.Clone(next.Knocks) {
		if k := r.Knock(m.UserID); k != nil && k.Pending(now) {
			continue
		}
		if err := p.o.Rest.DeleteMessage(r.ID, m.MessageID, rest.WithCtx(ctx)); err != nil && !unknownMessage(err) {
			return err
		}
		next.Knocks = slices.DeleteFunc(next.Knocks, func(o room.KnockMessage) bool { return o == m })
	}
	return nil
}

// unknownMessage says whether Discord does not know a message (any more).
func unknownMessage(err error) bool {
	var answer *rest.Error
	return errors.As(err, &answer) && answer.Code == rest.JSONErrorCodeUnknownMessage
}
