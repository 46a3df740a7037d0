// Package text gives what people read, in their language: the names and
// descriptions of commands, buttons, answers, refusals, lines of the log
// channel, and the pages.
//
// The sentences are in messages/, one file an area and language, read with
// go-i18n and its plural rules: common (times and lists), commands (names and
// descriptions of commands), answers (what the bot says), pages (what the
// dashboard says) and refusals. English is complete and the fallback of every
// other language; tests keep the others complete too. In a message {{.Room}}
// is a placeholder; a message with plural forms is an object
// {"one": …, "other": …} and Count decides between them:
//
//	"page.seats": {"one": "{{.Count}} seat", "other": "{{.Count}} seats"}
//
//	t.Say("page.seats", "Count", n)
//
// Refusals have no ids: the English format of an error (package errs) is the
// key of its translations, so that whoever writes a refusal writes it once.
//
// Who shows a page asks Catalog.Choose with what the person chose and what
// their browser sends; the bot asks Catalog.For with Discord's locale. A
// Catalog never changes after New; it and the Texts it gives are safe for
// concurrent use. The package does no I/O beyond reading what is built into
// the program.
package text

import (
	"embed"
	"fmt"
	"html/template"
	"maps"
	"path"
	"strings"
	"sync"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"

	"snug/shared/schema"
)

//go:embed messages/*.json
var files embed.FS

// Language is one that Snug speaks.
type Language = schema.SpokenLanguage

// LanguageName returns what a language is called in itself, by its code; the code if Snug does not speak it.
func LanguageName(code string) string {
	for _, l := range schema.Languages() {
		if l.Code == code {
			return l.Name
		}
	}
	return code
}

// Catalog holds every message in every language.
type Catalog struct {
	matcher language.Matcher
	texts   []Texts // in the order of schema.Languages
}

// New returns the messages that are built in, which a process reads once. It fails only if one of the files is damaged.
func New() (*Catalog, error) { return builtIn() }

var builtIn = sync.OnceValues(read)

func read() (*Catalog, error) {
	bundle := i18n.NewBundle(language.English)
	c := &Catalog{}
	spoken := map[string]messages{} // by language
	list, err := files.ReadDir("messages")
	if err != nil {
		return nil, fmt.Errorf("text: %w", err)
	}
	for _, f := range list {
		b, err := files.ReadFile(path.Join("messages", f.Name()))
		if err != nil {
			return nil, fmt.Errorf("text: %w", err)
		}
		file, err := i18n.ParseMessageFileBytes(b, f.Name(), nil)
		if err != nil {
			return nil, fmt.Errorf("text: %s: %w", f.Name(), err)
		}
		code := file.Tag.String()
		if _, begun := spoken[code]; !begun {
			spoken[code] = newMessages()
		}
		for _, m := range file.Messages {
			if spoken[code].has(m.ID) {
				return nil, fmt.Errorf("text: %s: %q is in two files", f.Name(), m.ID)
			}
			if !spoken[code].add(m) {
				continue
			}
			if err := bundle.AddMessages(file.Tag, m); err != nil {
				return nil, fmt.Errorf("text: %s: %q: %w", f.Name(), m.ID, err)
			}
		}
	}
	var tags []language.Tag
	for _, l := range schema.Languages() {
		tags = append(tags, language.MustParse(l.Code))
		c.texts = append(c.texts, Texts{
			l: l, own: spoken[l.Code], plural: i18n.NewLocalizer(bundle, l.Code), split: &sync.Map{},
		})
	}
	for i := range c.texts {
		c.texts[i].english = &c.texts[0]
	}
	c.matcher = language.NewMatcher(tags)
	return c, nil
}

// For gives the texts for a Discord locale, a language's code, or what a
// browser sends as Accept-Language. For what Snug does not speak it is English.
func (c *Catalog) For(locale string) Texts {
	for _, t := range c.texts {
		if t.l.Code == locale {
			return t
		}
	}
	tags, _, err := language.ParseAcceptLanguage(locale)
	if err != nil || len(tags) == 0 {
		return c.texts[0]
	}
	_, i, confidence := c.matcher.Match(tags...)
	if confidence == language.No {
		return c.texts[0]
	}
	return c.texts[i]
}

// Choose gives the texts for a page: in the language that the person chose (its
// code, "" for none), else in the one their browser asks for (Accept-Language).
func (c *Catalog) Choose(chosen, accept string) Texts {
	for _, t := range c.texts {
		if t.l.Code == chosen {
			return t
		}
	}
	return c.For(accept)
}

