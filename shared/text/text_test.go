package text_test

import (
	"errors"
	"html/template"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"snug/shared/errs"
	"snug/shared/testkit"
	"snug/shared/text"
)

func TestChoosingALanguage(t *testing.T) {
	c := testkit.Catalog(t)
	for _, x := range []struct{ chosen, accept, want string }{
		{"", "", "en"},
		{"", "en-GB,en;q=0.9", "en"},
		{"", "de-AT,de;q=0.9,en;q=0.8", "de"},
		{"de", "en-US", "de"},
		{"nonsense", "de", "de"},
		{"", "zh-CN, de;q=0.5", "de"},
		{"", "zh-CN", "en"},
		{"", ";;;", "en"},
		{"../../etc", strings.Repeat("x", 5000), "en"},
	} {
		if got := c.Choose(x.chosen, x.accept).Language().Code; got != x.want {
			t.Errorf("chosen %q, browser %q: %s, want %s", x.chosen, x.accept, got, x.want)
		}
	}
	for _, l := range c.Languages() {
		for _, locale := range append(l.Locales, l.Code) {
			if got := c.For(locale).Language(); got.Code != l.Code {
				t.Errorf("Discord's %s is read in %s, want %s", locale, got.Code, l.Code)
			}
		}
	}
}

func TestSaying(t *testing.T) {
	c := testkit.Catalog(t)
	en, de := c.For("en-US"), c.For("de")
	for got, want := range map[string]string{
		en.Say("time.hours", "Count", 1):                "1 hour",
		en.Say("time.hours", "Count", 2):                "2 hours",
		de.Say("time.hours", "Count", 1):                "1 Stunde",
		de.Say("time.hours", "Count", 0):                "0 Stunden",
		en.List(nil):                                    "",
		en.List([]string{"a"}):                          "a",
		en.List([]string{"a", "b", "c"}):                "a, b and c",
		de.List([]string{"a", "b"}):                     "a und b",
		en.Duration(90 * time.Minute):                   "1 hour 30 minutes",
		de.Duration(24*time.Hour + 3*time.Second):       "1 Tag",
		en.Duration(0):                                  "0 seconds",
		en.Duration(-time.Second):                       "1 second",
		en.Say("there.is.no.such"):                      "there.is.no.such",
		(text.Texts{}).Say("x"):                         "x",
		en.Say("list.last", "Most", "<b>", "Last", "&"): "<b> and &",
		string(en.HTML("list.last", "Most", "<b>", "Last", template.HTML("<i>x</i>"))): "&lt;b&gt; and <i>x</i>",
		string(en.HTML("time.hours", "Count", 1)):                                      "1 hour",
	} {
		if got != want {
			t.Errorf("said %q, want %q", got, want)
		}
	}
	if u := de.Under("time."); u["time.hours"]["one"] != "{{.Count}} Stunde" || u["time.hours"]["other"] == "" ||
		u["list.last"] != nil {
		t.Errorf("for scripts: %v", u)
	}
}

