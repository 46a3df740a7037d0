// Package control acts as the people of a world and as those who run it: in Go, over HTTP for scripts, and on the page.
package control

import (
	"context"
	"net/http"
	"time"

	"snug/shared/discordsim/internal/faults"
	"snug/shared/discordsim/internal/gateway"
	"snug/shared/discordsim/internal/world"
)

// Options configure the control of a world.
type Options struct {
	FirstAnswer time.Duration                       // how long an interaction waits for its first response
	Advance     func(time.Duration) (now time.Time) // moves the world's clock
	// As serves a request of a person's client, with a path as in Discord's API.
	As func(user world.ID, w http.ResponseWriter, r *http.Request)
}

// Control acts as the people of a world, and as those who run it: what its methods do, the page and scripts do over
// HTTP. Safe for concurrent use.
type Control struct {
	world     *world.World
	faults    *faults.Set
	gateway   *gateway.Gateway
	page      *pageHub
	opts      Options
	inspector inspector
	start     []byte // a snapshot; nil: none. It belongs to the world's lock
}

// New makes the control of a world. Its Watcher tells open pages what happens.
func New(w *world.World, f *faults.Set, g *gateway.Gateway, o Options) *Control {
	c := &Control{world: w, faults: f, gateway: g, opts: o}
	c.page = newPageHub(c)
	return c
}

// Mount serves the page, and the interface for scripts under /_sim/.
func (c *Control) Mount(mux *http.ServeMux) {
	c.routes(mux)
	c.pageRoutes(mux)
}

// Close ends the waiting for responses and every open page. Pages that don't end within a second or before ctx ends
// are cut off.
func (c *Control) Close(ctx context.Context) {
	c.world.Update(func(s *world.State) { s.FailOpenInteractions() })
	c.page.close(ctx)
}

// Watcher returns what tells the open pages about changes of the world.
func (c *Control) Watcher() world.Watcher { return c.page }

// BotsChanged tells the open pages that the bots' sessions changed.
func (c *Control) BotsChanged() { c.page.botsChanged() }

// held is the state while a View or an Update holds the world, and what people can do with it.
type held struct {
	*world.State
	control *Control
}

// ask reads from the world.
func ask[T any](c *Control, f func(held) (T, error)) (out T, err error) {
	c.world.View(func(s *world.State) { out, err = f(held{s, c}) })
	return out, err
}

// act changes the world, and returns what came of it.
func act[T any](c *Control, f func(held) (T, error)) (out T, err error) {
	c.world.Update(func(s *world.State) { out, err = f(held{s, c}) })
	return out, err
}

// do changes the world.
func (c *Control) do(f func(held) error) (err error) {
	c.world.Update(func(s *world.State) { err = f(held{s, c}) })
	return err
}
