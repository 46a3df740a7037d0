package view

import (
	"regexp"
	"strings"
	"text/template/parse"
)

// breaks are line breaks with the indentation around them.
var breaks = regexp.MustCompile(`[ \t]*\n\s*`)

// join takes the line breaks out of a template, and the indentation after
// them, so that templates can be indented by their structure without a page
// changing or growing by it. The rule is JSX's: a break between two words or
// within a tag is a space; one beside a tag or an action is nothing, and where
// a space has to be there it is written {{" "}}. Within <pre> and the like
// every character stays.
func join(n parse.Node) { (&joiner{}).node(n) }

// joiner knows where in the HTML a template's text is.
type joiner struct {
	tag   string // the name of the tag that the text is in, or ""
	quote byte   // of the attribute's value that the text is in, or 0
	raw   string // the element whose content stays as it is, or ""
}

func (j *joiner) node(n parse.Node) {
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, c := range n.Nodes {
			j.node(c)
		}
	case *parse.TextNode:
		n.Text = []byte(j.text(string(n.Text)))
	case *parse.IfNode:
		j.branches(n.List, n.ElseList)
	case *parse.RangeNode:
		j.branches(n.List, n.ElseList)
	case *parse.WithNode:
		j.branches(n.List, n.ElseList)
	}
}

// branches begin where the other begins; html/template sees to it that they end alike.
func (j *joiner) branches(list, other *parse.ListNode) {
	begin := *j
	j.node(list)
	end := *j
	*j = begin
	j.node(other)
	*j = end
}

func (j *joiner) text(s string) string {
	var b strings.Builder
	at := 0
	for _, m := range breaks.FindAllStringIndex(s, -1) {
		b.WriteString(s[at:m[0]])
		j.read(s[at:m[0]])
		switch at = m[1]; {
		case j.raw != "" && j.tag == "":
			b.WriteString(s[m[0]:m[1]])
		case j.tag != "", m[0] > 0 && s[m[0]-1] != '>' && m[1] < len(s) && s[m[1]] != '<':
			b.WriteByte(' ')
		}
	}
	b.WriteString(s[at:])
	j.read(s[at:])
	return b.String()
}

var (
	tagStart = regexp.MustCompile(`^<(/?[a-zA-Z!][\w-]*)`)
	rawNames = map[string]bool{"pre": true, "textarea": true, "script": true, "style": true}
)

// read follows a piece of HTML into tags and out of them.
func (j *joiner) read(s string) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case j.tag == "" && c != '<': // no tag begins here; the regular expression would take long to say so
		case j.tag == "":
			if m := tagStart.FindStringSubmatch(s[i:]); m != nil &&
				(j.raw == "" || strings.EqualFold(m[1], "/"+j.raw)) {
				j.tag, j.raw = strings.ToLower(m[1]), ""
				i += len(m[0]) - 1
			}
		case j.quote != 0:
			if c == j.quote {
				j.quote = 0
			}
		case c == '"' || c == '\'':
			j.quote = c
		case c == '>':
			if rawNames[j.tag] {
				j.raw = j.tag
			}
			j.tag = ""
		}
	}
}
