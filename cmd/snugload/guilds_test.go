package main

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"
)

// TestServeWorld runs the simulator as its process does.
func TestServeWorld(t *testing.T) {
	in, stop := io.Pipe()
	lines, out := io.Pipe()
	served := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // nobody waits for commands, because no bot registers any
	go func() { served <- serveWorld(ctx, "3,10,2", in, out) }()
	var w worldInfo
	dec := json.NewDecoder(lines)
	if err := dec.Decode(&w); err != nil || w.Guilds != 3 || !strings.HasPrefix(w.URL, "http://127.") ||
		w.Token == "" {
		t.Errorf("%+v, %v", w, err)
	}
	if _, err := io.WriteString(stop, "populate\ntry\n"); err != nil {
		t.Error(err)
	}
	var done tried
	if err := dec.Decode(&done); err != nil || done.Guilds != 0 {
		t.Errorf("populating: %+v, %v", done, err)
	}
	if err := dec.Decode(&done); err != nil || done.Guilds != 3 || len(done.Refused) != 3 {
		t.Errorf("%+v, %v", done, err)
	}
	_ = stop.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if err := serveWorld(t.Context(), "three", in, out); err == nil {
		t.Error("a size without numbers was served")
	}
}

func TestFollow(t *testing.T) {
	log := `{"level":"INFO","msg":"Snug is ready"}
not JSON
{"level":"INFO","msg":"all servers are loaded","servers":3}
`
	var seen []string
	for m := range follow(strings.NewReader(log), time.Now()) {
		seen = append(seen, m.what)
	}
	if len(seen) != 2 || seen[0] != readyLine || seen[1] != servedLine {
		t.Errorf("seen %q", seen)
	}
}
