package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"snug/shared/discordsim"
)

// keptWorld is the simulator's world in the demo's data folder: without its channels, Snug's rooms would have none at
// the next start.
type keptWorld struct {
	Seed    uint64          `json:"seed"` // with Founded, determines everyone's ids and tokens
	Founded time.Time       `json:"founded"`
	World   json.RawMessage `json:"world"`

	path string
}

// keepEvery is how long a change in the simulator may stay unsaved.
const keepEvery = 250 * time.Millisecond

// keptWorldIn reads a folder's world, or starts one.
func keptWorldIn(folder string) (*keptWorld, error) {
	k := &keptWorld{path: filepath.Join(folder, "simulated-discord.json")}
	b, err := os.ReadFile(k.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		k.Seed, k.Founded = rand.Uint64()|1, time.Now().AddDate(-1, 0, 0)
		return k, nil
	case err == nil:
		err = json.Unmarshal(b, k)
	}
	if err != nil {
		return nil, fmt.Errorf("can't read %s: %w. Choose another folder with --data, or delete this one", k.path,
			err)
	}
	return k, nil
}

// follow saves the world's changes until the function it returns is called.
func (k *keptWorld) follow(s *discordsim.Server, log *slog.Logger) (stop func() error) {
	quit := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for t := time.NewTicker(keepEvery); ; {
			select {
			case <-quit:
				t.Stop()
				return
			case <-t.C:
			}
			if err := k.write(s); err != nil {
				log.Warn("the simulator's server was not saved; trying again", "file", k.path, "err", err)
			}
		}
	})
	return func() error {
		close(quit)
		wg.Wait()
		return k.write(s)
	}
}

// write saves the world if it changed: all of it or nothing.
func (k *keptWorld) write(s *discordsim.Server) error {
	world, err := s.Keep()
	if err != nil || bytes.Equal(world, k.World) {
		return err
	}
	next := *k
	next.World = world
	b, err := json.Marshal(next)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(k.path), 0o700); err != nil {
		return err
	}
	if err := errors.Join(os.WriteFile(k.path+".new", b, 0o600), os.Rename(k.path+".new", k.path)); err != nil {
		return err
	}
	k.World = world
	return nil
}