func TestRefusals(t *testing.T) {
	c := testkit.Catalog(t)
	en, de := c.For("en"), c.For("de")
	full := func(n int) error {
		return errs.E(errs.RoomFull,
			"“%s” is full: all %d seats are taken. Join the waiting list, and Snug will let you know when one is free.",
			"50% {{.X}} <b>", n)
	}
	for _, x := range []struct {
		t    text.Texts
		err  error
		want string
	}{
		{
			en, full(1),
			"“50% {{.X}} <b>” is full: its one seat is taken. " +
				"Join the waiting list, and Snug will let you know when it's free.",
		},
		{
			en, full(4),
			"“50% {{.X}} <b>” is full: all 4 seats are taken. " +
				"Join the waiting list, and Snug will let you know when one is free.",
		},
		{
			de, full(4),
			"„50% {{.X}} <b>“ ist voll: Alle 4 Plätze sind besetzt. " +
				"Setz dich auf die Warteliste, dann sagt Snug dir Bescheid, wenn einer frei ist.",
		},
		{
			de, errs.E(errs.RateLimited, "Discord asked Snug to slow down. Try again in %s.", 2*time.Minute),
			"Discord bremst Snug gerade. Versuch es in 2 Minuten noch einmal.",
		},
		{de, errs.E(errs.Invalid, "Nobody translated this: %d.", 3), "Nobody translated this: 3."},
		{
			en, errs.Field("x", "“%s” must be between %s and %s.", errs.Label("setting.log_channel_id"), time.Minute,
				time.Hour),
			"“Log channel” must be between 1 minute and 1 hour.",
		},
		{
			de, errs.Field("x", "“%s” must be between %d and %d.", errs.Label("setting.seats"), 1, 99),
			"„Plätze“ muss zwischen 1 und 99 liegen.",
		},
		{de, errors.New("secret"), "Bei Snug ist etwas schiefgegangen. Versuch es gleich noch einmal."},
	} {
		if got := x.t.Refusal(x.err); got != x.want {
			t.Errorf("%s: %q\nwant %q", x.t.Language().Code, got, x.want)
		}
	}
}

var placeholder = regexp.MustCompile(`\{\{\.\w+\}\}|</?\w+[^>]*>|%(\.\d+)?\[\d+\]\w|%(\.\d+)?[sdqv]`)

// marks are the placeholders and tags of a text, in their order in the alphabet.
func marks(s string) []string {
	all := placeholder.FindAllString(s, -1)
	slices.Sort(all)
	return slices.Compact(all)
}

// TestMessagesAgree keeps the languages in step: the same ids, the same placeholders, the same markup.
func TestMessagesAgree(t *testing.T) {
	c := testkit.Catalog(t)
	en := c.For("en").Under("")
	spoken := 0
	for _, l := range c.All() {
		code := l.Language().Code
		own := 0
		for id, forms := range l.Under("") {
			if !l.Has(id) {
				if !refusal(id) {
					t.Errorf("%s has no %q", code, id)
				}
				continue
			}
			own++
			if forms["other"] == "" {
				t.Errorf("%s %q has no form \"other\"", code, id)
			}
			var want []string
			if refusal(id) { // its key says what is filled in
				want = numbered(id)
			} else if en[id] == nil {
				t.Errorf("%s has %q, which English has not", code, id)
				continue
			} else {
				want = marks(en[id]["other"])
			}
			for form, s := range forms {
				got := marks(s)
				if form == "one" { // "one" may leave its number out
					got, want := without(got), without(want)
					if !slices.Equal(got, want) && !subset(got, want) {
						t.Errorf("%s %q (one) has %v, want %v", code, id, got, want)
					}
					continue
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s %q (%s) has %v, want %v", code, id, form, got, want)
				}
			}
		}
		if own > 0 {
			spoken++
		}
	}
	if spoken < 6 {
		t.Errorf("%d languages are spoken", spoken)
	}
}

// refusal tells the key of a refusal, a sentence or a part of one, from an id.
func refusal(id string) bool {
	return strings.ContainsAny(id, " %") || !strings.Contains(id, ".") && strings.ToUpper(id[:1]) == id[:1]
}

func without(list []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == "{{.Count}}" })
}

func subset(a, b []string) bool {
	return !slices.ContainsFunc(a, func(s string) bool { return !slices.Contains(b, s) })
}

// numbered gives the placeholders that translations of a format have: %s, %d become %[1]s, %[2]d.
func numbered(format string) []string {
	n := 0
	s := regexp.MustCompile(`%(\.\d+)?[sdqv]`).ReplaceAllStringFunc(format, func(verb string) string {
		n++
		last := len(verb) - 1
		return verb[:last] + "[" + string(rune('0'+n)) + "]" + verb[last:]
	})
	return marks(s)
}
