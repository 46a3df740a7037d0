package record

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"snug/shared/discordsim"
)

// settling is how long after the last act new things are still noticed.
const settling = time.Second

// Player does again what people did in a record, and compares what bots do with what they did then. An act happens
// once the bots have done what they had done before it. Safe for concurrent use.
type Player struct {
	world *line
	acts  []*act
	ready map[presence]time.Time // when each had shown up then
	hide  hider

	mu      sync.Mutex
	changed chan struct{} // closed when something came
	names   *names
	here    map[presence]bool
	begun   int // acts
	did     []*deed
	more    []surplus // what bots do that they didn't do then
}

// act is one of the record's.
type act struct {
	*line
	ended  bool // it has happened again
	status int
	failed error
}

// deed is something that a bot did then.
type deed struct {
	*line
	now     *line // what it does instead; nil: nothing yet
	same    bool  // and that is the same
	missed  bool  // nobody waits for it any more
	learned []string
	after   int // how many acts had begun, as in surplus
}

type surplus struct {
	*line
	after int
}

// presence is a bot that has connected with a shard or, with -1, sent a request.
type presence struct {
	app   discordsim.ID
	shard int
}

// Read reads a record.
func Read(r io.Reader) (*Player, error) {
	p := &Player{ready: map[presence]time.Time{}, changed: make(chan struct{}), names: newNames(),
		here: map[presence]bool{}}
	var lines []*line
	for d := json.NewDecoder(r); d.More(); {
		l := &line{}
		if err := d.Decode(l); err != nil {
			return nil, fmt.Errorf("line %d isn't one of a record: %w", len(lines)+1, err)
		}
		lines = append(lines, l)
	}
	if len(lines) == 0 || lines[0].Kind != kindWorld || lines[0].Format != format {
		return nil, errors.New("it isn't a record of this version of the simulator; make one with --record")
	}
	p.world = lines[0]
	slices.SortStableFunc(lines, func(a, b *line) int { return a.Time.Compare(b.Time) })
	for _, l := range lines {
		switch {
		case l.Kind == kindAct:
			p.acts = append(p.acts, &act{line: l})
		case l.did():
			p.did = append(p.did, &deed{line: l, after: len(p.acts)})
		}
		if who, shows := shown(l); shows {
			if _, known := p.ready[who]; !known {
				p.ready[who] = l.Time
			}
		}
	}
	return p, nil
}

// shown reports who shows up with a line: a bot that connects, or one that sends a request.
func shown(l *line) (who presence, shows bool) {
	switch {
	case l.Kind == kindEvent && l.Event == "READY" && l.Shard != nil:
		return presence{l.Application, *l.Shard}, true
	case l.Kind == kindRequest && l.Application != 0:
		return presence{l.Application, -1}, true
	}
	return who, false
}

// Follow makes a simulator with these options tell the player what bots do.
func (p *Player) Follow(o *discordsim.Options) {
	p.hide.tokens = append(p.hide.tokens, o.ControlToken)
	o.OnRequest = both(o.OnRequest, func(q discordsim.Request) { p.saw(p.hide.request(kindRequest, q)) })
	o.OnPost = both(o.OnPost, func(q discordsim.Request) { p.saw(p.hide.request(kindInteraction, q)) })
	o.OnDispatch = both(o.OnDispatch, func(d discordsim.Dispatch) { p.saw(event(d)) })
}

// Begin finds the record's people, bots, servers, roles and channels in a world. Call it once that is built, before
// Start.
func (p *Player) Begin(s *discordsim.Server) error {
	p.hide.follow(s)
	now := things(s)
	for i := range max(len(now), len(p.world.Things)) {
		var a, b thing
		if i < len(p.world.Things) {
			a = p.world.Things[i]
		}
		if i < len(now) {
			b = now[i]
		}
		if a.Kind != b.Kind || a.Name != b.Name {
			return fmt.Errorf("the record is of another world: where that has %s, this one has %s. Start with the "+
				"--world and --bot that it was made with", a, b)
		}
		p.names.learn(a.ID.String(), b.ID.String())
	}
	return nil
}

