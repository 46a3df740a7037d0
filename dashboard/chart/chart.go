// Package chart draws bar charts as inline SVG. Colors come from the page's style sheet by class,
// so that they follow its theme and its Content-Security-Policy (no style attributes).
//
// It has no state; Draw is safe for concurrent use.
package chart

import (
	"errors"
	"html/template"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	runes "golang.org/x/text/width"
)

// Data is one chart.
type Data struct {
	Title  string // what it shows; read aloud instead of the picture
	Labels []string
	Values []float64 // one for each label, not negative
	Flat   bool      // horizontal bars, with their labels beside them
}

// Sizes in the chart's own units; it scales with the page.
const (
	width, height = 640, 240
	top, right    = 12, 16 // margins
	under         = 32     // the margin for labels
	gap           = 10     // between labels and their bars
	letter        = 9      // approximate width of a letter
	middle        = 5      // from the middle of a label to its baseline
	thick         = 0.7    // the share of its space that a bar fills
	mostLabels    = 12     // below vertical bars
)

// label is a text and its anchor: start, middle or end.
type label struct {
	X, Y         float64
	Anchor, Text string
}

// line is a grid line and its number.
type line struct {
	Class          string
	X1, Y1, X2, Y2 float64
	Label          label
}

// bar is a bar with its label.
type bar struct {
	X, Y, Width, Height float64
	Label               label
}

// picture is a chart's layout.
type picture struct {
	Title string
	Lines []line
	Bars  []bar
}

var drawing = template.Must(template.New("chart").Funcs(template.FuncMap{"n": round}).Parse(`
{{- define "label"}}{{if .Text -}}
	<text class="ch-text" x="{{n .X}}" y="{{n .Y}}" text-anchor="{{.Anchor}}" font-size="16">{{.Text}}</text>
{{- end}}{{end -}}
<svg class="chart" viewBox="0 0 640 240" role="img" aria-label="{{.Title}}">
{{- range .Lines -}}
	<line class="{{.Class}}" x1="{{n .X1}}" y1="{{n .Y1}}" x2="{{n .X2}}" y2="{{n .Y2}}"/>{{template "label" .Label}}
{{- end}}
{{- range .Bars -}}
	<rect class="ch-bar" x="{{n .X}}" y="{{n .Y}}" width="{{n .Width}}" height="{{n .Height}}"/>
	{{- template "label" .Label}}
{{- end -}}
</svg>`))

// Draw returns a chart as an <svg> element. It fails unless data has labels, with one value for each.
func Draw(d Data) (template.HTML, error) {
	if len(d.Labels) == 0 || len(d.Labels) != len(d.Values) {
		return "", errors.New("chart: each bar needs a label and a value")
	}
	p := standing(d)
	if d.Flat {
		p = lying(d)
	}
	var out strings.Builder
	if err := drawing.Execute(&out, p); err != nil {
		return "", err
	}
	return template.HTML(out.String()), nil //nolint:gosec // the template has escaped it
}

// standing lays out vertical bars, with their labels below.
func standing(d Data) picture {
	step, most := scale(d.Values)
	left, bottom := gap+widest(tick(most)), float64(height-under)
	each, tall := (width-right-left)/float64(len(d.Values)), bottom-top
	p := picture{Title: d.Title}
	for v := 0.0; v <= most; v += step {
		y := bottom - tall*v/most
		p.Lines = append(p.Lines,
			line{class(v), left, y, width - right, y, label{left - gap, y + middle, "end", tick(v)}})
	}
	every := (len(d.Labels) + mostLabels - 1) / mostLabels
	for i, v := range d.Values {
		place, h := left+each*float64(i), tall*v/most
		b := bar{X: place + each*(1-thick)/2, Y: bottom - h, Width: each * thick, Height: h}
		if i%every == 0 {
			b.Label = label{place + each/2, bottom + under - gap, "middle", d.Labels[i]}
		}
		p.Bars = append(p.Bars, b)
	}
	return p
}

// lying lays out horizontal bars, with their labels beside them.
func lying(d Data) picture {
	step, most := scale(d.Values)
	left, bottom := gap+widest(d.Labels...), float64(height-under)
	each, wide := (bottom-top)/float64(len(d.Values)), width-right-left
	p := picture{Title: d.Title}
	for v := 0.0; v <= most; v += step {
		x := left + wide*v/most
		p.Lines = append(p.Lines, line{class(v), x, top, x, bottom, label{x, bottom + under - gap, "middle", tick(v)}})
	}
	for i, v := range d.Values {
		place := top + each*float64(i)
		p.Bars = append(p.Bars, bar{
			X: left, Y: place + each*(1-thick)/2, Width: wide * v / most, Height: each * thick,
			Label: label{left - gap, place + each/2 + middle, "end", d.Labels[i]},
		})
	}
	return p
}

// class is the CSS class of the grid line for a number.
func class(v float64) string {
	if v == 0 {
		return "ch-axis"
	}
	return "ch-grid"
}

// scale returns the whole-number step of an axis with at most five steps, and its end.
func scale(values []float64) (step, most float64) {
	high := 1.0
	for _, v := range values {
		high = max(high, v)
	}
	for ten := 1.0; ; ten *= 10 {
		for _, n := range []float64{1, 2, 5} {
			if step = n * ten; step*5 >= high {
				return step, step * math.Ceil(high/step)
			}
		}
	}
}

// widest returns the space for the longest label, at most half of the chart.
func widest(labels ...string) float64 {
	most := 0
	for _, l := range labels {
		n := utf8.RuneCountInString(l)
		for _, r := range l {
			if k := runes.LookupRune(r).Kind(); k == runes.EastAsianWide || k == runes.EastAsianFullwidth {
				n++
			}
		}
		most = max(most, n)
	}
	return min(float64(most)*letter, width/2)
}

func tick(v float64) string { return strconv.FormatFloat(v, 'f', 0, 64) }

// round formats a number with at most one decimal.
func round(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }
