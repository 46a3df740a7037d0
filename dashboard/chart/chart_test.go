package chart

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func TestDraw(t *testing.T) {
	svg, err := Draw(Data{
		Title: `Rooms <opened> "daily"`, Labels: []string{"Mon", "<Tue>", "Wed"}, Values: []float64{0, 3, 7},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := string(svg)
	for _, bad := range []string{"style=", "rgb(", "<opened>", "<Tue>", "script", "href"} {
		if strings.Contains(s, bad) {
			t.Errorf("it has %s: %.300s", bad, s)
		}
	}
	for _, want := range []string{
		`role="img"`, `aria-label="Rooms &lt;opened&gt; &#34;daily&#34;"`, `class="ch-bar"`, `class="ch-text"`,
		`class="ch-grid"`, "&lt;Tue&gt;", `viewBox="0 0 640 240"`,
	} {
		if !strings.Contains(s, want) {
			t.Errorf("it lacks %s: %.300s", want, s)
		}
	}
	if _, err := html.Parse(strings.NewReader(s)); err != nil || strings.Count(s, `class="ch-bar"`) < 2 {
		t.Errorf("%v, %d bars", err, strings.Count(s, `class="ch-bar"`))
	}
	for _, d := range []Data{
		{Labels: []string{"a", "b"}, Values: []float64{0, 0}}, {Labels: []string{"a"}, Values: []float64{0.2}},
		{Labels: []string{"a"}, Values: []float64{5}, Flat: true},
	} {
		if svg, err := Draw(d); err != nil || !strings.HasPrefix(string(svg), "<svg") {
			t.Errorf("%+v: %v", d, err)
		}
	}
	if _, err := Draw(Data{Labels: []string{"a"}}); err == nil {
		t.Error("a chart without values")
	}
}

var (
	drawnBar  = regexp.MustCompile(`<rect class="ch-bar" x="([^"]*)" y="([^"]*)" width="([^"]*)" height="([^"]*)"/>`)
	drawnText = regexp.MustCompile(`<text class="ch-text" x="([^"]*)" y="([^"]*)"[^>]*>L(\d+)<`)
)

type box struct{ left, top, right, bottom float64 }

func number(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestLabelsStandAtTheirBars: a label is where its bar is, for few and for many, standing and lying.
func TestLabelsStandAtTheirBars(t *testing.T) {
	for _, c := range []struct {
		n    int
		flat bool
	}{{1, false}, {5, false}, {24, false}, {90, false}, {6, true}} {
		d := Data{Title: "x", Flat: c.flat}
		for i := range c.n {
			d.Labels, d.Values = append(d.Labels, fmt.Sprintf("L%02d", i)), append(d.Values, float64(i*i))
		}
		svg, err := Draw(d)
		if err != nil {
			t.Fatal(err)
		}
		var bars []box
		for _, m := range drawnBar.FindAllStringSubmatch(string(svg), -1) {
			x, y, w, h := number(t, m[1]), number(t, m[2]), number(t, m[3]), number(t, m[4])
			bars = append(bars, box{x, y, x + w, y + h})
		}
		texts := drawnText.FindAllStringSubmatch(string(svg), -1)
		if len(bars) != c.n || len(texts) == 0 || len(texts) > 12 {
			t.Fatalf("%+v: %d bars, %d labels", c, len(bars), len(texts))
		}
		for _, m := range texts {
			x, y, i := number(t, m[1]), number(t, m[2]), int(number(t, m[3]))
			b := bars[i]
			if tall := b.bottom - b.top; !c.flat && i > 0 && tall < bars[i-1].bottom-bars[i-1].top-2 ||
				c.flat && i > 0 && b.right < bars[i-1].right-2 {
				t.Errorf("%+v: bar %d is not that of its value", c, i)
			}
			if !c.flat && (x < b.left || x > b.right || y < b.bottom) ||
				c.flat && (x > b.left || y < b.top || y > b.bottom+6) {
				t.Errorf("%+v: label %d is at %v %v, its bar at %+v", c, i, x, y, b)
			}
		}
	}
}
