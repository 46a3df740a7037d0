// Package figures sums up what was measured: medians and the middle half of several turns, and ratios within each turn.
package figures

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Column is something that is measured in each turn.
type Column struct {
	Name  string
	Unit  string
	Tens  int  // digits after the point
	Ratio bool // also show it as a multiple of the first row's in the same turn
	Sum   bool // add turns up, instead of taking the median: something that shouldn't happen at all
}

// Turn has what was measured, by column. What is missing wasn't measured.
type Turn map[string]float64

// Row are the turns of one subject.
type Row struct {
	Subject string
	Turns   []Turn
	Notes   []string
}

// Note adds a sentence, once.
func (r *Row) Note(format string, args ...any) {
	if s := fmt.Sprintf(format, args...); !slices.Contains(r.Notes, s) {
		r.Notes = append(r.Notes, s)
	}
}

// Table are the subjects of one scenario, which took turns.
type Table struct {
	Scenario string
	What     string // what happened in it
	Columns  []Column
	Rows     []Row
}

// Spread is the median of some values, and the first and third quartile.
type Spread struct {
	Median float64 `json:"median"`
	Q1     float64 `json:"q1"`
	Q3     float64 `json:"q3"`
}

// Of returns a slice's spread; zeros if it is empty.
func Of(values []float64) (s Spread) {
	v := slices.Sorted(slices.Values(values))
	return Spread{at(v, .5), at(v, .25), at(v, .75)}
}

// at returns a quantile of sorted values, between the two next to it.
func at(v []float64, q float64) float64 {
	if len(v) == 0 {
		return 0
	}
	x := q * float64(len(v)-1)
	i := int(x)
	j := min(i+1, len(v)-1)
	return v[i] + (v[j]-v[i])*(x-float64(i))
}

// values returns a column of a row, divided by the first row's in the same turn if ratio is set.
func (t *Table) values(row int, name string, ratio bool) (v []float64) {
	for i, turn := range t.Rows[row].Turns {
		x, ok := turn[name]
		if ratio {
			first := t.Rows[0].Turns
			if i >= len(first) || first[i][name] == 0 {
				continue
			}
			x /= first[i][name]
		}
		if ok {
			v = append(v, x)
		}
	}
	return v
}

// Text prints the table for people. Ratios have the middle half in parentheses.
func (t *Table) Text(w io.Writer) error {
	fmt.Fprintf(w, "\n%s: %s\n", t.Scenario, t.What)
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	columns := slices.DeleteFunc(slices.Clone(t.Columns), func(c Column) bool {
		return !slices.ContainsFunc(t.Rows, func(r Row) bool {
			return slices.ContainsFunc(r.Turns, func(t Turn) bool { _, ok := t[c.Name]; return ok })
		})
	})
	fmt.Fprint(tab, "\t")
	for _, c := range columns {
		fmt.Fprintf(tab, "%s\t", strings.TrimSpace(c.Name+" "+c.Unit))
		if c.Ratio && len(t.Rows) > 1 {
			fmt.Fprintf(tab, "× %s\t", t.Rows[0].Subject)
		}
	}
	for i, r := range t.Rows {
		fmt.Fprintf(tab, "\n%s\t", r.Subject)
		for _, c := range columns {
			fmt.Fprintf(tab, "%s\t", cell(c, t.values(i, c.Name, false)))
			if c.Ratio && len(t.Rows) > 1 {
				fmt.Fprintf(tab, "%s\t", ratio(t.values(i, c.Name, true)))
			}
		}
	}
	fmt.Fprintln(tab)
	if err := tab.Flush(); err != nil {
		return err
	}
	for _, r := range t.Rows {
		for _, n := range r.Notes {
			fmt.Fprintf(w, "  %s: %s\n", r.Subject, n)
		}
	}
	return nil
}

func cell(c Column, v []float64) string {
	switch {
	case len(v) == 0:
		return "-"
	case c.Sum:
		return fmt.Sprintf("%.*f", c.Tens, sum(v))
	}
	return fmt.Sprintf("%.*f", c.Tens, Of(v).Median)
}

func sum(v []float64) (s float64) {
	for _, x := range v {
		s += x
	}
	return s
}

func ratio(v []float64) string {
	if len(v) == 0 {
		return "-"
	}
	s := Of(v)
	if len(v) == 1 {
		return fmt.Sprintf("%.2f", s.Median)
	}
	return fmt.Sprintf("%.2f (%.2f–%.2f)", s.Median, s.Q1, s.Q3)
}

// line is a row in JSON.
type line struct {
	Scenario string            `json:"scenario"`
	What     string            `json:"what"`
	Subject  string            `json:"subject"`
	Turns    int               `json:"turns"`
	Figures  map[string]figure `json:"figures"`
	Notes    []string          `json:"notes,omitempty"`
}

type figure struct {
	Unit string `json:"unit,omitempty"`
	Spread
	Sum   *float64 `json:"sum,omitempty"`
	Ratio *Spread  `json:"ratio,omitempty"` // to the first subject, within turns
}

// JSON prints one line for each row.
func (t *Table) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	for i, r := range t.Rows {
		l := line{t.Scenario, t.What, r.Subject, len(r.Turns), map[string]figure{}, r.Notes}
		for _, c := range t.Columns {
			v := t.values(i, c.Name, false)
			if len(v) == 0 {
				continue
			}
			f := figure{Unit: c.Unit, Spread: Of(v)}
			if c.Sum {
				s := sum(v)
				f.Sum = &s
			}
			if ratios := t.values(i, c.Name, true); c.Ratio && len(ratios) > 0 {
				s := Of(ratios)
				f.Ratio = &s
			}
			l.Figures[c.Name] = f
		}
		if err := enc.Encode(l); err != nil {
			return err
		}
	}
	return nil
}
