package discordapi_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"snug/bot/ratelimit"
	"snug/shared/discordsim"
	"snug/shared/errs"
)

// tries is how often a request is sent that may be repeated, in these tests.
const tries = 3

// trouble is what happens on the way to Discord and back, at one request.
type trouble struct {
	name  string
	fault discordsim.Fault
	once  bool // only the first try meets it
	done  bool // Discord did what the request asks
	slow  bool // it depends on how busy the machine is how many tries arrive
	sure  bool // Discord says that it has done nothing, so that anything may be repeated
}

// times is the fault, for one try or for all.
func (x trouble) times() discordsim.Fault {
	x.fault.Count = -1
	if x.once {
		x.fault.Count = 1
	}
	return x.fault
}

const answer = `{"message":"502: Bad Gateway","code":0}`

var troubles = []trouble{
	{name: "an outage", fault: discordsim.Fault{Kind: discordsim.FaultError, Status: 503}},
	{name: "an error of Discord's own", fault: discordsim.Fault{Kind: discordsim.FaultError, Status: 500}, once: true},
	{name: "the connection breaks", fault: discordsim.Fault{Kind: discordsim.FaultReset}},
	{name: "the connection breaks once", fault: discordsim.Fault{Kind: discordsim.FaultReset}, once: true},
	{name: "no gateway to process it", fault: discordsim.Fault{Kind: discordsim.FaultAnswer, Status: 502, Body: answer},
		once: true, sure: true},
	{name: "an error after it was done", fault: discordsim.Fault{Kind: discordsim.FaultError, After: true}, done: true},
	{name: "an error once, after it was done",
		fault: discordsim.Fault{Kind: discordsim.FaultError, After: true}, once: true, done: true},
	{name: "the connection breaks after it was done",
		fault: discordsim.Fault{Kind: discordsim.FaultReset, After: true}, done: true},
	{name: "the connection breaks once, after it was done",
		fault: discordsim.Fault{Kind: discordsim.FaultReset, After: true}, once: true, done: true},
}

// A call whose request gets no proper answer fails with errs.DiscordUnavailable, and says that the outcome is unknown
// if Discord may have done something. A request is repeated only where that does nothing twice.
func TestNoAnswer(t *testing.T) {
	for _, c := range calls() {
		for i, asks := range c.asks {
			for _, x := range troubles {
				t.Run(fmt.Sprintf("%s, %s, %s", c.name, asks, x.name), func(t *testing.T) {
					t.Parallel()
					f := newFixture(t, setup{tries: ratelimit.Config{Retries: tries - 1}})
					f.inject(asks, x.times())
					f.unanswered(t, c, i, x)
				})
			}
		}
	}
}

// TestNoAnswer where nothing comes, ever, to the last request of calls that change something. Each takes a while, so
// all wait at once.
func TestSilence(t *testing.T) {
	var built, ended sync.WaitGroup
	for _, c := range calls() {
		last := len(c.asks) - 1
		if len(c.changes) == 0 || c.name == "CreateInvite" { // its last request reads
			continue
		}
		for _, x := range []trouble{
			{name: "silence", slow: true}, {name: "silence after it was done", slow: true, done: true},
		} {
			built.Add(1)
			ended.Go(func() {
				t.Run(c.name+", "+x.name, func(t *testing.T) {
					f := newFixture(t, setup{tries: ratelimit.Config{Retries: 1, TryTimeout: time.Second}})
					f.hold, f.swallow = c.asks[last], !x.done
					built.Done()
					built.Wait()
					f.unanswered(t, c, last, x)
				})
			})
		}
	}
	ended.Wait()
}

// unanswered makes a call whose request number i meets trouble, and checks how it ends.
func (f *fixture) unanswered(t *testing.T, c call, i int, x trouble) {
	t.Helper()
	before := f.picture()
	got, err := c.do(t.Context(), f)
	switch last := i == len(c.asks)-1; {
	case x.done && last, err == nil:
		wantChanges(t, before, f.picture(), c.changes)
	case len(c.asks) == 1:
		wantChanges(t, before, f.picture(), nil)
	}
	asks := c.asks[i]
	read := strings.HasPrefix(asks, "GET ")
	sent, looked := 0, 0
	for _, a := range f.asked() {
		switch a {
		case asks:
			sent++
		case c.after:
			looked++
		}
	}
	want := tries
	switch {
	case x.done && c.after != "", !x.sure && strings.HasPrefix(asks, "POST "):
		want = 1 // Discord may have made a channel, a message or an invite, or moved somebody
	case x.once:
		want = 2
	}
	if x.slow && sent > want { // on a busy machine a try may end before it arrives
		t.Errorf("sent %d times, want %d at most", sent, want)
	}
	if !x.slow && sent != want && !(read && sent == want+1) { // net/http repeats a GET on a connection that breaks
		t.Errorf("sent %d times, want %d", sent, want)
	}
	if !x.sure && !x.slow && c.after != "" && looked != max(1, sent-1) {
		t.Errorf("looked %d times after sending it %d times", looked, sent)
	}
	if want == 2 || x.done && c.after != "" {
		if err != nil || got != c.got {
			t.Errorf("got %q, %v; want %q", got, err, c.got)
		}
		return
	}
	if !errs.Has(err, errs.DiscordUnavailable) || !strings.Contains(errs.Public(err).Message, tryAgain) {
		t.Errorf("got %v", err)
	}
	if errors.Is(err, ratelimit.ErrOutcomeUnknown) == read {
		t.Errorf("unknown: %v, from %v", read, err)
	}
}

