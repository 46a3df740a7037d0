package record

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Report is how a replay differs from what it replays.
type Report struct {
	Acts        int          `json:"acts"`
	Did         int          `json:"did"`  // what bots did then
	Took        float64      `json:"took"` // seconds
	Differences []Difference `json:"differences"`
}

// Kinds of differences.
const (
	Missing = "missing" // a bot did it then, and doesn't now
	Changed = "changed" // in the same place, a bot does something else
	New     = "new"     // a bot does it now, and didn't then
	Acted   = "act"     // an act comes out otherwise
)

// Difference is something that differs.
type Difference struct {
	Kind  string `json:"kind"`
	Act   int    `json:"act"`   // after which it happens, counted from 1; 0: before the first
	After string `json:"after"` // that act
	What  string `json:"what"`  // the request
	Then  string `json:"then,omitempty"`
	Now   string `json:"now,omitempty"`
}

// report compares what is known when the replay has ended.
func (p *Player) report(took time.Duration) *Report {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := &Report{Acts: len(p.acts), Did: len(p.did), Took: took.Seconds(), Differences: []Difference{}}
	add := func(act int, d Difference) {
		if d.Act = act; act > 0 {
			d.After = p.acts[act-1].String()
		}
		r.Differences = append(r.Differences, d)
	}
	for i, a := range p.acts {
		switch {
		case a.failed != nil:
			add(i+1, Difference{Kind: Acted, What: a.String(), Then: fmt.Sprint(a.Status), Now: a.failed.Error()})
		case a.status != a.Status:
			add(i+1, Difference{Kind: Acted, What: a.String(), Then: fmt.Sprint(a.Status), Now: fmt.Sprint(a.status)})
		}
	}
	for _, d := range p.did {
		switch {
		case d.now == nil:
			add(d.after, Difference{Kind: Missing, What: d.where(), Then: d.what()})
		case !d.same:
			add(d.after, Difference{Kind: Changed, What: d.where(), Then: d.what(), Now: d.now.what()})
		}
	}
	for _, m := range p.more {
		add(m.after, Difference{Kind: New, What: m.where(), Now: m.what()})
	}
	slices.SortStableFunc(r.Differences, func(a, b Difference) int { return a.Act - b.Act })
	return r
}

// where names the place of what a bot does.
func (l *line) where() string {
	if l.Kind == kindInteraction {
		return "answer to an interaction at its endpoint"
	}
	if l.Query != "" {
		return l.Method + " " + l.Path + "?" + l.Query
	}
	return l.Method + " " + l.Path
}

// what shows what a bot does there, and what it gets.
func (l *line) what() string {
	body := l.Body
	if l.Kind == kindInteraction {
		body = l.Answer
	}
	parts := append([]string{}, l.Files...)
	if len(body) > 0 {
		parts = append([]string{string(body)}, parts...)
	}
	return strings.Join(append(parts, fmt.Sprintf("→ %d", l.Status)), " ")
}

// String shows an act.
func (a *act) String() string {
	return strings.TrimSpace(a.Method + " " + a.Path + " " + short(a.Body))
}

// shownOfBody is how much of an act's body a report shows.
const shownOfBody = 120

func short(body json.RawMessage) string {
	if text := []rune(string(body)); len(text) > shownOfBody {
		return string(text[:shownOfBody]) + "…"
	}
	return string(body)
}

// Print writes a report for people.
func (r *Report) Print(w io.Writer) error {
	var b strings.Builder
	otherwise := 0
	for _, d := range r.Differences {
		if d.Kind == Missing || d.Kind == Changed {
			otherwise++
		}
	}
	fmt.Fprintf(&b, "\nReplayed in %.1f s. Acts: %d. Of what bots did then, they did the same again: %d of %d.\n",
		r.Took, r.Acts, r.Did-otherwise, r.Did)
	act := -1
	for _, d := range r.Differences {
		if d.Act != act {
			if act = d.Act; act == 0 {
				fmt.Fprintf(&b, "\nBefore the first act:\n")
			} else {
				fmt.Fprintf(&b, "\nAfter act %d, %s:\n", act, d.After)
			}
		}
		fmt.Fprintf(&b, "  %-8s %s\n", d.Kind, d.What)
		if d.Then != "" {
			fmt.Fprintf(&b, "    then   %s\n", d.Then)
		}
		if d.Now != "" {
			fmt.Fprintf(&b, "    now    %s\n", d.Now)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
