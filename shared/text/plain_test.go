package text

import (
	"strings"
	"testing"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// TestPlainMessages: every message that doesn't go through go-i18n says what it would say through it.
func TestPlainMessages(t *testing.T) {
	t.Parallel()
	c, err := New()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, texts := range c.All() {
		bundle := i18n.NewBundle(language.English)
		tag := language.MustParse(texts.l.Code)
		library := i18n.NewLocalizer(bundle, texts.l.Code)
		for id, text := range texts.own.plain {
			if err := bundle.AddMessages(tag, &i18n.Message{ID: id, Other: text}); err != nil {
				t.Fatal(err)
			}
			pairs, data := []any{}, map[string]any{}
			for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
				v := any("<" + strings.ToLower(m[1]) + ">")
				if m[1] == "Count" {
					v = 3
				}
				pairs, data[m[1]] = append(pairs, m[1], v), v
			}
			n++
			for _, with := range []struct {
				pairs []any
				data  map[string]any
			}{{pairs, data}, {nil, map[string]any{}}} {
				want, err := library.Localize(&i18n.LocalizeConfig{MessageID: id, TemplateData: with.data})
				if got := texts.Say(id, with.pairs...); err != nil || got != want {
					t.Errorf("%s %s with %v: %q, want %q (%v)", texts.l.Code, id, with.pairs, got, want, err)
				}
			}
		}
	}
	if n < 6000 {
		t.Errorf("only %d messages are plain", n)
	}
}