func (t thing) String() string {
	if t.Kind == "" {
		return "nothing"
	}
	return fmt.Sprintf("the %s %q", t.Kind, t.Name)
}

// saw takes note of what a bot does.
func (p *Player) saw(l *line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if who, shows := shown(l); shows {
		p.here[who] = true
	}
	if l.did() {
		p.compare(l)
	}
	p.tell()
}

// tell wakes those who wait. The caller holds the lock.
func (p *Player) tell() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// compare finds what a bot did then in place of what it does now: the same or, if there is none, something in the same
// place.
func (p *Player) compare(l *line) {
	for _, d := range p.did {
		if d.same || !p.matches(d.line, l, true) {
			continue
		}
		if d.now != nil { // by mistake
			p.more = append(p.more, surplus{d.now, p.begun})
			p.names.forget(d.learned)
		}
		d.now, d.same = l, true
		d.learned = p.names.readBoth(d.Answer, l.Answer)
		return
	}
	for _, d := range p.did {
		if d.now == nil && p.matches(d.line, l, false) {
			d.now = l
			d.learned = append(p.names.readBoth(d.Body, l.Body), p.names.readBoth(d.Answer, l.Answer)...)
			return
		}
	}
	p.more = append(p.more, surplus{l, p.begun})
}

// matches reports whether a bot does something in the same place and, if wholly, the same.
func (p *Player) matches(then, now *line, wholly bool) bool {
	if then.Kind != now.Kind || then.Method != now.Method || then.Route != now.Route {
		return false
	}
	texts := [][2]string{{then.Application.String(), now.Application.String()}, {then.Query, now.Query}}
	var a, b any
	if then.Kind == kindInteraction { // the endpoint's address can be another one
		a, b = content(then.Answer), content(now.Answer)
	} else {
		texts = append(texts, [2]string{then.Path, now.Path})
		a, b = content(then.Body), content(now.Body)
	}
	if wholly && (then.Status != now.Status || !slices.Equal(then.Files, now.Files)) {
		return false
	}
	var learned []string
	for _, t := range texts {
		same, more := p.names.same(t[0], t[1])
		if learned = append(learned, more...); !same {
			p.names.forget(learned)
			return false
		}
	}
	if !wholly {
		return true
	}
	same, more := p.names.sameJSON(a, b)
	if !same {
		p.names.forget(append(learned, more...))
	}
	return same
}

// content decodes a body. One that isn't there is nil.
func content(data json.RawMessage) (v any) {
	if len(data) > 0 && decode(data, &v) != nil {
		return string(data)
	}
	return v
}

// PlayOptions say how a record is replayed.
type PlayOptions struct {
	Fast     bool             // without the pauses between acts
	Patience time.Duration    // how long an act waits for what bots did before it, and don't do now
	Waiting  func(bot string) // called when the player waits for a bot to connect; nil: nobody
}

// Play does everything again, and returns how what bots did differs. It returns an error if ctx ends before that.
func (p *Player) Play(ctx context.Context, s *discordsim.Server, o PlayOptions) (*Report, error) {
	began := time.Now()
	later := s.Advance(0).Sub(p.world.Now)
	var doing sync.WaitGroup
	defer doing.Wait()
	due := began
	for i, a := range p.acts {
		if i > 0 {
			due = due.Add(a.Time.Sub(p.acts[i-1].Time))
		}
		if err := p.before(ctx, a.Time, due, o); err != nil {
			return nil, fmt.Errorf("the replay stopped before act %d of %d: %w", i+1, len(p.acts), err)
		}
		due = time.Now()
		doing.Go(func() { p.act(ctx, s, a, later) })
	}
	end, rest := p.end()
	if err := p.before(ctx, end, due.Add(rest), o); err != nil {
		return nil, fmt.Errorf("the replay stopped after its last act: %w", err)
	}
	doing.Wait()
	if err := pause(ctx, settling); err != nil {
		return nil, fmt.Errorf("the replay stopped after its last act: %w", err)
	}
	return p.report(time.Since(began)), nil
}

