package main

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/alecthomas/kong"

	"snug/shared/errs"
)

// document is a file of the repository.
type document struct {
	path string // from the repository's root, with slashes
	text string
}

// files returns the repository's files with a name that keep accepts.
func files(t *testing.T, keep func(name string) bool) (all []document) {
	t.Helper()
	err := filepath.WalkDir(repo, func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && slices.Contains([]string{".git", "bin", "data", "node_modules"}, e.Name()):
			return filepath.SkipDir
		case e.IsDir() || !keep(e.Name()):
			return nil
		}
		b, err := os.ReadFile(name)
		rel, e2 := filepath.Rel(repo, name)
		all = append(all, document{filepath.ToSlash(rel), string(b)})
		return errors.Join(err, e2)
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// documents returns every Markdown file.
func documents(t *testing.T) []document {
	t.Helper()
	all := files(t, func(name string) bool { return strings.HasSuffix(name, ".md") })
	if len(all) < 20 {
		t.Fatalf("only %d documents were found", len(all))
	}
	return all
}

var (
	fence  = regexp.MustCompile("(?ms)^ *```(\\w*)\n(.*?)^ *```$")
	inline = regexp.MustCompile("`([^`\n]+)`")
)

// prose returns the document's text without code, on as many lines.
func (d document) prose() string {
	empty := func(s string) string { return strings.Repeat("\n", strings.Count(s, "\n")) }
	return inline.ReplaceAllString(fence.ReplaceAllStringFunc(d.text, empty), "")
}

// commands returns the command lines in shell examples, with continued lines joined, and inline code.
func (d document) commands() (all []string) {
	for _, m := range fence.FindAllStringSubmatch(d.text, -1) {
		if m[1] == "sh" {
			all = append(all, strings.Split(strings.ReplaceAll(m[2], "\\\n", " "), "\n")...)
		}
	}
	for _, m := range inline.FindAllStringSubmatch(fence.ReplaceAllString(d.text, ""), -1) {
		all = append(all, m[1])
	}
	return all
}

// anchors returns the anchors of the document's headings, as GitHub makes them.
func (d document) anchors() (all []string) {
	seen := map[string]int{}
	for line := range strings.Lines(fence.ReplaceAllString(d.text, "")) {
		if !strings.HasPrefix(line, "#") {
			continue
		}
		title := strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#")))
		anchor := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
				return r
			}
			return -1
		}, title)
		if seen[anchor]++; seen[anchor] > 1 {
			anchor += "-" + strconv.Itoa(seen[anchor]-1)
		}
		all = append(all, anchor)
	}
	return all
}

var link = regexp.MustCompile(`\]\(([^()\s]+)\)`)

// TestDocumentLinks checks that every link from one document to another file or heading leads somewhere, and that a
// reader who starts at the README finds every document.
func TestDocumentLinks(t *testing.T) {
	t.Parallel()
	all := documents(t)
	headings := map[string][]string{}
	for _, d := range all {
		headings[d.path] = d.anchors()
	}
	links := map[string][]string{} // of a document: the files that it links to
	for _, d := range all {
		for _, m := range link.FindAllStringSubmatch(d.prose(), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			file := d.path
			if target != "" {
				file = path.Join(path.Dir(d.path), target)
			}
			if _, err := os.Stat(filepath.Join(repo, file)); err != nil {
				t.Errorf("%s links to %s, which doesn't exist", d.path, m[1])
				continue
			}
			if anchor != "" && !slices.Contains(headings[file], anchor) {
				t.Errorf("%s links to %s, but %s has no such heading; it has %q", d.path, m[1], file, headings[file])
			}
			links[d.path] = append(links[d.path], file)
		}
	}
	found := []string{"README.md"}
	for i := 0; i < len(found); i++ {
		for _, file := range links[found[i]] {
			if !slices.Contains(found, file) {
				found = append(found, file)
			}
		}
	}
	for _, d := range all {
		if !strings.Contains(d.path, "testdata/") && !slices.Contains(found, d.path) {
			t.Errorf("no way leads from README.md to %s", d.path)
		}
	}
}

