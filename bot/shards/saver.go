package shards

import (
	"context"
	"errors"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	dgateway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/gateway"
	"snug/bot/shards/checkpoint"
	"snug/bot/voice"
	"snug/shared/errs"
)

// saveEvery is the default of Options.SaveEvery.
const saveEvery = 2 * time.Second

// saveTime limits one save. If the hub takes longer, the next save writes a newer checkpoint.
const saveTime = 30 * time.Second

// beginTime is how long the events of a new session wait until it's saved. If the hub takes longer, the next save
// saves it.
const beginTime = time.Second

// manyGuilds is how many guilds are saved together when it is worth returning memory afterwards.
const manyGuilds = 1000

// markChanged records which guild an event changes. The caller holds mu.
func (s *Shard) markChanged(data dgateway.EventData) {
	switch e := data.(type) {
	case dgateway.EventGuildCreate:
		if !e.Unavailable {
			s.add(e.ID)
		}
	case dgateway.EventGuildDelete:
		s.drop(e.ID)
	default:
		if id := s.guildOf(data); s.guilds[id] {
			s.changed[id] = true
		}
	}
}

func (s *Shard) add(id snowflake.ID) {
	s.changed[id] = true
	delete(s.gone, id)
	if !s.guilds[id] {
		s.guilds[id], s.relist = true, true
	}
}

func (s *Shard) drop(id snowflake.ID) {
	if s.guilds[id] {
		delete(s.guilds, id)
		delete(s.changed, id)
		s.gone[id], s.relist = true, true
	}
}

// guildOf returns the guild whose checkpoint an event changes, or 0.
func (s *Shard) guildOf(data dgateway.EventData) snowflake.ID {
	switch e := data.(type) {
	case dgateway.EventVoiceStateUpdate:
		return e.GuildID
	case dgateway.EventGuildUpdate:
		return e.ID
	case dgateway.EventChannelCreate:
		return e.GuildID()
	case dgateway.EventChannelUpdate:
		return e.GuildID()
	case dgateway.EventChannelDelete:
		return e.GuildID()
	case dgateway.EventGuildRoleCreate:
		return e.GuildID
	case dgateway.EventGuildRoleUpdate:
		return e.GuildID
	case dgateway.EventGuildRoleDelete:
		return e.GuildID
	case dgateway.EventGuildMemberUpdate: // the only member in a checkpoint is Snug itself
		if e.User.ID == s.all.o.Client.ApplicationID {
			return e.GuildID
		}
	}
	return 0
}

// start saves the checkpoint regularly and runs Options.Beside until ctx ends or halt is called. It
// must be called once, before halt.
func (s *Shard) start(ctx context.Context) {
	ctx, s.quit = context.WithCancel(ctx)
	ended := make(chan struct{})
	s.ended = ended
	s.all.wg.Go(func() {
		defer close(ended)
		var beside sync.WaitGroup
		for _, f := range s.all.o.Beside {
			beside.Go(func() { f(ctx, s) })
		}
		beside.Go(func() { s.publishConnection(ctx) })
		s.run(ctx, s.all.o.SaveEvery)
		beside.Wait()
	})
}

// halt stops what start began, and waits for it.
func (s *Shard) halt() {
	s.quit()
	<-s.ended
}

func (s *Shard) run(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.save(ctx, false)
		case <-ctx.Done():
			return
		}
	}
}

// save saves the checkpoint if there is anything new. With now, nothing that it waits for waits for more of its kind.
func (s *Shard) save(ctx context.Context, now bool) {
	s.saving.Lock()
	defer s.saving.Unlock()
	ctx, cancel := context.WithTimeout(ctx, saveTime)
	defer cancel()
	began := time.Now()
	s.mu.Lock()
	session := s.conn.Checkpoint() // first, so that the guilds read below are at least as new
	if !session.Resumable() || session == s.last || s.replaying || session.SessionID != s.begun().SessionID {
		s.mu.Unlock()
		return
	}
	s.stopSaving = cancel
	changed, gone, relist := s.changed, s.gone, s.relist
	s.changed, s.gone, s.relist = map[snowflake.ID]bool{}, map[snowflake.ID]bool{}, false
	var list []snowflake.ID
	if relist {
		list = keysOf(s.guilds)
	}
	head := s.head(session)
	s.mu.Unlock()

	all := keysOf(changed)
	todo := slices.Clone(all)
	err := s.all.checkpoints.Save(ctx, s.id, func() (checkpoint.Guild, bool) { return s.next(ctx, &todo) }, list,
		keysOf(gone), head, func() error { return s.all.o.Stored(ctx, all, now) })
	s.all.metrics.saved(s.id, len(changed), time.Since(began), err)
	if err == nil {
		s.last = session
		if len(changed) >= manyGuilds {
			debug.FreeOSMemory() // as after loading them
		}
		return
	}
	s.mu.Lock()
	for id := range changed {
		s.changed[id] = s.guilds[id]
		if !s.guilds[id] {
			delete(s.changed, id)
		}
	}
	for id := range gone {
		if !s.guilds[id] {
			s.gone[id] = true
		}
	}
	s.relist = s.relist || relist
	s.mu.Unlock()
	if ctx.Err() == nil || errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		s.all.o.Log.Warn("cannot save the gateway checkpoint; a restart now would replay more events",
			"shard", s.id, "err", err)
	}
}

