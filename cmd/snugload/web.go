package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"snug/cmd/snugload/internal/figures"
	"snug/cmd/snugload/internal/usage"
)

// withDemo has some turns with a demo of its own each.
func withDemo(
	ctx context.Context, o *options, t figures.Table, turn func(ctx context.Context, d *demo) ([]figures.Turn, error),
) ([]figures.Table, error) {
	if err := o.build(ctx); err != nil {
		return nil, err
	}
	n := o.cyclesOr(3)
	t.What += fmt.Sprintf("; medians of %d", n)
	for range n {
		d, err := startDemo(ctx, o)
		if err != nil {
			return nil, err
		}
		turns, err := turn(ctx, d)
		if err := errors.Join(err, d.end()); err != nil {
			return nil, err
		}
		for i := range t.Rows {
			t.Rows[i].Turns = append(t.Rows[i].Turns, turns[i])
		}
	}
	return []figures.Table{t}, nil
}

// measureStart starts the demo, which is Snug with a simulator.
func measureStart(ctx context.Context, o *options) ([]figures.Table, error) {
	t := figures.Table{Scenario: "start", What: "snug demo, from its start until it greets", Rows: []figures.Row{
		{Subject: "snug demo"}}, Columns: []figures.Column{
		{Name: "ready", Unit: "s", Tens: 2}, {Name: "CPU", Unit: "s", Tens: 2}, {Name: "memory", Unit: "MB"},
		{Name: "program", Unit: "MB", Tens: 1},
	}}
	return withDemo(ctx, o, t, func(_ context.Context, d *demo) ([]figures.Turn, error) {
		file, err := os.Stat(o.snug)
		if err != nil {
			return nil, err
		}
		now, _ := usage.Memory(d.cmd.Process.Pid)
		return []figures.Turn{{
			"ready": d.ready.Seconds(), "CPU": usage.Process(d.cmd.Process.Pid).CPU.Seconds(),
			"memory": float64(now) / 1e6, "program": float64(file.Size()) / 1e6,
		}}, nil
	})
}

// measureWeb has one person load pages, some at a time, each as soon as the one before is there: fewer than Snug allows
// one person at once.
func measureWeb(ctx context.Context, o *options) ([]figures.Table, error) {
	t := figures.Table{Scenario: "web", What: fmt.Sprintf("%d of each page, %d at a time", webPages, webAtATime),
		Columns: []figures.Column{
			{Name: "pages", Unit: "/s"}, {Name: "CPU", Unit: "ms", Tens: 2},
			{Name: "first byte p50", Unit: "ms", Tens: 2},
			{Name: "first byte p99", Unit: "ms", Tens: 2}, {Name: "failed", Sum: true},
		}, Rows: []figures.Row{{Subject: "first page"}, {Subject: "home"}, {Subject: "server"}, {Subject: "room"},
			{Subject: "rooms, API"}, {Subject: "style sheet"}}}
	return withDemo(ctx, o, t, func(ctx context.Context, d *demo) (turns []figures.Turn, err error) {
		in, err := d.signIn(ctx, 0)
		if err != nil {
			return nil, err
		}
		room, err := in.open(ctx, "Den")
		if err != nil {
			return nil, err
		}
		stranger := &guest{d: d, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
		sheet, err := stranger.styleSheet(ctx)
		if err != nil {
			return nil, err
		}
		for _, p := range []struct {
			who  *guest
			path string
		}{
			{stranger, "/"}, {in, "/"}, {in, "/servers/" + d.facts.Guild}, {in, "/game/" + room},
			{in, "/api/v1/guilds/" + d.facts.Guild + "/rooms"}, {stranger, sheet},
		} {
			turn, err := p.who.load(ctx, p.path)
			if err != nil {
				return nil, err
			}
			turns = append(turns, turn)
		}
		return turns, nil
	})
}

// styleSheet returns the path of the first page's style sheet, which has its hash in it.
func (g *guest) styleSheet(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.d.facts.Snug+"/", nil)
	if err != nil {
		return "", err
	}
	res, err := g.http.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return "", err
	}
	_, rest, _ := strings.Cut(string(b), `rel="stylesheet" href="`)
	path, _, ok := strings.Cut(rest, `"`)
	if !ok {
		return "", errors.New("the first page has no style sheet")
	}
	return path, nil
}

const webPages, webAtATime = 240, 8

// load loads a page again and again.
func (g *guest) load(ctx context.Context, path string) (figures.Turn, error) {
	pid := g.d.cmd.Process.Pid
	var mu sync.Mutex
	var first figures.Histogram
	failed := 0
	before := usage.Process(pid)
	all, gctx := errgroup.WithContext(ctx)
	for range webAtATime {
		all.Go(func() error {
			for range webPages / webAtATime {
				began, byte1 := time.Now(), time.Time{}
				ctx := httptrace.WithClientTrace(gctx, &httptrace.ClientTrace{
					GotFirstResponseByte: func() { byte1 = time.Now() }})
				res, err := g.do(ctx, http.MethodGet, g.d.facts.Snug+path, nil)
				if err != nil {
					return err
				}
				mu.Lock()
				if first.Add(int64(byte1.Sub(began))); res.StatusCode != http.StatusOK {
					failed++
				}
				mu.Unlock()
			}
			return nil
		})
	}
	err := all.Wait()
	after := usage.Process(pid)
	return figures.Turn{
		"pages": webPages / after.At.Sub(before.At).Seconds(), "failed": float64(failed),
		"CPU":            ms(after.CPU-before.CPU) / webPages,
		"first byte p50": ms(first.Quantile(.5)), "first byte p99": ms(first.Quantile(.99)),
	}, err
}

// measureOpenings has everybody in the demo open rooms, one after the other and at once.
func measureOpenings(ctx context.Context, o *options) ([]figures.Table, error) {
	t := figures.Table{Scenario: "openings", What: "rooms opened through the API, against a simulator that answers " +
		"at once and limits as Discord does", Columns: []figures.Column{
		{Name: "p50", Unit: "ms", Tens: 1}, {Name: "slowest", Unit: "ms", Tens: 1}, {Name: "refused", Sum: true},
	}, Rows: []figures.Row{{Subject: "one after the other"}, {Subject: "all at once"}}}
	return withDemo(ctx, o, t, func(ctx context.Context, d *demo) (turns []figures.Turn, err error) {
		var people []*guest
		for i := range d.facts.Users {
			g, err := d.signIn(ctx, i)
			if err != nil {
				return nil, err
			}
			people = append(people, g)
		}
		half := len(people) / 2
		for i, some := range [][]*guest{people[:half], people[half:]} {
			var took figures.Histogram
			var slowest time.Duration
			refused := 0.
			var mu sync.Mutex
			var all errgroup.Group
			if i == 0 {
				all.SetLimit(1)
			}
			for _, g := range some {
				all.Go(func() error {
					began := time.Now()
					_, err := g.open(ctx, "Den")
					mu.Lock()
					defer mu.Unlock()
					if err != nil {
						refused++
						return nil
					}
					took.Add(int64(time.Since(began)))
					slowest = max(slowest, time.Since(began))
					return nil
				})
			}
			_ = all.Wait() // nothing fails
			turns = append(turns,
				figures.Turn{"p50": ms(took.Quantile(.5)), "slowest": ms(slowest), "refused": refused})
		}
		return turns, nil
	})
}
