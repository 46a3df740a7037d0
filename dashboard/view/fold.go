package view

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"text/template/parse"
)

// pure are the functions of templates that give the same for the same arguments in one language, beside html/template's
// own, which escape.
var pure = []string{
	"t", "th", "words", "asset", "to", "languages", "print", "eq", "ne", "lt", "gt", "and", "or", "not", "len",
}

// scratch is the template in which folder works out what an action gives.
const scratch = "fold"

// folder replaces what a page says every time by the text itself: most of a page is sentences, addresses and icons that
// depend on nothing but its language. Working them out is most of what a page costs otherwise.
type folder struct {
	page *template.Template
	done map[string]bool // by template
}

// fold folds a page that nothing was executed of. It must have a template named scratch.
func fold(page *template.Template, layout string) error {
	if err := page.ExecuteTemplate(io.Discard, scratch, nil); err != nil {
		return err
	}
	// Executing makes html/template escape the whole page; without data it ends with an error right away.
	if err := page.ExecuteTemplate(io.Discard, layout, nil); isEscaping(err) {
		return err
	}
	f := folder{page: page, done: map[string]bool{}}
	return f.template(layout)
}

// isEscaping says whether a page can't be escaped: it would fail whenever somebody opened it.
func isEscaping(err error) bool {
	var e *template.Error
	return errors.As(err, &e)
}

func (f *folder) template(name string) error {
	t := f.page.Lookup(name)
	if t == nil || t.Tree == nil || f.done[name] { // one that html/template derived stays as it is
		return nil
	}
	f.done[name] = true
	return f.list(t.Tree.Root)
}

func (f *folder) list(lists ...*parse.ListNode) error {
	for _, l := range lists {
		if l == nil {
			continue
		}
		for i, n := range l.Nodes {
			n, err := f.node(n)
			if err != nil {
				return err
			}
			l.Nodes[i] = n
		}
		l.Nodes = joined(l.Nodes)
	}
	return nil
}

func (f *folder) node(n parse.Node) (parse.Node, error) {
	switch n := n.(type) {
	case *parse.ActionNode:
		if constant(n.Pipe) {
			return f.evaluate(n)
		}
	case *parse.IfNode:
		return n, f.list(n.List, n.ElseList)
	case *parse.RangeNode:
		if constant(n.Pipe) && closed(n.List) && n.ElseList == nil {
			return f.evaluate(n)
		}
		return n, f.list(n.List, n.ElseList)
	case *parse.WithNode:
		return n, f.list(n.List, n.ElseList)
	case *parse.TemplateNode:
		if err := f.template(n.Name); err != nil {
			return n, err
		}
		if t := f.page.Lookup(n.Name); t != nil && t.Tree != nil && len(t.Tree.Root.Nodes) == 1 {
			if text, ok := t.Tree.Root.Nodes[0].(*parse.TextNode); ok {
				return text, nil
			}
		}
	}
	return n, nil
}

// evaluate gives what an action writes.
func (f *folder) evaluate(n parse.Node) (parse.Node, error) {
	f.page.Lookup(scratch).Tree.Root.Nodes = []parse.Node{n}
	var b bytes.Buffer
	if err := f.page.ExecuteTemplate(&b, scratch, nil); err != nil {
		return nil, fmt.Errorf("working out %s: %w", n, err)
	}
	return &parse.TextNode{NodeType: parse.NodeText, Pos: n.Position(), Text: b.Bytes()}, nil
}

// constant says whether something gives the same whatever a page is about.
func constant(n parse.Node) bool {
	switch n := n.(type) {
	case *parse.PipeNode:
		return len(n.Decl) == 0 && !slices.ContainsFunc(n.Cmds, func(c *parse.CommandNode) bool { return !constant(c) })
	case *parse.CommandNode:
		return !slices.ContainsFunc(n.Args, func(a parse.Node) bool { return !constant(a) })
	case *parse.ChainNode:
		return constant(n.Node)
	case *parse.IdentifierNode:
		return slices.Contains(pure, n.Ident) || strings.HasPrefix(n.Ident, "_html_template_")
	case *parse.StringNode, *parse.NumberNode, *parse.BoolNode:
		return true
	}
	return false
}

// closed says whether what a range does depends on nothing but what it ranges over.
func closed(n parse.Node) bool {
	all := func(nodes []parse.Node) bool {
		return !slices.ContainsFunc(nodes, func(n parse.Node) bool { return !closed(n) })
	}
	switch n := n.(type) {
	case *parse.ListNode:
		return n == nil || all(n.Nodes)
	case *parse.ActionNode:
		return closed(n.Pipe)
	case *parse.IfNode:
		return closed(n.Pipe) && closed(n.List) && closed(n.ElseList)
	case *parse.PipeNode:
		return len(n.Decl) == 0 && !slices.ContainsFunc(n.Cmds, func(c *parse.CommandNode) bool { return !all(c.Args) })
	case *parse.TextNode, *parse.DotNode, *parse.FieldNode:
		return true
	}
	return constant(n)
}

// joined makes one text of those beside one another.
func joined(nodes []parse.Node) []parse.Node {
	var out []parse.Node
	for _, n := range nodes {
		text, ok := n.(*parse.TextNode)
		if last := len(out) - 1; ok && last >= 0 {
			if before, ok := out[last].(*parse.TextNode); ok {
				out[last] = &parse.TextNode{
					NodeType: parse.NodeText, Pos: before.Pos, Text: slices.Concat(before.Text, text.Text),
				}
				continue
			}
		}
		out = append(out, n)
	}
	return out
}
