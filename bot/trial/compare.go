package trial

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Difference is where Discord and the simulator disagree.
type Difference struct {
	Step string
	How  string // in English
}

// compare returns how the outcomes differ from the simulator's.
func compare(have, want []Outcome) (all []Difference) {
	for i := range have {
		h := &have[i]
		j := slices.IndexFunc(want, func(w Outcome) bool { return w.Step == h.Step })
		if h.Untried != "" || j < 0 {
			continue
		}
		w := &want[j]
		report := func(format string, a ...any) {
			all = append(all, Difference{h.Step, fmt.Sprintf(format, a...)})
		}
		if w.Untried != "" {
			report("the Discord simulator could not try it: %s", w.Untried)
			continue
		}
		compareExchanges(h, w, report)
		compareEvents(h, w, report)
		compareMembers(h.Member, w.Member, report)
	}
	return all
}

func compareExchanges(h, w *Outcome, report func(string, ...any)) {
	for i := range max(len(h.Exchanges), len(w.Exchanges)) {
		switch {
		case i >= len(h.Exchanges):
			x := w.Exchanges[i]
			report("%s %s was not made; expected %s", x.Method, x.Route, x.answer())
			return
		case i >= len(w.Exchanges):
			x := h.Exchanges[i]
			report("%s %s was not expected; got %s", x.Method, x.Route, x.answer())
			return
		}
		x, y := &h.Exchanges[i], &w.Exchanges[i]
		name := x.Method + " " + x.Route
		if x.Method != y.Method || x.Route != y.Route {
			report("%s instead of %s %s", name, y.Method, y.Route)
			return
		}
		if x.answer() != y.answer() {
			report("%s: %s, expected %s", name, x.answer(), y.answer())
		}
		if d := limits(x.Limit, y.Limit); d != "" {
			report("%s: %s", name, d)
		}
		if x.Body != nil || y.Body != nil {
			for _, d := range shapes(x.Body, y.Body) {
				report("%s: %s", name, d)
			}
		}
	}
}

func (x *Exchange) answer() string {
	if x.Code != 0 {
		return fmt.Sprintf("%d with code %d", x.Status, x.Code)
	}
	return fmt.Sprint(x.Status)
}

// longWait separates the limit on renames (ten minutes) from other rate limits (seconds).
const longWait = 60

// limits compares what is documented about rate limits: whether headers are present, the scope, and
// whether the wait is long. Discord may change the numbers.
func limits(x, y *Limit) string {
	switch {
	case x == nil && y == nil:
		return ""
	case x == nil || y == nil:
		return fmt.Sprintf("rate-limit headers: %s, expected %s", there(x), there(y))
	case x.Scope != y.Scope:
		return fmt.Sprintf("rate-limit scope %q, expected %q", x.Scope, y.Scope)
	case (x.RetryAfter > longWait) != (y.RetryAfter > longWait):
		return fmt.Sprintf("Retry-After %.0f s, expected %.0f s", x.RetryAfter, y.RetryAfter)
	}
	return ""
}

func there(l *Limit) string {
	if l == nil {
		return "none"
	}
	return "some"
}

func compareEvents(h, w *Outcome, report func(string, ...any)) {
	for i := range max(len(h.Events), len(w.Events)) {
		if i >= len(h.Events) || i >= len(w.Events) || h.Events[i].Name != w.Events[i].Name {
			report("events %s, expected %s", names(h.Events), names(w.Events))
			return
		}
		x, y := &h.Events[i], &w.Events[i]
		if x.Arrived != y.Arrived {
			report("%s %s, expected that it %s", x.Name, came(x.Arrived), came(y.Arrived))
			continue
		}
		for _, d := range shapes(x.Body, y.Body) {
			report("%s: %s", x.Name, d)
		}
	}
}

func came(yes bool) string {
	if yes {
		return "arrives"
	}
	return "does not arrive"
}

func names(list []Event) string {
	var all []string
	for _, e := range list {
		all = append(all, e.Name)
	}
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, ", ")
}

// shapes compares two shapes. A null on either side matches every kind.
func shapes(x, y Shape) (all []string) {
	var more, less []string
	for p := range x {
		if _, ok := y[p]; !ok {
			more = append(more, p)
		}
	}
	for p, want := range y {
		have, ok := x[p]
		switch {
		case !ok:
			less = append(less, p)
		case have != want && have != "null" && want != "null":
			all = append(all, fmt.Sprintf("%s is %s, expected %s", p, have, want))
		}
	}
	slices.Sort(all)
	for _, l := range []struct {
		what string
		list []string
	}{{"also has", more}, {"doesn't have", less}} {
		if len(l.list) > 0 {
			slices.Sort(l.list)
			all = append(all, l.what+" "+strings.Join(outermost(l.list), ", "))
		}
	}
	return all
}

// outermost removes the paths below another one from a sorted list.
func outermost(list []string) (out []string) {
	for _, p := range list {
		if len(out) == 0 || !strings.HasPrefix(p, out[len(out)-1]+"/") {
			out = append(out, p)
		}
	}
	return out
}

// Report prints what matches, what differs and how, and what could not be tried.
func Report(w io.Writer, rec Record, diff []Difference) {
	fits := 0
	for _, o := range rec.Outcomes {
		differs := slices.ContainsFunc(diff, func(d Difference) bool { return d.Step == o.Step })
		switch {
		case o.Untried != "":
			fmt.Fprintf(w, "– %s: could not be tried: %s\n", o.Step, o.Untried)
		case differs:
			fmt.Fprintf(w, "✗ %s: differs\n", o.Step)
			for _, d := range diff {
				if d.Step == o.Step {
					fmt.Fprintf(w, "    %s\n", d.How)
				}
			}
		default:
			fits++
			fmt.Fprintf(w, "✓ %s: fits\n", o.Step)
		}
		if o.Member != nil {
			fmt.Fprintf(w, "    %s\n", o.Member.summary())
		}
		for _, x := range o.Exchanges {
			if x.Code == codeTwoFactor {
				fmt.Fprintf(w, "    The application's owner has no two-factor authentication, which this server "+
					"requires of "+
					"moderators. Enable it in Discord → User Settings → My Account\n")
				break
			}
		}
	}
	fmt.Fprintf(w, "%d of %d fit.\n", fits, len(rec.Outcomes))
}

// codeTwoFactor is Discord's error code for missing two-factor authentication.
const codeTwoFactor = 60003
