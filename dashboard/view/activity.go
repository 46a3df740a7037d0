package view

import (
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/chart"
	"snug/shared/audit"
	"snug/shared/guild"
	"snug/shared/room"
	"snug/shared/stats"
)

// Activity is the page at /admin/{guild}/activity: what happened, and its numbers.
type Activity struct {
	AdminTab
	Report  *stats.Report
	Days    int
	Entries []audit.Entry
	Next    uint64       // where the next page begins; 0: there is none
	Kinds   []audit.Kind // that can be filtered by
	Filter  url.Values   // as it was asked for
	Names   map[snowflake.ID]string
	Rooms   map[snowflake.ID]string // their names, as far as they are known
	Places  guild.ChannelsAndRoles  // what settings' ids stand for
}

// Tab is the page's own.
func (*Activity) Tab() string { return "activity" }

// Chosen says whether a kind is filtered by.
func (p *Activity) Chosen(k audit.Kind) bool {
	return slices.Contains(p.Filter["kind"], string(k))
}

// Kind names a kind.
func (p *Activity) Kind(k audit.Kind) string { return p.Text.Kind(k) }

// Asked is a filter's value.
func (p *Activity) Asked(name string) string { return p.Filter.Get(name) }

// Spans are the numbers of days that can be chosen.
func (*Activity) Spans() []int { return []int{7, 30, 90} }

// Query is the filter as an address's query, without the place in the list.
func (p *Activity) Query() template.URL {
	q := url.Values{"days": {itoa(p.Days)}}
	for _, k := range []string{"kind", "by", "room"} {
		for _, v := range p.Filter[k] {
			if v != "" {
				q.Add(k, v)
			}
		}
	}
	return template.URL(q.Encode()) //nolint:gosec // encoded
}

// Who names a member, or gives their id.
func (p *Activity) Who(id snowflake.ID) string {
	if n := p.Names[id]; n != "" {
		return n
	}
	return short(id)
}

// Happened says an entry in a sentence.
func (p *Activity) Happened(e audit.Entry) template.HTML {
	said := p.Text.Entry(&e, describer{p.Text, p.Places}.table(p.Who, p.Room))
	return template.HTML(said) //nolint:gosec // table escapes
}

// Room names a room, or gives the last digits of its id.
func (p *Activity) Room(id snowflake.ID) string {
	if n := p.Rooms[id]; n != "" {
		return n
	}
	return short(id)
}

// Picture is a chart with its words and numbers.
type Picture struct {
	Title string
	Sum   string // what it comes to, in words
	SVG   template.HTML
	Head  string // of the labels' column
	Rows  [][2]string
}

// Charts draws the report.
func (p *Activity) Charts() ([]Picture, error) {
	r := p.Report
	var days []string
	var opened, peak, hours []float64
	for _, d := range r.Days {
		days = append(days, d.Date[5:])
		opened = append(opened, float64(d.Opened))
		peak = append(peak, float64(d.Peak))
		hours = append(hours, float64(d.Minutes)/60)
	}
	var clock []string
	var busy []float64
	for h, m := range r.Hours {
		clock = append(clock, pad(h))
		busy = append(busy, float64(m)/60)
	}
	var steps, reasons []string
	var fills, ended []float64
	for i, n := range r.Fills {
		steps = append(steps, p.Text.Say("stat.fill."+itoa(i)))
		fills = append(fills, float64(n))
	}
	for _, why := range []room.CloseReason{
		room.ClosedIdle, room.ClosedAge, room.ClosedByOwner, room.ClosedByAdmin, room.ClosedChannel, room.ClosedLost,
	} {
		reasons = append(reasons, p.Text.Say("closed."+string(why)))
		ended = append(ended, float64(r.Reasons[string(why)]))
	}
	tenth := func(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }
	return p.draw([]drawing{
		{"opened", days, opened, r.Opened, nil, false}, {"peak", days, peak, r.Peak, nil, false},
		{"hours", days, hours, r.Minutes / 60, tenth, false}, {"busy", clock, busy, busiest(r.Hours), tenth, false},
		{"fill", steps, fills, total(r.Fills), nil, false}, {"reason", reasons, ended, r.Closed, nil, true},
	})
}

// drawing is a chart before it is drawn; its words are stat.{name}, stat.{name}.sum and stat.{name}.head.
type drawing struct {
	name   string
	labels []string
	values []float64
	sum    int
	tell   func(float64) string
	flat   bool
}

func (p *Activity) draw(list []drawing) ([]Picture, error) {
	var out []Picture
	for _, d := range list {
		tell := d.tell
		if tell == nil {
			tell = func(v float64) string { return strconv.FormatFloat(v, 'f', 0, 64) }
		}
		pic := Picture{
			Title: p.Text.Say("stat." + d.name), Sum: p.Text.Say("stat."+d.name+".sum", "Count", d.sum),
			Head: p.Text.Say("stat." + d.name + ".head"),
		}
		svg, err := chart.Draw(chart.Data{
			Title: pic.Title + ": " + pic.Sum, Labels: d.labels, Values: d.values, Flat: d.flat,
		})
		if err != nil {
			return nil, err
		}
		pic.SVG = svg
		for i, l := range d.labels {
			pic.Rows = append(pic.Rows, [2]string{l, tell(d.values[i])})
		}
		out = append(out, pic)
	}
	return out, nil
}

func busiest(hours [24]int) int {
	best := 0
	for h, m := range hours {
		if m > hours[best] {
			best = h
		}
	}
	return best
}

func total(list []int) (n int) {
	for _, v := range list {
		n += v
	}
	return n
}

// Stamp is a moment as the list shows it.
func (*Activity) Stamp(t time.Time) string { return t.UTC().Format("01-02 15:04") }

func (*Activity) name() string { return "admin-activity" }