// Languages are those that Snug speaks, English first.
func (c *Catalog) Languages() []Language { return schema.Languages() }

// All gives the texts of every language, English first.
func (c *Catalog) All() []Texts { return append([]Texts(nil), c.texts...) }

// messages are those of one language. Nearly all have one form; what has several is chosen by go-i18n, which takes two
// kilobytes for each.
type messages struct {
	plain map[string]string            // id → text
	forms map[string]map[string]string // id → plural form → text
}

func newMessages() messages {
	return messages{plain: map[string]string{}, forms: map[string]map[string]string{}}
}

// add keeps a message, and says whether it has plural forms.
func (ms messages) add(m *i18n.Message) bool {
	forms := map[string]string{
		"zero": m.Zero, "one": m.One, "two": m.Two, "few": m.Few, "many": m.Many, "other": m.Other,
	}
	maps.DeleteFunc(forms, func(_, text string) bool { return text == "" })
	if len(forms) == 1 && m.Other != "" {
		ms.plain[m.ID] = m.Other
		return false
	}
	ms.forms[m.ID] = forms
	return true
}

func (ms messages) has(id string) bool {
	_, ok := ms.plain[id]
	return ok || ms.forms[id] != nil
}

// Texts says things in one language. Its zero value says nothing; get one from a Catalog.
type Texts struct {
	l       Language
	own     messages        // the language's
	plural  *i18n.Localizer // for messages with plural forms
	split   *sync.Map       // id → plain
	english *Texts
}

// Language is the language of the texts.
func (t Texts) Language() Language { return t.l }

// Has says whether the language itself has a message.
func (t Texts) Has(id string) bool { return t.own.has(id) }

// Say gives a message with its placeholders filled in from pairs of name and
// value: t.Say("room.opened", "Room", name, "Count", seats). Count also decides
// the plural form. A message nobody wrote is its id, so that the mistake is seen and nothing breaks.
func (t Texts) Say(id string, pairs ...any) string {
	t, ok := t.whoHas(id)
	if !ok {
		return id
	}
	if text, ok := t.own.plain[id]; ok {
		return t.fill(id, text, pairs)
	}
	data := make(map[string]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		data[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	config := &i18n.LocalizeConfig{MessageID: id, TemplateData: data}
	if n, ok := data["Count"]; ok {
		config.PluralCount = n
	}
	// An error tells that another plural form stood in: what is said is right enough.
	if s, _ := t.plural.Localize(config); s != "" {
		return s
	}
	return id
}

// whoHas gives the texts that have a message: these, or the English ones.
func (t Texts) whoHas(id string) (Texts, bool) {
	if !t.Has(id) && t.english != nil {
		t = *t.english
	}
	return t, t.Has(id)
}

// HTML is Say for messages that hold markup, such as "Hosted by <b>{{.Name}}</b>":
// the message is trusted, what is filled in is escaped unless it is template.HTML.
func (t Texts) HTML(id string, pairs ...any) template.HTML {
	safe := make([]any, len(pairs))
	for i, v := range pairs {
		switch v := v.(type) {
		case template.HTML:
			safe[i] = string(v)
		case int, int64, uint64: // Count decides the plural form
			safe[i] = v
		default:
			safe[i] = template.HTMLEscapeString(fmt.Sprint(v))
		}
	}
	return template.HTML(t.Say(id, safe...))
}

// Under gives the messages whose id begins with prefix, for a page's scripts:
// id → plural form ("other" where there is one form alone) → text with its
// {{.Placeholders}} as they are. Intl.PluralRules names the forms alike.
func (t Texts) Under(prefix string) map[string]map[string]string {
	out := map[string]map[string]string{}
	for _, from := range []*Texts{t.english, &t} {
		if from == nil {
			continue
		}
		for id, text := range from.own.plain {
			if strings.HasPrefix(id, prefix) {
				out[id] = map[string]string{"other": text}
			}
		}
		for id, forms := range from.own.forms {
			if strings.HasPrefix(id, prefix) {
				out[id] = maps.Clone(forms)
			}
		}
	}
	return out
}

// List joins words as the language does: "a, b and c".
func (t Texts) List(words []string) string {
	switch n := len(words); n {
	case 0:
		return ""
	case 1:
		return words[0]
	default:
		return t.Say("list.last", "Most", strings.Join(words[:n-1], t.Say("list.comma")), "Last", words[n-1])
	}
}