var (
	word    = regexp.MustCompile(`^[a-z][a-z-]*$`)
	comment = regexp.MustCompile(`(^|\s)#.*`)
)

// snugLines returns the arguments of each call of snug in a command line.
func snugLines(line string) (all [][]string) {
	line = comment.ReplaceAllString(line, "")
	docker := strings.Contains(line, "docker compose")
	tokens := strings.Fields(line)
	for i, program := range tokens {
		switch {
		case program == "snug", strings.HasSuffix(program, "bin/snug"), strings.HasSuffix(program, "cmd/snug"):
		case docker && program == "/snug": // elsewhere that's Discord's command
		default:
			continue
		}
		if i+1 == len(tokens) || tokens[i+1] == "snug" || !word.MatchString(tokens[i+1]) {
			continue // a name, such as the user's or the service's
		}
		end := i + 1
		for end < len(tokens) && !strings.ContainsAny(tokens[end], "|&;>)") {
			end++
		}
		all = append(all, tokens[i+1:end])
	}
	return all
}

// TestDocumentCommands checks that the commands and flags of snug, and the targets of make, that documents name exist.
func TestDocumentCommands(t *testing.T) {
	t.Parallel()
	var c cli
	p, err := newParser(&c)
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile(filepath.Join(repo, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	snug, targets := 0, 0
	for _, d := range documents(t) {
		for _, line := range d.commands() {
			for _, args := range snugLines(line) {
				snug++
				if wrong := refused(p.Model, args); wrong != "" {
					t.Errorf("%s: %s\n\tin %s", d.path, wrong, line)
				}
			}
			if flag, _, _ := strings.Cut(line, " "); strings.HasPrefix(flag, "--") && !anyFlag(p.Model, flag) {
				t.Errorf("%s names the flag %s, which snug doesn't have", d.path, flag)
			}
			tokens := strings.Fields(comment.ReplaceAllString(line, ""))
			for i, token := range tokens {
				if token != "make" || i+1 == len(tokens) || !word.MatchString(tokens[i+1]) {
					continue
				}
				targets++
				if !regexp.MustCompile(`(?m)^` + tokens[i+1] + `:`).Match(makefile) {
					t.Errorf("%s: make has no target %s", d.path, tokens[i+1])
				}
			}
		}
	}
	if snug < 15 || targets < 15 {
		t.Errorf("only %d calls of snug and %d of make were found", snug, targets)
	}
}

// refused says why snug wouldn't accept args, or "".
func refused(m *kong.Application, args []string) string {
	if args = arranged(m, args); args[0] == "--help" {
		return ""
	}
	i := slices.IndexFunc(m.Children, func(n *kong.Node) bool { return n.Name == args[0] })
	if i < 0 {
		return "snug has no command " + args[0]
	}
	command, values := m.Children[i], 0
	if len(args) > 1 && len(command.Children) > 0 {
		sub := slices.IndexFunc(command.Children, func(n *kong.Node) bool { return n.Name == args[1] })
		if sub < 0 {
			return "snug " + args[0] + " has no command " + args[1]
		}
		command, args = command.Children[sub], args[1:]
	}
	flags := slices.Concat(m.Flags, command.Flags)
	for j := 1; j < len(args); j++ {
		name, _, joined := strings.Cut(args[j], "=")
		if !strings.HasPrefix(name, "--") {
			values++
			continue
		}
		k := slices.IndexFunc(flags, func(f *kong.Flag) bool { return "--"+f.Name == name })
		if k < 0 {
			return "snug " + command.Name + " has no flag " + name
		}
		if !joined && !flags[k].IsBool() {
			j++
		}
	}
	if values > len(command.Positional) {
		return "snug " + command.Name + " takes fewer values"
	}
	return ""
}

func anyFlag(m *kong.Application, name string) bool {
	return slices.ContainsFunc(append([]*kong.Node{m.Node}, m.Children...), func(n *kong.Node) bool {
		return slices.ContainsFunc(n.Flags, func(f *kong.Flag) bool { return "--"+f.Name == name })
	})
}

var variable = regexp.MustCompile(`\b(?:(?:SNUG|DISCORD)_[A-Z0-9_]*[A-Z0-9]|SESSION_SECRET(?:_FILE)?)\b`)

// TestDocumentVariables checks that every variable that documents and examples of configuration name exists, and that
// docs/operating.md has every variable that configures Snug.
func TestDocumentVariables(t *testing.T) {
	t.Parallel()
	var c cli
	p, err := newParser(&c)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	var configured []string
	for _, n := range p.Model.Children {
		for _, f := range n.Flags {
			for _, name := range f.Envs {
				known[name], known[name+"_FILE"] = true, true
				configured = append(configured, name)
			}
		}
	}
	for _, code := range errs.Codes() {
		known[string(code.Code)] = true // it only looks like a variable: DISCORD_UNAVAILABLE
	}
	// those of tests and scripts
	shell := regexp.MustCompile(`\$\{?(` + variable.String() + `)`)
	code := regexp.MustCompile(`[eE]nv\([^"\n]*"(` + variable.String() + `)"`)
	for _, f := range files(t, func(name string) bool {
		return strings.HasSuffix(name, ".go") ||
			slices.Contains([]string{"Makefile", "compose.yaml", "run", "needs", "stranger", "vuln"}, name)
	}) {
		use := shell
		if strings.HasSuffix(f.path, ".go") {
			use = code
		}
		for _, m := range use.FindAllStringSubmatch(f.text, -1) {
			known[m[1]] = true
		}
	}
	hosting := ""
	for _, d := range files(t, func(name string) bool {
		return strings.HasSuffix(name, ".md") ||
			slices.Contains([]string{"compose.yaml", "Dockerfile", "snug.service"}, name)
	}) {
		if d.path == "docs/operating.md" {
			hosting = d.text
		}
		for _, name := range variable.FindAllString(d.text, -1) {
			if !known[name] && !strings.Contains(d.text, "export "+name+"=") {
				t.Errorf("%s names %s, and nothing reads that variable", d.path, name)
			}
		}
	}
	for _, name := range configured {
		if !strings.Contains(hosting, "`"+name+"`") {
			t.Errorf("docs/operating.md doesn't explain %s", name)
		}
	}
}

// TestWordsInDocuments checks that no document has a word that docs/words.md says to avoid.
func TestWordsInDocuments(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join(repo, "docs/words.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(b), "## Words to avoid")
	lists := fence.FindAllStringSubmatch(section, -1)
	if len(lists) != 2 {
		t.Fatalf("docs/words.md has %d lists: the words to avoid, and the phrases in which they're fine", len(lists))
	}
	anyOf := func(list string) *regexp.Regexp {
		var words []string
		for w := range strings.Lines(list) {
			words = append(words, regexp.QuoteMeta(strings.TrimSpace(w)))
		}
		return regexp.MustCompile(`(?i)\b(` + strings.Join(words, "|") + `)\b`)
	}
	avoid, fine := anyOf(lists[0][2]), anyOf(lists[1][2])
	for _, d := range documents(t) {
		switch d.path {
		case "docs/words.md", "docs/commands.md", "docs/settings.md": // the lists; what messages generate
			continue
		}
		n := 0
		for line := range strings.Lines(d.prose()) {
			n++
			if w := avoid.FindString(fine.ReplaceAllString(line, "")); w != "" {
				t.Errorf("%s:%d has %q: %s", d.path, n, w, strings.TrimSpace(line))
			}
		}
	}
}
