package text

import (
	"fmt"
	"regexp"
	"strings"
)

// plain is a message with one form, split at its placeholders: text, name, text, name, …, text. A page says hundreds of
// them, so they don't go through go-i18n, which chooses plural forms and executes a template each time.
type plain []string

var placeholder = regexp.MustCompile(`\{\{\.(\w+)\}\}`)

// plainOf splits a message with one form.
func (t Texts) plainOf(id, text string) plain {
	if p, ok := t.split.Load(id); ok {
		return p.(plain) //nolint:forcetypeassert // nothing else is stored
	}
	var p plain
	at := 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(text, -1) {
		p = append(p, text[at:m[0]], text[m[2]:m[3]])
		at = m[1]
	}
	p = append(p, text[at:])
	t.split.Store(id, p)
	return p
}

// fill is Say for a message with one form. A missing value shows as one, as in a template.
func (t Texts) fill(id, text string, pairs []any) string {
	p := t.plainOf(id, text)
	if len(p) == 1 {
		return text
	}
	var b strings.Builder
	for i, s := range p {
		if i%2 == 1 {
			s = valueOf(s, pairs)
		}
		b.WriteString(s)
	}
	return b.String()
}

// valueOf gives what a placeholder stands for. The last of several pairs counts.
func valueOf(name string, pairs []any) string {
	for i := len(pairs)/2*2 - 2; i >= 0; i -= 2 {
		if pairs[i] != name {
			continue
		}
		if s, ok := pairs[i+1].(string); ok {
			return s
		}
		if pairs[i+1] != nil {
			return fmt.Sprint(pairs[i+1])
		}
		break
	}
	return "<no value>"
}