// end returns when bots had done everything, and how long that was after the last act.
func (p *Player) end() (end time.Time, rest time.Duration) {
	for _, d := range p.did {
		if d.end().After(end) {
			end = d.end()
		}
	}
	if n := len(p.acts); n > 0 && end.After(p.acts[n-1].Time) {
		rest = end.Sub(p.acts[n-1].Time)
	}
	return end, rest
}

// before waits until what had happened before a time of the record has happened again: for bots to connect as long as
// it takes, for what they did only so long.
func (p *Player) before(ctx context.Context, then, due time.Time, o PlayOptions) error {
	for who, at := range p.ready {
		if at.After(then) || who.shard < 0 && p.connects(who.app) {
			continue
		}
		if o.Waiting != nil && !p.isHere(who) {
			o.Waiting(p.nameOf(who.app))
		}
		if err := p.until(ctx, nil, func() bool { return p.hereNow(who) }); err != nil {
			return err
		}
	}
	left := o.Patience + max(0, time.Until(due))
	if !o.Fast {
		if err := pause(ctx, time.Until(due)); err != nil {
			return err
		}
		left = o.Patience
	}
	acted := func() bool {
		return !slices.ContainsFunc(p.acts, func(a *act) bool { return !a.ended && !a.end().After(then) })
	}
	if err := p.until(ctx, nil, acted); err != nil {
		return err
	}
	over := time.NewTimer(left)
	defer over.Stop()
	waited := func(d *deed) bool { return d.now == nil && !d.missed && !d.end().After(then) }
	return cmp.Or(p.until(ctx, over.C, func() bool { return !slices.ContainsFunc(p.did, waited) }), p.miss(waited))
}

// miss gives up what the bot doesn't do.
func (p *Player) miss(waited func(*deed) bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.did {
		d.missed = d.missed || waited(d)
	}
	return nil
}

// connects reports whether a bot connected to the gateway then.
func (p *Player) connects(app discordsim.ID) bool {
	for who := range p.ready {
		if who.app == app && who.shard >= 0 {
			return true
		}
	}
	return false
}

// hereNow reports whether a bot of the record has shown up. The caller holds the lock.
func (p *Player) hereNow(who presence) bool {
	for now := range p.here {
		if now.shard == who.shard && now.app.String() == p.names.text(who.app.String()) {
			return true
		}
	}
	return false
}

func (p *Player) isHere(who presence) bool { p.mu.Lock(); defer p.mu.Unlock(); return p.hereNow(who) }

// nameOf returns a bot's name, or its id.
func (p *Player) nameOf(app discordsim.ID) string {
	for _, t := range p.world.Things {
		if t.ID == app {
			return t.Name
		}
	}
	return app.String()
}

// until waits until something is so, which it asks while it holds the lock, or until a channel has something.
func (p *Player) until(ctx context.Context, over <-chan time.Time, so func() bool) error {
	for {
		p.mu.Lock()
		now, changed := so(), p.changed
		p.mu.Unlock()
		if now {
			return nil
		}
		select {
		case <-changed:
		case <-over:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// act does an act again, with its times so much later.
func (p *Player) act(ctx context.Context, s *discordsim.Server, a *act, later time.Duration) {
	again := discordsim.Act{Method: a.Method, Query: a.Query, Type: a.Type}
	p.mu.Lock()
	p.begun++
	again.Path = p.names.path(a.Path)
	var err error
	switch {
	case a.Secret:
		err = errors.New("it has tokens, so its body isn't in the record")
	case a.Body != nil:
		again.Type = "application/json"
		again.Body, err = p.names.body(a.Body, later)
	default:
		again.Body = p.names.data(a.Data)
	}
	p.mu.Unlock()
	if err == nil {
		again, err = s.Do(ctx, again)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	a.ended, a.status, a.failed = true, again.Status, err
	p.names.readBoth(a.Answer, p.hide.json(again.Answer))
	p.tell()
}
