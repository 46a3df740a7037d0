package view

import (
	"net/url"
	"regexp"
	"strings"
)

// LegalKind is which of the two pages it is.
type LegalKind string

// The pages.
const (
	LegalPrivacy LegalKind = "privacy"
	LegalTerms   LegalKind = "terms"
)

// Host is who runs this Snug.
type Host struct {
	Name    string // "" for untold
	Contact string // a mail address, a web address or words; "" for untold
	// Privacy and Terms stand in place of what the pages say themselves; "" keeps that.
	Privacy, Terms string
}

// Legal is the page /privacy or /terms.
type Legal struct {
	Layout
	Kind LegalKind
	Host Host
	// IdleDays and Days are how long somebody stays signed in: without a visit, and in all.
	IdleDays, Days int
}

func (*Legal) name() string { return "legal" }

// ContactURL is where a click on the contact leads; "" if nowhere.
func (p *Legal) ContactURL() string { return linkOf(p.Host.Contact) }

var mailAddress = regexp.MustCompile(`^[^\s@<>"]+@[^\s@<>"]+\.[^\s@<>"]+$`)

// linkOf gives the address that a word is, for a link; "" if it is none.
func linkOf(word string) string {
	if mailAddress.MatchString(word) {
		return "mailto:" + word
	}
	if u, err := url.Parse(word); err == nil && u.Scheme == "https" && u.Host != "" {
		return word
	}
	return ""
}

// Own is what the host says in place of Snug's text; empty for nothing.
func (p *Legal) Own() []Block {
	if p.Kind == LegalTerms {
		return Blocks(p.Host.Terms)
	}
	return Blocks(p.Host.Privacy)
}

// Block is a paragraph, heading or list of a text that somebody wrote in a file.
type Block struct {
	Heading string
	Items   [][]Word
	Words   []Word
}

// Word is a piece of a line: text, or with URL a link.
type Word struct{ Text, URL string }

// Blocks reads a text as people write one in a file: blank lines part paragraphs, a line that begins with #
// is a heading, lines that begin with - make a list, and web and mail addresses become links. There is no
// markup beside that.
func Blocks(text string) (all []Block) {
	for _, part := range regexp.MustCompile(`\n[ \t]*\n`).Split(strings.ReplaceAll(text, "\r\n", "\n"), -1) {
		var b Block
		end := func() {
			if b.Words != nil || b.Items != nil {
				all = append(all, b)
			}
			b = Block{}
		}
		for line := range strings.SplitSeq(strings.TrimSpace(part), "\n") {
			line = strings.TrimSpace(line)
			switch item, listed := strings.CutPrefix(line, "- "); {
			case line == "":
			case strings.HasPrefix(line, "#"):
				end()
				all = append(all, Block{Heading: strings.TrimSpace(strings.TrimLeft(line, "#"))})
			case listed:
				if b.Words != nil {
					end()
				}
				b.Items = append(b.Items, linked(item))
			default:
				if b.Items != nil {
					end()
				}
				b.Words = append(b.Words, linked(line+" ")...)
			}
		}
		end()
	}
	return all
}

// linked takes the addresses out of a line.
func linked(line string) (words []Word) {
	text := ""
	for w := range strings.SplitAfterSeq(line, " ") {
		bare := strings.Trim(w, " .,;:!?()<>\"")
		to := linkOf(bare)
		if to == "" {
			text += w
			continue
		}
		before, after, _ := strings.Cut(w, bare)
		words = append(words, Word{Text: text + before}, Word{bare, to})
		text = after
	}
	if text != "" {
		words = append(words, Word{Text: text})
	}
	return words
}
