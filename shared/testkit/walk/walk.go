// Package walk follows the walks of CONTRIBUTING.md ("Add a setting") in tests: it edits the files that a walk
// names, without touching them, and runs go vet and tests on the result.
//
//	w := walk.New(t)
//	w.Insert("shared/schema/settings.go", `Name: "private"`, `{Name: "quiet", …},`)
//	w.Message("settings", "setting.quiet", "Quiet")
//	w.Keep("Add a setting", 4)
//	w.Go(t, "vet", "./shared/schema", "./dashboard/view")
//	w.Go(t, "test", "-run", "TestEverySetting", "./shared/guild", "./dashboard/view")
//
// The edits are an overlay (go help build), so only what changed is compiled. The tests that are run see edited Go
// files and embedded files as a matter of course. A test that reads another file of the module itself, such as a
// page of the documentation, asks Path where it is.
package walk

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// overlaid is the environment variable that names the overlay to the tests that Go runs.
const overlaid = "SNUG_TEST_OVERLAY"

// messages is where the texts are, which no walk counts as files.
const messages = "shared/text/messages/"

// overlay is what go build -overlay reads: paths, and the files that stand in for them.
type overlay struct{ Replace map[string]string }

// Walk is a set of edits to the module. It is for one goroutine.
type Walk struct {
	t    testing.TB
	root string // of the module
	dir  string // the edited files
	over overlay
}

// New returns a Walk without edits. It ends the test if the working directory isn't in a module, and skips
// it among the tests that a walk runs.
func New(t testing.TB) *Walk {
	t.Helper()
	if os.Getenv(overlaid) != "" {
		t.Skip("a walk is under way")
	}
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			return &Walk{t: t, root: root, dir: t.TempDir(), over: overlay{map[string]string{}}}
		}
		if root == filepath.Dir(root) {
			t.Fatal("there is no go.mod here or above")
		}
	}
}

// Insert adds text as lines of its own after the line that contains after. It ends the test unless exactly
// one line of the file does.
func (w *Walk) Insert(file, after, text string) {
	w.t.Helper()
	w.edit(file, func(lines []string) []string {
		var at []int
		for i, l := range lines {
			if strings.Contains(l, after) {
				at = append(at, i)
			}
		}
		if len(at) != 1 {
			w.t.Fatalf("%s has %d lines with %q; name one", file, len(at), after)
		}
		return slices.Insert(lines, at[0]+1, strings.TrimSuffix(text, "\n"))
	})
}

// Replace puts text in place of old. It ends the test unless old is in the file exactly once.
func (w *Walk) Replace(file, old, text string) {
	w.t.Helper()
	w.edit(file, func(lines []string) []string {
		whole := strings.Join(lines, "\n")
		if n := strings.Count(whole, old); n != 1 {
			w.t.Fatalf("%s has %q %d times; name it by more of its text", file, old, n)
		}
		return []string{strings.Replace(whole, old, text, 1)}
	})
}

// Message adds a message to an area's texts ("settings") in every language, in the same words.
func (w *Walk) Message(area, id, text string) {
	w.t.Helper()
	list, err := filepath.Glob(filepath.Join(w.root, messages, area+".*.json"))
	if err != nil || len(list) == 0 {
		w.t.Fatalf("there are no texts %s%s.*.json (%v)", messages, area, err)
	}
	entry, err := json.Marshal(map[string]string{id: text})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range list {
		w.edit(messages+filepath.Base(f), func(lines []string) []string {
			i := slices.Index(lines, "{")
			if i < 0 {
				w.t.Fatalf("%s does not begin with a line that is {", f)
			}
			return slices.Insert(lines, i+1, string(entry[1:len(entry)-1])+",")
		})
	}
}

// Generated lets the tests that Go runs write a file that is made: they ask Path where it is.
func (w *Walk) Generated(file string) {
	w.t.Helper()
	w.edit(file, func(lines []string) []string { return lines })
}

// Read returns a file as it is with the edits.
func (w *Walk) Read(file string) string {
	w.t.Helper()
	from := filepath.Join(w.root, filepath.FromSlash(file))
	if to, ok := w.over.Replace[from]; ok {
		from = to
	}
	b, err := os.ReadFile(from)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}

func (w *Walk) edit(file string, change func(lines []string) []string) {
	w.t.Helper()
	text := strings.Join(change(strings.Split(w.Read(file), "\n")), "\n")
	to := filepath.Join(w.dir, strings.ReplaceAll(file, "/", "_"))
	if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.over.Replace[filepath.Join(w.root, filepath.FromSlash(file))] = to
}

// Files returns the paths of what was edited beside the texts, sorted.
func (w *Walk) Files() (files []string) {
	for f := range w.over.Replace {
		rel, err := filepath.Rel(w.root, f)
		if err != nil {
			w.t.Fatal(err)
		}
		if f = filepath.ToSlash(rel); !strings.HasPrefix(f, messages) {
			files = append(files, f)
		}
	}
	slices.Sort(files)
	return files
}

// named finds files and folders of the module as CONTRIBUTING.md names them.
var named = regexp.MustCompile("`((?:bot|dashboard|shared|cmd|docs|templates|static)/[^`*]*)`")

// Keep fails the test unless the edits touch the files that a section of CONTRIBUTING.md names, and
// at most so many, texts left out. The section may name a folder where any file of it will do.
func (w *Walk) Keep(section string, most int) {
	w.t.Helper()
	_, text, found := strings.Cut(w.Read("CONTRIBUTING.md"), "\n### "+section+"\n")
	if !found {
		w.t.Fatalf("CONTRIBUTING.md has no section ### %s", section)
	}
	text, _, _ = strings.Cut(text, "\n#")
	files, told := w.Files(), map[string]bool{}
	for _, m := range named.FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(m[1], strings.TrimSuffix(messages, "/")) {
			told[strings.TrimSuffix(m[1], "/")] = false
		}
	}
	if len(files) > most {
		w.t.Errorf("%d files were edited, of which %d may be: %q", len(files), most, files)
	}
	for _, f := range files {
		for at := f; at != "."; at = path.Dir(at) {
			if _, ok := told[at]; ok {
				told[at], f = true, ""
			}
		}
		if f != "" {
			w.t.Errorf("CONTRIBUTING.md does not name %s under %q", f, section)
		}
	}
	for f, used := range told {
		if !used {
			w.t.Errorf("CONTRIBUTING.md names %s under %q, and it need not be edited", f, section)
		}
	}
}

// Go runs a go command (vet, build, test) in the module's root with the edits, and without the race detector, which
// takes twice the time to compile. Tests write generated files there. It returns what was printed, and fails t if the
// command fails.
func (w *Walk) Go(t testing.TB, command string, args ...string) string {
	t.Helper()
	b, err := json.Marshal(w.over)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(w.dir, "overlay.json")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "go", append([]string{command, "-overlay", file}, args...)...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = w.root, append(os.Environ(), overlaid+"="+file), &out, &out
	if err := cmd.Run(); err != nil {
		t.Errorf("go %s %s: %v\n%s", command, strings.Join(args, " "), err, out.String())
	}
	return out.String()
}

// Path returns where a file is, given by its path from the working directory: there, or where a Walk has put its
// edited copy.
func Path(t testing.TB, file string) string {
	t.Helper()
	from := os.Getenv(overlaid)
	if from == "" {
		return file
	}
	whole, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	var o overlay
	if err := json.Unmarshal(b, &o); err != nil {
		t.Fatal(err)
	}
	if to, ok := o.Replace[whole]; ok {
		return to
	}
	return file
}
