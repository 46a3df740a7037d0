package chart

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func TestDraw(t *testing.T) {
	svg, err := Draw(Data{Title: `Rooms <opened> "daily"`, Labels: []string{"Mon", "<Tue>", "Wed"}, Values: []float64{0, 3, 7}})
	if err != nil {
		t.Fatal(err)
	}
	s := string(svg)
	for _, bad := range []string{"style=", "rgb(", "<opened>", "<Tue>", "script", "href"} {
		if strings.Contains(s, bad) {
			t.Errorf("it has %s: %.300s", bad, s)
		}
	}
	for _, want := range []string{`role="img"`, `aria-label="Rooms &lt;opened&gt; &#34;daily&#34;"`, `class="ch-bar"`, `class="ch-text"`, `class="ch-grid"`, "&lt;Tue&gt;", `viewBox="0 0 640 240"`} {
		if !strings.Contains(s, want) {
			t.Errorf("it lacks %s: %.300s", want, s)
		}
	}
	if _, err := html.Parse(strings.NewReader(s)); err != nil || strings.Count(s, `class="ch-bar"`) < 2 {
		t.Errorf("%v, %d bars", err, strings.Count(s, `class="ch-bar"`))
	}
	for _, d := range []Data{{Labels: []string{"a", "b"}, Values: []float64{0, 0}}, {Labels: []string{"a"}, Values: []float64{5}, Flat: true}} {
		if svg, err := Draw(d); err != nil || !strings.HasPrefix(string(svg), "<svg") {
			t.Errorf("%+v: %v", d, err)
		}
	}
	if _, err := Draw(Data{Labels: []string{"a"}}); err == nil {
		t.Error("a chart without values")
	}
}
