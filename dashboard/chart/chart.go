// Package chart draws charts as SVG to stand in a page: go-analyze/charts lays
// them out, and the colours come from the page's style sheet by class, so that
// they follow its theme and its policy (no style attributes).
//
// It keeps no state; Draw may be called from any goroutine.
package chart

import (
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/go-analyze/charts"
)

// Data is one chart.
type Data struct {
	Title  string // what it shows; read out instead of the picture
	Labels []string
	Values []float64
	Flat   bool // bars lie, with their labels beside them
	// Tell writes a value for people; nil writes whole numbers.
	Tell func(float64) string
}

// Size of a chart in its own units; it scales with the page.
const (
	width, height = 640, 240
	font          = 12
)

// The colours stand for classes in the style sheet.
var classes = map[string]string{
	"rgb(1,1,1)": "ch-axis", "rgb(2,2,2)": "ch-grid", "rgb(3,3,3)": "ch-text", "rgb(4,4,4)": "ch-bar",
}

func paint(n uint8) charts.Color { return charts.Color{R: n, G: n, B: n, A: 255} }

// Draw gives a chart as an <svg> element. It fails for data without labels, or with other than one value a label.
func Draw(d Data) (template.HTML, error) {
	if len(d.Labels) == 0 || len(d.Labels) != len(d.Values) {
		return "", errors.New("chart: a label and a value for each bar are needed")
	}
	p := charts.NewPainter(charts.PainterOptions{OutputFormat: charts.ChartOutputSVG, Width: width, Height: height})
	if err := p.BarChart(options(d)); err != nil {
		return "", fmt.Errorf("chart: %w", err)
	}
	b, err := p.Bytes()
	if err != nil {
		return "", fmt.Errorf("chart: %w", err)
	}
	return rewrite(string(b), d)
}

// mine begins a category's label. The library keeps room for labels, but puts
// them beside their bars rather than under them; those are left out and written anew.
const mine = "\u2060"

func options(d Data) charts.BarChartOption {
	no := false
	o := charts.NewBarChartOptionWithData([][]float64{d.Values})
	o.Theme = charts.GetTheme(charts.ThemeLight).WithBackgroundColor(charts.ColorTransparent).WithXAxisColor(paint(1)).WithYAxisColor(paint(1)).
		WithAxisSplitLineColor(paint(2)).WithTextColor(paint(3)).WithXAxisTextColor(paint(3)).WithYAxisTextColor(paint(3)).WithLabelTextColor(paint(3)).
		WithSeriesColors([]charts.Color{paint(4)})
	o.Legend.Show = &no
	o.Horizontal = d.Flat
	o.CategoryAxis.Labels, o.CategoryAxis.LabelCount = nil, len(d.Labels)
	for _, l := range d.Labels {
		if d.Flat { // the page's font may be wider than what is measured with
			l += "\u00a0\u00a0\u00a0"
		}
		o.CategoryAxis.Labels = append(o.CategoryAxis.Labels, mine+l)
	}
	o.CategoryAxis.LabelFontStyle = charts.FontStyle{FontSize: font, FontColor: paint(3)}
	tell := d.Tell
	if tell == nil {
		tell = func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	}
	o.ValueFormatter = tell
	whole := func(v float64) string { return strconv.FormatFloat(v, 'f', 0, 64) }
	top := 1.0
	for _, v := range d.Values {
		top = math.Max(top, v)
	}
	step := interval(top)
	steps := math.Ceil(top / step)
	zero, most, exactly := 0.0, steps*step, false
	o.ValueAxis = []charts.ValueAxisOption{{
		Min: &zero, Max: &most, RangeValuePaddingScale: &zero, LabelCount: int(steps) + 1, PreferNiceIntervals: &exactly, ValueFormatter: whole, LabelFontStyle: charts.FontStyle{FontSize: font, FontColor: paint(3)},
	}}
	return o
}

// interval gives a whole number to count an axis by, in at most five steps up to top.
func interval(top float64) float64 {
	for ten := 1.0; ; ten *= 10 {
		for _, step := range []float64{1, 2, 5} {
			if step*ten*5 >= top {
				return step * ten
			}
		}
	}
}

