package view

import (
	"regexp"
	"strings"
)

// Reference is the page at /api: what programs can ask, in English.
type Reference struct {
	Layout
	Base   string // this Snug's address
	Groups []ReferenceGroup
	Codes  []ReferenceCode
}

// ReferenceCode is a code of a failure.
type ReferenceCode struct {
	Code   string
	Means  string
	Status int // that it comes with
}

// ReferenceGroup are the operations about one thing.
type ReferenceGroup struct {
	Name       string
	Operations []ReferenceOperation
}

// ReferenceOperation is one operation.
type ReferenceOperation struct {
	ID, Method, Path, Summary, Description string
	Scope                                  string // that a token needs; "" for none
	Who                                    string // may, if not everybody with that scope; a sentence
	Status                                 string // of success
	Inputs, Outputs                        []ReferenceField
}

// ReferenceField is one input or output.
type ReferenceField struct {
	Name, In, Kind, Text string
	Required             bool
}

func (*Reference) name() string { return "api" }

// Span is a piece of a text: plain, a link, or code.
type Span struct {
	Text, URL string
	Code      bool
}

// mark is what a description is made of beside plain text: `code` and [links](https://…).
var mark = regexp.MustCompile("`([^`]+)`|\\[([^\\]]+)\\]\\((https://[^)]+)\\)")

// Paragraphs gives the description in pieces.
func (o ReferenceOperation) Paragraphs() (out [][]Span) {
	for text := range strings.SplitSeq(o.Description, "\n\n") {
		var spans []Span
		at := 0
		for _, m := range mark.FindAllStringSubmatchIndex(text, -1) {
			spans = append(spans, Span{Text: text[at:m[0]]})
			if m[2] >= 0 {
				spans = append(spans, Span{Text: text[m[2]:m[3]], Code: true})
			} else {
				spans = append(spans, Span{Text: text[m[4]:m[5]], URL: text[m[6]:m[7]]})
			}
			at = m[1]
		}
		if spans = append(spans, Span{Text: text[at:]}); text != "" {
			out = append(out, spans)
		}
	}
	return out
}
