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

// plainOf splits a message of the language itself; nil for one with plural forms, and for none.
func (t Texts) plainOf(id string) plain {
	if p, ok := t.plain.Load(id); ok {
		return p.(plain) //nolint:forcetypeassert // nothing else is stored
	}
	var p plain
	if forms := t.forms[id]; len(forms) == 1 && forms["other"] != "" {
		text, at := forms["other"], 0
		for _, m := range placeholder.FindAllStringSubmatchIndex(text, -1) {
			p = append(p, text[at:m[0]], text[m[2]:m[3]])
			at = m[1]
		}
		p = append(p, text[at:])
	} else if forms == nil {
		return nil // whatever is asked for must not fill the memory
	}
	t.plain.Store(id, p)
	return p
}

// fill is Say for a plain message; false for others, and where a value is missing.
func (t Texts) fill(id string, pairs []any) (string, bool) {
	if t.plain == nil {
		return "", false
	}
	p := t.plainOf(id)
	switch len(p) {
	case 0:
		return "", false
	case 1:
		return p[0], true
	}
	var b strings.Builder
	for i, s := range p {
		if i%2 == 0 {
			b.WriteString(s)
			continue
		}
		v, ok := valueOf(s, pairs)
		if !ok {
			return "", false
		}
		b.WriteString(v)
	}
	return b.String(), true
}

// valueOf gives what a placeholder stands for. The last of several pairs counts.
func valueOf(name string, pairs []any) (string, bool) {
	for i := len(pairs)/2*2 - 2; i >= 0; i -= 2 {
		if pairs[i] != name {
			continue
		}
		if s, ok := pairs[i+1].(string); ok {
			return s, true
		}
		return fmt.Sprint(pairs[i+1]), pairs[i+1] != nil
	}
	return "", false
}