// sparse gives at most twelve of the labels at even distances, the others blank.
func sparse(labels []string) []string {
	every := (len(labels) + 11) / 12
	out := make([]string, len(labels))
	for i := range labels {
		if i%every == 0 {
			out[i] = labels[i]
		}
	}
	return out
}

// rewrite makes attributes and classes of style attributes, gives the picture its name, and writes the labels.
func rewrite(svg string, d Data) (template.HTML, error) {
	var out, element strings.Builder
	var bars []box
	dec := xml.NewDecoder(strings.NewReader(svg))
	first, skip := true, false
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", fmt.Errorf("chart: %w", err)
		}
		switch t := tok.(type) {
		case xml.StartElement:
			out.WriteString(element.String())
			element.Reset()
			element.WriteString("<" + t.Name.Local)
			if first {
				fmt.Fprintf(&element, ` class="chart" role="img" aria-label="%s"`, template.HTMLEscapeString(d.Title))
				first = false
			}
			shape := ""
			for _, a := range t.Attr {
				switch {
				case a.Name.Local == "style":
					styled(&element, a.Value)
				case a.Name.Local != "xmlns" && a.Name.Space != "xmlns" && a.Name.Local != "xlink":
					fmt.Fprintf(&element, ` %s="%s"`, a.Name.Local, template.HTMLEscapeString(strings.ReplaceAll(a.Value, "\n", " ")))
				}
				if a.Name.Local == "d" {
					shape = a.Value
				}
			}
			element.WriteString(">")
			if strings.Contains(element.String(), `class="ch-bar"`) {
				bars = append(bars, boxOf(shape))
			}
		case xml.EndElement:
			if t.Name.Local == "svg" {
				out.WriteString(element.String() + labels(d, bars))
				element.Reset()
			}
			if element.WriteString("</" + t.Name.Local + ">"); skip {
				element.Reset()
			}
			skip = false
		case xml.CharData:
			skip = skip || strings.HasPrefix(string(t), mine)
			template.HTMLEscape(&element, t)
		}
	}
	out.WriteString(element.String())
	return template.HTML(out.String()), nil //nolint:gosec // every text and attribute in it is escaped
}

// box is where a bar is.
type box struct{ left, top, right, bottom float64 }

// boxOf reads the corners from a path of "M x y L x y …".
func boxOf(path string) box {
	b := box{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
	words := strings.Fields(path)
	for i := 0; i+2 < len(words); i += 3 {
		x, err1 := strconv.ParseFloat(words[i+1], 64)
		y, err2 := strconv.ParseFloat(words[i+2], 64)
		if err1 == nil && err2 == nil {
			b = box{min(b.left, x), min(b.top, y), max(b.right, x), max(b.bottom, y)}
		}
	}
	return b
}

// labels writes each label at its bar: below it, or beside it where bars lie.
func labels(d Data, bars []box) string {
	if len(bars) != len(d.Labels) {
		return ""
	}
	var out strings.Builder
	shown := d.Labels
	if !d.Flat {
		shown = sparse(d.Labels)
	}
	for i, l := range shown {
		b := bars[i]
		x, y, anchor := (b.left+b.right)/2, b.bottom+22, "middle"
		if d.Flat {
			x, y, anchor = b.left-10, (b.top+b.bottom)/2+5, "end"
		}
		if l != "" {
			fmt.Fprintf(&out, `<text x="%.0f" y="%.0f" text-anchor="%s" stroke="none" font-size="16" class="ch-text">%s</text>`, x, y, anchor, template.HTMLEscapeString(l))
		}
	}
	return out.String()
}

// styled writes what of a style is kept: widths, sizes, and classes for colours.
func styled(out *strings.Builder, style string) {
	class := ""
	for decl := range strings.SplitSeq(style, ";") {
		k, v, _ := strings.Cut(strings.TrimSpace(decl), ":")
		switch {
		case v == "" || k == "font-family":
		case classes[v] != "":
			class = classes[v]
		case (k == "fill" || k == "stroke") && v != "none": // a colour that no class stands for
		default:
			fmt.Fprintf(out, ` %s="%s"`, template.HTMLEscapeString(k), template.HTMLEscapeString(strings.TrimSuffix(v, "px")))
		}
	}
	if class != "" {
		fmt.Fprintf(out, ` class="%s"`, class)
	}
}
