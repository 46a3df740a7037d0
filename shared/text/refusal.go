package text

import (
	"fmt"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/nicksnyder/go-i18n/v2/i18n/template"

	"snug/shared/errs"
)

// Refusal says why something was refused or failed, and the next step: the
// part of err that people may see. The English format of an error is the key
// of its translations, which take the same arguments by number (%[1]s). What
// has no translation is said in English.
func (t Texts) Refusal(err error) string {
	e := errs.Public(err)
	format := t.format(e.Format, e.Args)
	switch {
	case format != "":
	case len(e.Args) == 0 || t.plural == nil:
		return e.Message
	default:
		format = e.Format
	}
	args := make([]any, len(e.Args))
	for i, v := range e.Args {
		switch v := v.(type) {
		case errs.Term:
			args[i] = t.Term(v)
		case errs.Label:
			args[i] = t.Say(string(v))
		case time.Duration:
			args[i] = t.Duration(v)
		default:
			args[i] = v
		}
	}
	return fmt.Sprintf(format, args...)
}

// Term gives words of ours that stand in another sentence.
func (t Texts) Term(w errs.Term) string {
	if f := t.format(string(w), nil); f != "" {
		return f
	}
	return string(w)
}

// format finds the translation of an English format, "" if there is none. The
// first whole number among the arguments decides the plural form.
func (t Texts) format(english string, args []any) string {
	if english == "" {
		return ""
	}
	t, ok := t.whoHas(english)
	if !ok {
		return ""
	}
	if text, ok := t.own.plain[english]; ok {
		return text
	}
	config := &i18n.LocalizeConfig{MessageID: english, TemplateParser: template.IdentityParser{}}
	for _, v := range args {
		if n, ok := whole(v); ok {
			config.PluralCount = n
			break
		}
	}
	s, _ := t.plural.Localize(config)
	return s
}

func whole(v any) (int, bool) {
	switch n := v.(type) {
	case int:
		return n, true
	case int64:
		return int(n), true
	}
	return 0, false
}

// Duration says a length of time, to the second and in at most two units: "1 hour 30 minutes".
func (t Texts) Duration(d time.Duration) string {
	if d = d.Round(time.Second); d < 0 {
		d = -d
	}
	var parts []string
	for _, u := range []struct {
		id string
		d  time.Duration
	}{
		{"time.days", 24 * time.Hour}, {"time.hours", time.Hour}, {"time.minutes", time.Minute},
		{"time.seconds", time.Second},
	} {
		if n := int(d / u.d); n > 0 {
			parts = append(parts, t.Say(u.id, "Count", n))
			d %= u.d
		} else if len(parts) > 0 {
			break
		}
		if len(parts) == 2 {
			break
		}
	}
	switch len(parts) {
	case 0:
		return t.Say("time.seconds", "Count", 0)
	case 1:
		return parts[0]
	}
	return t.Say("time.two", "First", parts[0], "Second", parts[1])
}
