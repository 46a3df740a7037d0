package view

import (
	"strings"
	"testing"
	"text/template"
)

// TestJoin: line breaks of a template and their indentation change nothing in its page.
func TestJoin(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"beside tags", "<p>\n  <b>a</b>\n  <i>b</i>\n</p>\n", "<p><b>a</b><i>b</i></p>"},
		{"between words", "<p>\n\tone\n\ttwo\n</p>", "<p>one two</p>"},
		{"beside actions", "<p>\n  {{if true}}\n    yes\n  {{else}}\n    no\n  {{end}}\n</p>", "<p>yes</p>"},
		{"a space that is wanted", "<p>\n  one{{\" \"}}\n  <b>two</b>\n</p>", "<p>one <b>two</b></p>"},
		{"a space on a line", "<p>one <b>two</b> {{3}} four</p>", "<p>one <b>two</b> 3 four</p>"},
		{
			"within a tag", "<a class=\"x\"\n    {{if true}}hidden{{end}}\n    href=\"/\">",
			`<a class="x" hidden href="/">`,
		},
		{"within a value", "<a class=\"x\n  y>z\"\n>", `<a class="x y>z" >`},
		{"as it is in pre", "<pre>\n a\n  <b>b</b>\n</pre>\n<p>\nc</p>", "<pre>\n a\n  <b>b</b>\n</pre><p>c</p>"},
		{"a tag begun before a branch", "<p{{if false}} a>\nb{{else}}\n  c>\nd{{end}}\n</p>", "<p c>d</p>"},
		{"less than", "<p>1 < 2\n3</p>", "<p>1 < 2 3</p>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := template.New("").Parse(c.in)
			if err != nil {
				t.Fatal(err)
			}
			join(p.Root)
			var b strings.Builder
			if err := p.Execute(&b, nil); err != nil {
				t.Fatal(err)
			}
			if b.String() != c.want {
				t.Errorf("%q became %q, want %q", c.in, b.String(), c.want)
			}
		})
	}
}
