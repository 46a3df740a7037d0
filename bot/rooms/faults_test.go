package rooms_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/rooms/roomstest"
	"snug/shared/errs"
	"snug/shared/hub"
)

// fault is what happens to a step: a write in the hub, or a call to Discord.
type fault string

const (
	refused  fault = "refused"     // not done, and the answer says so
	unsent   fault = "unsent"      // not done, and no answer: it may have been
	lost     fault = "lost"        // done, and no answer
	down     fault = "down"        // this step and all of its kind until the operation ends are refused or unsent
	diesAt   fault = "dies before" // not done: the process ends
	diesWith fault = "dies after"  // done, then the process ends
	noSpace  fault = "full"        // of writes: the hub has no space left
	limited  fault = "limited"     // of calls: not done, because of a rate limit
	partly   fault = "partly"      // of SetAccess: a part is done, and the answer says so
)

// faultsOf lists what can happen to a step.
func faultsOf(step string) []fault {
	list := []fault{refused, unsent, lost, down, diesAt, diesWith}
	switch {
	case isWrite(step):
		return append(list, noSpace)
	case step == "call SetAccess":
		return append(list, limited, partly)
	}
	return append(list, limited)
}

// faults fails the steps of one guild's rooms.
type faults struct {
	discord *roomstest.Discord

	mu    sync.Mutex
	count bool
	steps []string // since arm, in order
	at    int      // the step that fails, from 1; 0: none
	kind  fault
	hit   bool // it came
	dead  bool // the process ended: nothing more is done
}

// arm counts steps from now on, and fails one.
func (f *faults) arm(at int, kind fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count, f.steps, f.at, f.kind, f.hit = true, nil, at, kind, false
}

// disarm lets all steps be done, and returns those since arm and whether the one that was to fail was among them.
func (f *faults) disarm() (steps []string, hit bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count, f.dead = false, false
	return f.steps, f.hit
}

func (f *faults) isDead() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dead
}

// next counts a step, and returns what happens to it; "" if nothing does.
func (f *faults) next(step string) fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.dead:
		return diesAt
	case !f.count:
		return ""
	}
	f.steps = append(f.steps, step)
	switch {
	case f.at == len(f.steps):
		f.hit, f.dead = true, f.kind == diesAt
		return f.kind
	case f.hit && f.kind == down && isWrite(step) == isWrite(f.steps[f.at-1]):
		return down
	}
	return ""
}

func isWrite(step string) bool { return !strings.HasPrefix(step, "call ") }

// around does a step, or fails it. The errors are those of an answer that refuses, and of no answer.
func (f *faults) around(step string, do func() error, refusal, unknown error) error {
	switch f.next(step) {
	case "":
		return do()
	case refused:
		return refusal
	case noSpace:
		return hubFull
	case limited:
		return discordLimits
	case partly:
		f.discord.BreakNext()
		return do()
	case down:
		if isWrite(step) {
			return refusal
		}
		return unknown
	case lost:
		if err := do(); err != nil {
			return err
		}
		return unknown
	case diesWith:
		err := do()
		f.mu.Lock()
		defer f.mu.Unlock()
		f.dead = true
		return errors.Join(unknown, err)
	}
	return unknown // and not done
}

var (
	hubRefuses = errs.E(errs.Unavailable, "Snug can't reach its data right now. Try again in a moment.").
			Because(errors.New("fault: refused"))
	hubSilent = errs.E(errs.Unavailable, "Snug didn't get an answer in time.").
			Because(fmt.Errorf("fault: %w", hub.ErrUnknownOutcome))
	discordRefuses = errs.E(errs.MissingPermission, "Snug needs a permission to do that.").
			Because(errors.New("fault: refused"))
	hubFull = errs.E(errs.Unavailable, "Snug's storage is full. The person who hosts Snug has to make room.").
		Because(fmt.Errorf("fault: %w", hub.ErrFull))
	discordLimits = errs.E(errs.RateLimited, "Discord asks Snug to slow down.").After(time.Second)
	discordSilent = errs.E(errs.DiscordUnavailable, "Discord isn't answering. Try again in a moment.").
			Because(errors.New("fault: no answer"))
)

// write surrounds the hub's writes about a guild.
func (f *faults) write(w hub.Write, do func() error) error {
	return f.around(w.Op+" "+w.Bucket, do, hubRefuses, hubSilent)
}

// call surrounds the calls to the guild's Discord.
func (f *faults) call(call string, do func() error) error {
	return f.around("call "+call, do, discordRefuses, discordSilent)
}

// guilds are the faults by guild, for the hub that all worlds share.
var guilds sync.Map // snowflake.ID → *faults

// aroundWrites is the shared hub's Options.Around.
func aroundWrites(w hub.Write, do func() error) error {
	first, _, _ := strings.Cut(w.Key, ".")
	id, err := snowflake.Parse(first)
	if err != nil {
		return do()
	}
	f, known := guilds.Load(id)
	if !known || w.Bucket == "rosters" || w.Bucket == "guilds" { // in memory, and written again by themselves
		return do()
	}
	return f.(*faults).write(w, do)
}
