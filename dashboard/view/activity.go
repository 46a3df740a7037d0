package view

import (
	"cmp"
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/chart"
	"snug/shared/access"
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
	// Recent are entries of the same days whatever the filter: their people and rooms can be filtered by.
	Recent  []audit.Entry
	Members Members
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
func (p *Activity) Spans() (list []choice) {
	for _, n := range []int{7, 30, 90} {
		list = append(list, choice{itoa(n), p.Text.Duration(time.Duration(n) * 24 * time.Hour), n == p.Days})
	}
	return list
}

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

// Filtered says whether anything is filtered by.
func (p *Activity) Filtered() bool {
	return slices.ContainsFunc([]string{"kind", "by", "room"}, func(k string) bool { return p.Asked(k) != "" })
}

// Who is who did what an entry tells; nil for Snug, and for what Discord tells of nobody. Of an invite that somebody
// follows, By made it.
func (p *Activity) Who(e audit.Entry) *access.Standing {
	who := e.By
	if e.Kind == audit.OnTheWay || e.Kind == audit.GuestAdmitted && e.Detail == audit.ByLink {
		who = e.Target
	}
	if who == 0 {
		return nil
	}
	st := p.Members.member(p.Text, who)
	return &st
}

// Happened says an entry in a sentence.
func (p *Activity) Happened(e audit.Entry) template.HTML {
	said := p.Text.Entry(&e, describer{p.Text, p.Places}.table(p.Members.who(p.Text), p.Room))
	return template.HTML(said) //nolint:gosec // table escapes
}

// Room names a room.
func (p *Activity) Room(id snowflake.ID) string { return cmp.Or(p.Rooms[id], p.Text.Say("name.room")) }

// PeopleChoices are the people who can be filtered by.
func (p *Activity) PeopleChoices() []choice {
	return p.choices("by", func(e audit.Entry) []snowflake.ID { return []snowflake.ID{e.By, e.Target} },
		func(id snowflake.ID) string { return p.Members.member(p.Text, id).DisplayName })
}

// RoomChoices are the rooms that can be filtered by.
func (p *Activity) RoomChoices() []choice {
	return p.choices("room", func(e audit.Entry) []snowflake.ID { return []snowflake.ID{e.RoomID} }, p.Room)
}

// mostChoices is how many people or rooms a menu of the filter has.
const mostChoices = 40

// choices gives a menu of the filter: who or what recent entries tell of, by name, and what is chosen.
func (p *Activity) choices(
	field string, of func(audit.Entry) []snowflake.ID, name func(snowflake.ID) string,
) (list []choice) {
	var ids []snowflake.ID
	if id, err := snowflake.Parse(strings.TrimSpace(p.Asked(field))); err == nil {
		ids = append(ids, id)
	}
	for _, e := range p.Recent {
		ids = append(ids, of(e)...)
	}
	seen := map[snowflake.ID]bool{0: true}
	for _, id := range ids {
		if seen[id] || len(list) == mostChoices {
			continue
		}
		seen[id] = true
		list = append(list, choice{id.String(), name(id), id.String() == strings.TrimSpace(p.Asked(field))})
	}
	slices.SortStableFunc(list, func(a, b choice) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return list
}

// Picture is a chart with its words and numbers.
type Picture struct {
	Name  string
	Title string
	Sum   string // what it comes to, in words
	SVG   template.HTML
	Head  string // of the labels' column
	Rows  [][2]string
}

// Charts draws what of the report is not empty.
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
		{name: "opened", labels: days, values: opened, sum: r.Opened},
		{name: "peak", labels: days, values: peak, sum: r.Peak},
		{
			name: "hours", labels: days, values: hours, tell: tenth,
			said: p.Text.Duration(time.Duration(r.Minutes) * time.Minute),
		},
		{name: "busy", labels: clock, values: busy, sum: busiest(r.Hours), tell: tenth},
		{name: "fill", labels: steps, values: fills, sum: total(r.Fills)},
		{name: "reason", labels: reasons, values: ended, sum: r.Closed, flat: true},
	})
}

// drawing is a chart before it is drawn; its words are stat.{name}, stat.{name}.sum and stat.{name}.head.
type drawing struct {
	name   string
	labels []string
	values []float64
	sum    int
	said   string // instead of stat.{name}.sum
	tell   func(float64) string
	flat   bool
}

func (p *Activity) draw(list []drawing) ([]Picture, error) {
	var out []Picture
	for _, d := range list {
		if slices.Max(d.values) == 0 {
			continue
		}
		tell := d.tell
		if tell == nil {
			tell = func(v float64) string { return strconv.FormatFloat(v, 'f', 0, 64) }
		}
		pic := Picture{
			Name: d.name, Title: p.Text.Say("stat." + d.name), Sum: d.said,
			Head: p.Text.Say("stat." + d.name + ".head"),
		}
		if pic.Sum == "" {
			pic.Sum = p.Text.Say("stat."+d.name+".sum", "Count", d.sum)
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

func (*Activity) name() string { return "admin-activity" }
