package text

import (
	"strings"
	"testing"

	"github.com/nicksnyder/go-i18n/v2/i18n"
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
		for id := range texts.forms {
			pairs, data := []any{}, map[string]any{}
			for _, m := range placeholder.FindAllStringSubmatch(texts.forms[id]["other"], -1) {
				v := any("<" + strings.ToLower(m[1]) + ">")
				if m[1] == "Count" {
					v = 3
				}
				pairs, data[m[1]] = append(pairs, m[1], v), v
			}
			got, ok := texts.fill(id, pairs)
			if !ok {
				continue
			}
			n++
			want, err := texts.say.Localize(&i18n.LocalizeConfig{MessageID: id, TemplateData: data})
			if err != nil || got != want {
				t.Errorf("%s %s: %q, want %q (%v)", texts.l.Code, id, got, want, err)
			}
			if len(pairs) > 0 {
				if s, ok := texts.fill(id, nil); ok {
					t.Errorf("%s %s without its values: %q", texts.l.Code, id, s)
				}
			}
		}
	}
	if n < 6000 {
		t.Errorf("only %d messages are plain", n)
	}
}
