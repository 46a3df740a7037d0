package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// arranged rewrites arguments for the parser: `snug help serve` becomes `snug serve --help`, and a value that begins
// with a dash, as a random secret may, is joined to its flag. A flag in place of a value stays a mistake.
func arranged(m *kong.Application, args []string) []string {
	if len(args) > 0 && args[0] == "help" {
		args = append(slices.Clone(args[1:]), "--help")
	}
	known := map[string]bool{} // by name: whether it takes a value
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

// noSuchCommand returns an error message if the first argument isn't a command, and "" if it's one or a flag.
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
