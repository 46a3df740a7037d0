package bot

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/disgoorg/disgo/discord"
	dgateway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/gateway"
	"snug/bot/shards/checkpoint"
	"snug/bot/voice"
)

// SaveEvery is the default of Options.SaveEvery.
const SaveEvery = 2 * time.Second

// saveTime bounds one save; a hub that takes longer gets a newer one next time.
const saveTime = 30 * time.Second

// saver keeps the checkpoint of one shard. The shard's goroutine applies
// events under its lock; the saver's own goroutine reads guilds under it, one
// after the other, so that an event waits for one guild at most.
type saver struct {
	b     *Bot
	id    int
	shard *gateway.Shard

	mu      sync.Mutex            // held while an event is applied, and while a guild is read
	changed map[snowflake.ID]bool // guilds whose stored document is behind
	guilds  map[snowflake.ID]bool // guilds that are known
	gone    map[snowflake.ID]bool // guilds whose stored document is to be removed
	relist  bool                  // the stored list of guilds is behind

	// What was restored is loaded by the keeper once the events missed are
	// repeated; interactions among them wait for that too. Of the shard's goroutine alone.
	replaying bool
	held      []interaction

	infos *infos // what is to be asked of its servers' channels

	last gateway.Checkpoint // what the stored head says; of the saver's goroutine alone

	quit  context.CancelFunc // ends run
	ended chan struct{}      // closed when run has returned, or never began
}

// interaction is an interaction that was repeated before the rooms were there.
type interaction struct {
	g    dgateway.Gateway
	kind dgateway.EventType
	seq  int
	data dgateway.EventData
}

func newSaver(b *Bot, id int) *saver {
	ended := make(chan struct{})
	close(ended)
	return &saver{
		b: b, id: id, changed: map[snowflake.ID]bool{}, guilds: map[snowflake.ID]bool{}, gone: map[snowflake.ID]bool{},
		infos: newInfos(), quit: func() {}, ended: ended,
	}
}

// touched notes that an event changes a guild. The caller holds mu.
func (s *saver) touched(data dgateway.EventData) {
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

func (s *saver) add(id snowflake.ID) {
	s.changed[id] = true
	delete(s.gone, id)
	if !s.guilds[id] {
		s.guilds[id], s.relist = true, true
	}
}

func (s *saver) drop(id snowflake.ID) {
	if s.guilds[id] {
		delete(s.guilds, id)
		delete(s.changed, id)
		s.gone[id], s.relist = true, true
	}
}

// guildOf gives the guild whose checkpoint an event changes, or 0.
func (s *saver) guildOf(data dgateway.EventData) snowflake.ID {
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
	case dgateway.EventGuildMemberUpdate: // of the members only Snug itself is in it
		if e.User.ID == s.b.client.ApplicationID {
			return e.GuildID
		}
	}
	return 0
}

// start has the checkpoint saved every so often until ctx ends, or until halt. It is called once, before halt can be.
func (s *saver) start(ctx context.Context, every time.Duration) {
	ctx, s.quit = context.WithCancel(ctx)
	ended := make(chan struct{})
	s.ended = ended
	s.b.wg.Go(func() {
		defer close(ended)
		var asking sync.WaitGroup
		asking.Go(func() { s.b.askAfter(ctx, s) })
		asking.Go(func() { s.b.askInfos(ctx, s) })
		asking.Go(func() { s.b.tellHeard(ctx, s) })
		s.run(ctx, every)
		asking.Wait()
	})
}

// halt ends saving and waits for it.
func (s *saver) halt() {
	s.quit()
	<-s.ended
}

