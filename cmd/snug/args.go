package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// arranged puts arguments as the parser wants them: `snug help serve` is `snug serve --help`, and a flag's
// value that begins with a dash, as a random secret may, is joined to its flag. A flag where a value should
// be stays what it is, a mistake.
func arranged(m *kong.Application, args []string) []string {
	if len(args) > 0 && args[0] == "help" {
		args = append(slices.Clone(args[1:]), "--help")
	}
	known := map[string]bool{} // whether it takes a value
	for _, node := range append([]*kong.Node{m.Node}, m.Children...) {
		for _, f := range node.Flags {
			known["--"+f.Name] = !f.IsBool() && !f.IsCounter()
		}
	}
	var out []string
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return append(out, args[i:]...)
		}
		if i+1 < len(args) && known[args[i]] && strings.HasPrefix(args[i+1], "-") {
			next, _, _ := strings.Cut(args[i+1], "=")
			if _, flag := known[next]; !flag && next != "-h" && next != "--" {
				out = append(out, args[i]+"="+args[i+1])
				i++
				continue
			}
		}
		out = append(out, args[i])
	}
	return out
}

// noSuchCommand says what is wrong when the first argument is no command; "" when it is one, or a flag.
func noSuchCommand(m *kong.Application, args []string, err error) string {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return ""
	}
	var names []string
	for _, c := range m.Children {
		if c.Name == args[0] {
			return ""
		}
		names = append(names, c.Name)
	}
	said := fmt.Sprintf("there is no command %q", args[0])
	if _, meant, ok := strings.Cut(err.Error(), ", did you mean "); ok {
		return said + ". Did you mean " + meant
	}
	return said + ". Choose one of " + strings.Join(names, ", ")
}
