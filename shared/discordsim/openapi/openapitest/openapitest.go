// Package openapitest makes tests that use the simulator fail if Discord's OpenAPI description
// doesn't allow a request or a response.
//
// Only tests import it. Give the simulator the wrapper from Wrap:
//
//	discordsim.New(discordsim.Options{Wrap: openapitest.Wrap(t)})
//
// The description is loaded once for all tests of a program. If it isn't there, nothing is checked,
// and the test's log says so.
package openapitest

import (
	"net/http"
	"sync"
	"testing"

	"snug/shared/discordsim/openapi"
)

var load = sync.OnceValues(func() (*openapi.Description, error) { return openapi.Load(openapi.Find()) })

// Wrap returns a wrapper for a test's simulator; without the description it changes nothing. Call
// it before you register the cleanup that closes the simulator, because mistakes are reported until
// then. Checks run concurrently with the requests, which don't wait for them.
func Wrap(t testing.TB) func(http.Handler) http.Handler {
	t.Helper()
	d := Description(t)
	if d == nil {
		return func(h http.Handler) http.Handler { return h }
	}
	c := &checker{
		told: map[string]bool{}, check: d.Check,
		report: func(err error) { t.Errorf("not as Discord describes it: %v", err) },
	}
	t.Cleanup(c.end)
	return func(h http.Handler) http.Handler { return openapi.Record(h, c.add) }
}

// Description returns Discord's description, nil if it isn't there.
func Description(t testing.TB) *openapi.Description {
	t.Helper()
	if openapi.Find() == "" {
		t.Log("not checked against Discord's OpenAPI description: make openapi")
		return nil
	}
	d, err := load()
	if err != nil {
		t.Fatalf("Discord's OpenAPI description: %v", err)
	}
	return d
}

// checker checks exchanges in order, in one goroutine while there are any.
type checker struct {
	check  func(openapi.Exchange) error
	report func(error)

	working sync.WaitGroup
	mu      sync.Mutex // guards the following
	list    []openapi.Exchange
	busy    bool
	ended   bool
	told    map[string]bool // each mistake is reported once
}

func (c *checker) add(x openapi.Exchange) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	c.list = append(c.list, x)
	if !c.busy {
		c.busy = true
		c.working.Go(c.work)
	}
}

func (c *checker) work() {
	for {
		c.mu.Lock()
		if len(c.list) == 0 {
			c.busy = false
			c.mu.Unlock()
			return
		}
		x := c.list[0]
		c.list = c.list[1:]
		c.mu.Unlock()
		if err := c.check(x); err != nil && c.first(err.Error()) {
			c.report(err)
		}
	}
}

func (c *checker) first(text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.told[text] {
		return false
	}
	c.told[text] = true
	return true
}

func (c *checker) end() {
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	c.working.Wait()
}