func (s *saver) run(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.save(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// save stores the checkpoint, if there is anything new.
func (s *saver) save(ctx context.Context) {
	began := time.Now()
	s.mu.Lock()
	session := s.shard.Checkpoint() // first: what is read of the guilds below is no older
	if !session.Resumable() || session == s.last || s.replaying {
		s.mu.Unlock()
		return
	}
	changed, gone, relist := s.changed, s.gone, s.relist
	s.changed, s.gone, s.relist = map[snowflake.ID]bool{}, map[snowflake.ID]bool{}, false
	var list []snowflake.ID
	if relist {
		list = keysOf(s.guilds)
	}
	s.mu.Unlock()

	ctx, cancel := context.WithTimeout(ctx, saveTime)
	defer cancel()
	head := checkpoint.Head{
		Session: session, Shards: s.shard.ShardCount(), Intents: int64(s.b.intents()),
		Application: s.b.client.ApplicationID, SavedAt: s.b.o.Now(),
	}
	if self, ok := s.b.client.Caches.SelfUser(); ok {
		head.Self = &self
	}
	todo := keysOf(changed)
	err := s.b.checkpoints.Save(ctx, s.id, func() (checkpoint.Guild, bool) { return s.next(ctx, &todo) }, list,
		keysOf(gone), head)
	s.b.metrics.saved(s.id, len(changed), time.Since(began), err)
	if err == nil {
		s.last = session
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
		s.b.o.Log.Warn("the gateway's checkpoint was not saved; a restart now would begin further back", "shard", s.id,
			"err", err)
	}
}

// keysOf gives a set's members in order; never nil, because a list that is empty is a list.
func keysOf(m map[snowflake.ID]bool) []snowflake.ID {
	ids := slices.AppendSeq(make([]snowflake.ID, 0, len(m)), maps.Keys(m))
	slices.Sort(ids)
	return ids
}

// next reads the next of the guilds in todo that is still there.
func (s *saver) next(ctx context.Context, todo *[]snowflake.ID) (g checkpoint.Guild, ok bool) {
	for len(*todo) > 0 && ctx.Err() == nil {
		id := (*todo)[len(*todo)-1]
		*todo = (*todo)[:len(*todo)-1]
		voices := make(chan []voice.Occupant, 1)
		s.mu.Lock()
		if s.guilds[id] {
			g, ok = s.read(id)
			s.b.presence.Export(id, func(v []voice.Occupant) { voices <- v })
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

// read copies what the caches have of a guild.
func (s *saver) read(id snowflake.ID) (g checkpoint.Guild, ok bool) {
	caches := s.b.client.Caches
	if g.Guild, ok = caches.Guild(id); !ok {
		return g, false
	}
	if self, ok := caches.Member(id, s.b.client.ApplicationID); ok {
		g.Self = &self
	}
	g.Roles = slices.Collect(caches.Roles(id))
	g.Channels = slices.Collect(caches.ChannelsForGuild(id))
	return g, true
}

// restore puts back what an earlier process saved, and gives the session to
// resume; a zero one when there is nothing that can be resumed whole.
func (s *saver) restore(ctx context.Context, shards int) gateway.Checkpoint {
	log := s.b.o.Log.With("shard", s.id)
	head, guilds, err := s.b.checkpoints.Load(ctx, s.id)
	switch {
	case missing(err):
		log.Info("no checkpoint: beginning a new gateway session")
		return gateway.Checkpoint{}
	case err != nil:
		log.Warn("the checkpoint cannot be used: beginning a new gateway session", "err", err)
		return gateway.Checkpoint{}
	case head.Shards != shards || head.Intents != int64(s.b.intents()) || head.Application != s.b.client.ApplicationID:
		log.Info("the checkpoint is of another set-up: beginning a new gateway session")
		return gateway.Checkpoint{}
	}
	caches := s.b.client.Caches
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
			caches.AddChannel(discord.ApplyGuildIDToChannel(c, g.Guild.ID))
		}
		s.guilds[g.Guild.ID] = true
		s.b.presence.Restore(g.Guild.ID, g.Voices)
	}
	s.last, s.replaying = head.Session, true
	log.Info("going on from the checkpoint", "guilds", len(guilds), "seq", head.Session.Seq,
		"age", s.b.o.Now().Sub(head.SavedAt).Round(time.Millisecond))
	return head.Session
}