// Answers that don't say what they should are no success, and no failure either.
func TestGarbledAnswers(t *testing.T) {
	bodies := map[string]string{
		"HTML": "<html>hello</html>", "nothing": " ", "null": "null", "half": `{"id":"1`, "a number": "7",
	}
	for _, c := range calls() {
		for i, asks := range c.asks {
			for name, body := range bodies {
				t.Run(fmt.Sprintf("%s, %s, %s", c.name, asks, name), func(t *testing.T) {
					t.Parallel()
					f := newFixture(t, setup{})
					f.inject(asks, discordsim.Fault{Kind: discordsim.FaultAnswer, After: true, Body: body, Status: 200})
					before := f.picture()
					got, err := c.do(t.Context(), f)
					if err == nil {
						if got != c.got {
							t.Errorf("got %q, want %q", got, c.got)
						}
					} else if !errs.Has(err, errs.DiscordUnavailable) ||
						!strings.Contains(errs.Public(err).Message, tryAgain) {
						t.Errorf("got %v", err)
					}
					if i == len(c.asks)-1 {
						wantChanges(t, before, f.picture(), c.changes)
					}
				})
			}
		}
	}
}

// A call whose context has ended asks nothing; one whose context ends on the way says that the outcome is unknown.
func TestContexts(t *testing.T) {
	for _, c := range calls() {
		t.Run(c.name+", before", func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, setup{})
			before := f.picture()
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := c.do(ctx, f)
			if !errs.Has(err, errs.DiscordUnavailable) || !errors.Is(err, context.Canceled) ||
				errors.Is(err, ratelimit.ErrOutcomeUnknown) {
				t.Errorf("got %v", err)
			}
			if asked := f.asked(); len(asked) > 0 {
				t.Errorf("asked %q", asked)
			}
			wantChanges(t, before, f.picture(), nil)
		})
		for _, asks := range c.asks {
			t.Run(c.name+", during "+asks, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t, setup{})
				ctx, cancel := context.WithCancel(t.Context())
				f.hold = asks
				f.arrived = func(a string) {
					if a == asks {
						cancel()
					}
				}
				_, err := c.do(ctx, f)
				write := !strings.HasPrefix(asks, "GET ")
				if !errs.Has(err, errs.DiscordUnavailable) || !errors.Is(err, context.Canceled) ||
					errors.Is(err, ratelimit.ErrOutcomeUnknown) != write {
					t.Errorf("got %v", err)
				}
				if asked := f.asked(); len(asked) == 0 || asked[len(asked)-1] != asks {
					t.Errorf("asked %q", asked)
				}
			})
		}
	}
}

// A request that Discord limits is sent again when Discord says so, whatever it is, and never if the caller doesn't
// have that long.
func TestLimited(t *testing.T) {
	short := map[string]discordsim.Fault{
		"with a time":     {Kind: discordsim.FaultRateLimit, RetryAfter: 0.01},
		"of the resource": {Kind: discordsim.FaultRateLimit, RetryAfter: 0.01, Scope: "shared"},
		"global":          {Kind: discordsim.FaultRateLimit, RetryAfter: 0.01, Scope: "global"},
		"Cloudflare's":    {Kind: discordsim.FaultRateLimit, Scope: "cloudflare", NoRetry: true},
		"without a time": {
			Kind: discordsim.FaultAnswer, Status: 429, Body: `{"message":"slow","code":0}`,
			Headers: map[string]string{"X-RateLimit-Bucket": "some"},
		},
	}
	for _, c := range calls() {
		for i, asks := range c.asks {
			for name, x := range short {
				t.Run(fmt.Sprintf("%s, %s, %s", c.name, asks, name), func(t *testing.T) {
					t.Parallel()
					f := newFixture(t, setup{})
					f.inject(asks, x)
					before := f.picture()
					got, err := c.do(t.Context(), f)
					if err != nil || got != c.got {
						t.Errorf("got %q, %v; want %q", got, err, c.got)
					}
					if asked := f.asked(); !slices.Equal(asked, slices.Insert(slices.Clone(c.asks), i, asks)) {
						t.Errorf("asked %q", asked)
					}
					wantChanges(t, before, f.picture(), c.changes)
				})
			}
			t.Run(fmt.Sprintf("%s, %s, for too long", c.name, asks), func(t *testing.T) {
				t.Parallel()
				f := newFixture(t, setup{})
				f.inject(asks, discordsim.Fault{Kind: discordsim.FaultRateLimit, RetryAfter: 30})
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				_, err := c.do(ctx, f)
				e, ok := errors.AsType[*errs.Error](err)
				if !ok || e.Code != errs.RateLimited || e.RetryAfter < 20*time.Second ||
					e.RetryAfter > 30*time.Second ||
					!strings.Contains(e.Message, "Try again in ") || errors.Is(err, ratelimit.ErrOutcomeUnknown) {
					t.Errorf("got %v", err)
				}
				if asked := f.asked(); !slices.Equal(asked, c.asks[:i+1]) {
					t.Errorf("asked %q", asked)
				}
				if ctx.Err() != nil {
					t.Error("it waited for a limit that is longer than its caller can wait")
				}
			})
		}
	}
}
