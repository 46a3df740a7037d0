package view

import "text/template/parse"

// called lists the templates that a tree calls by name.
func called(n parse.Node) []string {
	var names []string
	list := func(lists ...*parse.ListNode) {
		for _, l := range lists {
			if l == nil {
				continue
			}
			for _, c := range l.Nodes {
				names = append(names, called(c)...)
			}
		}
	}
	switch n := n.(type) {
	case *parse.ListNode:
		list(n)
	case *parse.TemplateNode:
		names = append(names, n.Name)
	case *parse.IfNode:
		list(n.List, n.ElseList)
	case *parse.RangeNode:
		list(n.List, n.ElseList)
	case *parse.WithNode:
		list(n.List, n.ElseList)
	}
	return names
}