// head makes the head of a checkpoint. The caller holds mu.
func (s *Shard) head(session gateway.Checkpoint) checkpoint.Head {
	head := checkpoint.Head{
		Session: session, Shards: s.conn.ShardCount(), Intents: int64(s.all.o.Intents),
		Application: s.all.o.Client.ApplicationID, SavedAt: s.all.o.Now(),
		Interactions: s.all.o.Unfinished(s.Owns),
	}
	if self, ok := s.all.o.Client.Caches.SelfUser(); ok {
		head.Self = &self
	}
	return head
}

// begun returns the session that READY or a checkpoint began, before its first event; a zero one if there is none.
func (s *Shard) begun() (session gateway.Checkpoint) {
	if id := s.conn.SessionID(); id != nil {
		session.SessionID = *id
	}
	if address := s.conn.ResumeURL(); address != nil {
		session.ResumeURL = *address
	}
	return session
}

// begin saves a session of which READY alone, with this number, has been applied. Discord repeats to the next process
// what comes after it, so nothing needs to be stored before, and guilds that have changed are left out: Discord sends
// them. Only for the connection's goroutine, which applies no event meanwhile.
func (s *Shard) begin(ready int) {
	began := time.Now()
	s.mu.Lock()
	s.stopSaving() // it saves the session before
	s.mu.Unlock()
	s.saving.Lock()
	defer s.saving.Unlock()
	session := s.begun()
	if !session.Resumable() {
		return
	}
	session.Seq = ready
	s.mu.Lock()
	list := slices.DeleteFunc(keysOf(s.guilds), func(id snowflake.ID) bool { return s.changed[id] })
	s.relist = s.relist || len(list) < len(s.guilds)
	head := s.head(session)
	s.mu.Unlock()

	ctx, cancel := context.WithTimeout(s.all.ctx, beginTime)
	defer cancel()
	none := func() (g checkpoint.Guild, ok bool) { return g, false }
	err := s.all.checkpoints.Save(ctx, s.id, none, list, nil, head, nil)
	s.all.metrics.saved(s.id, 0, time.Since(began), err)
	switch {
	case err == nil:
		s.last = session
	case s.all.ctx.Err() == nil:
		s.all.o.Log.Warn("cannot save a new gateway session yet; a restart now would begin another one",
			"shard", s.id, "err", err)
	}
}

// keysOf returns a set's members in order; never nil, because an empty list is a list.
func keysOf(m map[snowflake.ID]bool) []snowflake.ID {
	ids := slices.AppendSeq(make([]snowflake.ID, 0, len(m)), maps.Keys(m))
	slices.Sort(ids)
	return ids
}

// next reads the next guild in todo that still exists.
func (s *Shard) next(ctx context.Context, todo *[]snowflake.ID) (g checkpoint.Guild, ok bool) {
	for len(*todo) > 0 && ctx.Err() == nil {
		id := (*todo)[len(*todo)-1]
		*todo = (*todo)[:len(*todo)-1]
		voices := make(chan []voice.Occupant, 1)
		s.mu.Lock()
		if s.guilds[id] {
			g, ok = s.read(id)
			s.all.o.Export(id, func(v []voice.Occupant) { voices <- v })
		}
		s.mu.Unlock()
		if !ok {
			continue
		}
		select {
		case g.Voices = <-voices:
			return g, true
		case <-ctx.Done():
		}
	}
	return checkpoint.Guild{}, false
}

// read copies a guild from the caches.
func (s *Shard) read(id snowflake.ID) (g checkpoint.Guild, ok bool) {
	caches := s.all.o.Client.Caches
	if g.Guild, ok = caches.Guild(id); !ok {
		return g, false
	}
	if self, ok := caches.Member(id, s.all.o.Client.ApplicationID); ok {
		g.Self = &self
	}
	g.Roles = slices.Collect(caches.Roles(id))
	g.Channels = slices.Collect(caches.ChannelsForGuild(id))
	return g, true
}

// restore restores what an earlier process saved, and returns the session to resume; a zero one if
// there is none, or it isn't complete.
func (s *Shard) restore(ctx context.Context, shards int) gateway.Checkpoint {
	log := s.all.o.Log.With("shard", s.id)
	head, guilds, err := s.all.checkpoints.Load(ctx, shards, s.id)
	switch {
	case errs.Has(err, errs.NotFound):
		log.Info("no checkpoint: starting a new gateway session")
		return gateway.Checkpoint{}
	case err != nil:
		log.Warn("cannot use the checkpoint: starting a new gateway session", "err", err)
		return gateway.Checkpoint{}
	case head.Shards != shards || head.Intents != int64(s.all.o.Intents) ||
		head.Application != s.all.o.Client.ApplicationID:
		log.Info("the checkpoint is for another configuration: starting a new gateway session")
		return gateway.Checkpoint{}
	}
	caches := s.all.o.Client.Caches
	if head.Self != nil {
		caches.SetSelfUser(*head.Self)
	}
	for _, g := range guilds {
		caches.AddGuild(g.Guild)
		if g.Self != nil {
			caches.AddMember(*g.Self)
		}
		for _, r := range g.Roles {
			caches.AddRole(r)
		}
		for _, c := range g.Channels {
			caches.AddChannel(c)
		}
		s.guilds[g.Guild.ID] = true
		s.all.o.Restore(g.Guild.ID, g.Voices)
	}
	s.unfinished = head.Interactions
	s.last, s.replaying, s.session = head.Session, true, sessionMark(head.Session.SessionID)
	log.Info("resuming from the checkpoint", "guilds", len(guilds), "seq", head.Session.Seq,
		"age", s.all.o.Now().Sub(head.SavedAt).Round(time.Millisecond))
	return head.Session
}
