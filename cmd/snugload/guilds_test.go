package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

func TestParseGuilds(t *testing.T) {
	o, err := parseGuilds([]string{"-guilds", "10,500", "--cycles", "2", "-json"}, io.Discard)
	if err != nil || len(o.guilds) != 2 || o.guilds[1] != 500 || o.cycles != 2 || !o.json {
		t.Errorf("%+v, %v", o, err)
	}
	for _, args := range [][]string{{"-guilds", "0"}, {"-guilds", "many"}, {"-cycles", "0"}, {"more"}, {"-nonsense"}} {
		if _, err := parseGuilds(args, io.Discard); err == nil {
			t.Errorf("%v was taken", args)
		}
	}
	if err := run(t.Context(), []string{"guilds", "-guilds", "none"}, nil, io.Discard); err == nil {
		t.Error("guilds without a number were measured")
	}
}

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

func TestPrintStarts(t *testing.T) {
	all := []startSummary{{5000, "cold", 3, medianStart([]startFigures{{Served: 1}, {Served: 3}, {Served: 2}})}}
	var table, lines bytes.Buffer
	err := errors.Join(printStarts(&table, guildOptions{}, all), printStarts(&lines, guildOptions{json: true}, all))
	var back startSummary
	if err := errors.Join(err, json.Unmarshal(lines.Bytes(), &back)); err != nil || back.Served != 2 ||
		back.Guilds != 5000 {
		t.Errorf("%s, %v", &lines, err)
	}
	if !strings.Contains(table.String(), "2.00 s") {
		t.Errorf("%s", &table)
	}
	if _, err := os.Stat("/proc/self/status"); err == nil {
		if u := usageOf(os.Getpid()); u.rss <= 0 || u.peak < u.rss {
			t.Errorf("this process uses %+v", u)
		}
	}
}
