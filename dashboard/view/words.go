package view

import (
	"encoding/json"
	"html/template"
	"math"
	"strings"
	"sync"
	"time"

	"snug/shared/errs"
	"snug/shared/room"
	"snug/shared/text"
)

// words says things in one language, for templates. Safe for concurrent use.
type words struct {
	text.Texts
	scripts *sync.Map // prefixes → json.RawMessage: what a page's scripts say never changes
}

func wordsOf(t text.Texts) words { return words{t, &sync.Map{}} }

func (w words) say(id string, pairs ...any) string { return w.Say(id, pairs...) }

func (w words) html(id string, pairs ...any) template.HTML { return w.HTML(id, pairs...) }

// under gives the messages that a page's scripts say, by the beginnings of their ids.
func (w words) under(prefixes ...string) (json.RawMessage, error) {
	key := strings.Join(prefixes, " ")
	if b, ok := w.scripts.Load(key); ok {
		return b.(json.RawMessage), nil //nolint:forcetypeassert // nothing else is stored
	}
	out := map[string]any{}
	for _, p := range prefixes {
		for id, forms := range w.Under(p) {
			if one, only := forms["other"]; only && len(forms) == 1 {
				out[id] = one
			} else {
				out[id] = forms
			}
		}
	}
	b, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	w.scripts.Store(key, json.RawMessage(b))
	return b, nil
}

// privacy says who sees and enters a room.
func (w words) privacy(p room.Privacy) string {
	var list []string
	for _, word := range p.Words() {
		list = append(list, w.Say("privacy."+word))
	}
	return strings.Join(list, ", ")
}

// why says what went wrong; "" for nothing.
func (w words) why(err *errs.Error) string {
	if err == nil {
		return ""
	}
	return w.Refusal(err)
}

// ago tells how long since, as in "42 min ago".
func (w words) ago(now, t time.Time) string {
	if d := now.Sub(t); d >= time.Minute {
		return w.Say("span.ago", "Span", w.span(d, false))
	}
	return w.Say("span.now")
}

// until tells how long until, as in "23 h 18 min" or "24 s".
func (w words) until(now, t time.Time) string { return w.span(max(0, t.Sub(now)), true) }

// span tells a length of time in its one or two largest units, rounded down; with seconds only below a minute.
func (w words) span(d time.Duration, fine bool) string {
	days, hours, minutes := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60
	join := func(a int, unitA string, b int, unitB string) string {
		s := w.Say("span."+unitA, "Count", a)
		if fine && b > 0 {
			s += " " + w.Say("span."+unitB, "Count", b)
		}
		return s
	}
	switch {
	case days > 0:
		return join(days, "days", hours, "h")
	case hours > 0:
		return join(hours, "h", minutes, "min")
	case minutes > 0:
		return join(minutes, "min", 0, "")
	}
	return w.Say("span.s", "Count", int(math.Ceil(d.Seconds())))
}

// agoTime is ago as an element that scripts keep right.
func (w words) agoTime(now, t time.Time) template.HTML {
	return timeElement(t, "data-ago", w.ago(now, t))
}

// sinceTime tells how long a room has been open.
func (w words) sinceTime(now, t time.Time) template.HTML {
	if t.IsZero() {
		return `<time data-since></time>`
	}
	return timeElement(t, "data-since", w.Say("room-card.since", "Span", w.span(max(0, now.Sub(t)), false)))
}

// untilTime is until as an element that scripts keep right.
func (w words) untilTime(now, t time.Time) template.HTML {
	return timeElement(t, "data-until", w.until(now, t))
}

// clockTime tells a time of day, which scripts tell in the reader's zone.
func clockTime(t time.Time) template.HTML {
	return timeElement(t, "data-clock", t.UTC().Format("15:04"))
}

// atTime tells a moment exactly, which scripts tell in the reader's zone and language.
func atTime(t time.Time) template.HTML {
	return timeElement(t, "data-at", t.UTC().Format("2006-01-02 15:04 UTC"))
}

func timeElement(t time.Time, mark, says string) template.HTML {
	return template.HTML(`<time datetime="` + t.UTC().Format(time.RFC3339) + `" ` + mark + `>` +
		template.HTMLEscapeString(says) + `</time>`) //nolint:gosec // numbers and escaped text
}
