package rooms_test

import (
	"fmt"
	"hash/fnv"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"snug/shared/errs"
)

// sideBySide is how many cases run at once: they wait for the disk more than they work.
const sideBySide = 8

// sampled is of how many cases of the matrix one is tried; with SNUG_SOAK=1 all are.
const sampled = 24

// recoveryCase is one fault at one step of one operation.
type recoveryCase struct {
	op    int
	step  int // from 1
	what  string
	kind  fault
	first string // what is done first after the fault: retry or sweep
}

func (c recoveryCase) name() string {
	return fmt.Sprintf("%d %s %s, %s", c.step, c.what, c.kind, c.first)
}

// TestRecovery fails every step of every operation in every way: the write or call is refused, or not done, or done,
// without an answer, or the process ends. Whoever asked tries again at once, or after the sweeps. In the end everything
// agrees, what was acknowledged is there, and so is what was asked for again; nobody is told of a conflict with
// somebody else. SNUG_SOAK=1 tries all cases; otherwise they are a sample, always the same.
func TestRecovery(t *testing.T) {
	for i, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			var all errgroup.Group
			all.SetLimit(sideBySide)
			for _, c := range recoveryCases(t, i) {
				all.Go(func() error {
					t.Run(c.name(), func(t *testing.T) { c.run(t) })
					return nil
				})
			}
			_ = all.Wait()
		})
	}
}

// recoveryCases does an operation without a fault to see its steps.
func recoveryCases(t *testing.T, i int) (cases []recoveryCase) {
	op, w := operations()[i], newWorld(t)
	w.prepare(op)
	w.faults.arm(0, "")
	w.must(op.do(w))
	w.settle()
	steps, _ := w.faults.disarm()
	for n, what := range steps {
		for _, kind := range faultsOf(what) {
			for _, first := range []string{"retry", "sweep"} {
				if op.brief && first == "sweep" || kind == refused && what == "call FetchChannel" {
					continue // a channel that Snug may not see is looked at again when Discord tells of it
				}
				c := recoveryCase{op: i, step: n + 1, what: what, kind: kind, first: first}
				h := fnv.New32a()
				fmt.Fprint(h, op.name, c.name())
				if os.Getenv("SNUG_SOAK") != "" || h.Sum32()%sampled == 0 {
					cases = append(cases, c)
				}
			}
		}
	}
	return cases
}

// mayTryAgain are the errors after which people are told to try again.
var mayTryAgain = []errs.Code{
	errs.Unavailable, errs.DiscordUnavailable, errs.RateLimited, errs.MissingPermission, errs.InProgress,
}

func (c recoveryCase) run(t *testing.T) {
	op, w := operations()[c.op], newWorld(t)
	w.prepare(op)
	w.faults.arm(c.step, c.kind)
	err := op.do(w)
	w.settle()
	died := w.faults.isDead()
	if died {
		w.restart()
	}
	steps, hit := w.faults.disarm()
	if !hit {
		t.Skip("the step did not come")
	}
	t.Logf("%v\nanswer: %v", numbered(steps), err)
	w.told(op, err, nil)
	if err == nil && !died && !op.slow && !op.tells && !op.done(w) {
		t.Error("it was acknowledged, and is not there")
	}
	if c.first == "sweep" || op.slow {
		w.sweepAll()
		for _, what := range w.check() {
			if !op.leaves {
				t.Error("after the sweeps: ", what)
			}
		}
		if err == nil && !died && op.slow && !op.done(w) {
			t.Error("it was acknowledged, and is not there after the sweeps")
		}
	}
	w.tryAgain(op)
	if op.slow {
		w.sweepAll()
	}
	if !op.done(w) {
		t.Error("it was tried again, and is not there")
	}
	w.sweepAll()
	w.consistent()
}

// tryAgain does an operation again until it is done.
func (w *world) tryAgain(op operation) {
	w.Helper()
	for tries := 0; ; tries++ {
		err := op.do(w)
		w.settle()
		w.told(op, err, op.again)
		if err == nil && (!op.tells || op.done(w)) || slices.Contains(op.again, errs.CodeOf(err)) && op.done(w) {
			return
		}
		if tries == 3 {
			w.Error("it cannot be done again: ", err)
			return
		}
		w.sweepAll()
	}
}

// told fails the test for an error that nobody should be told.
func (w *world) told(op operation, err error, more []errs.Code) {
	w.Helper()
	if code := errs.CodeOf(err); err != nil && !slices.Contains(mayTryAgain, code) && !slices.Contains(more, code) {
		w.Errorf("the answer to %q is %v", op.name, err)
	}
}

func numbered(steps []string) string {
	var out []string
	for i, s := range steps {
		out = append(out, strconv.Itoa(i+1)+" "+s)
	}
	return strings.Join(out, ", ")
}
