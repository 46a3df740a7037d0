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

// keptWorld is the simulated Discord's world as the demo's data folder keeps it: without its channels, Snug's
// rooms there would be nowhere at the next start.
type keptWorld struct {
	Seed    uint64          `json:"seed"` // with Founded: of everybody's ids and tokens
	Founded time.Time       `json:"founded"`
	World   json.RawMessage `json:"world"`

	path string
}

// keepEvery is how long what happened in the simulated Discord may be unkept.
const keepEvery = 250 * time.Millisecond

// keptWorldIn reads the world of a folder, or begins one.
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
		return nil, fmt.Errorf("%s cannot be read: %w. Choose another folder with --data, or remove this one", k.path,
			err)
	}
	return k, nil
}

// follow writes down what changes in the world, until the function that it gives is called.
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
				log.Warn("the simulated Discord could not be kept", "err", err)
			}
		}
	})
	return func() error {
		close(quit)
		wg.Wait()
		return k.write(s)
	}
}

// write writes the world if it changed: the whole of it or nothing.
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
