package backups

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"snug/shared/testkit"
)

// TestWrite: a file is there whole or not at all, readable only by its owner, and replaces nothing.
func TestWrite(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, c := range []struct {
		name string
		path string // in a folder with the file "there"
		err  error  // of what writes
		want string // in the error; "": none
	}{
		{"new", "new", nil, ""},
		{"there already", "there", nil, "Choose a file that doesn't exist yet"},
		{"broken off", "new", broken, "broken"},
		{"no such folder", "a/new", nil, "in a folder you may write to"},
	} {
		dir := t.TempDir()
		put(t, dir, "there", "mine")
		path := filepath.Join(dir, c.path)
		err := Write(path, func(w io.Writer) error {
			_, err := io.WriteString(w, "whole")
			return errors.Join(err, c.err)
		})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if b, _ := os.ReadFile(filepath.Join(dir, "there")); string(b) != "mine" {
			t.Errorf("%s: it replaced a file", c.name)
		}
		left := names(t, dir)
		info, err := os.Stat(path)
		if c.want == "" && (err != nil || info.Mode().Perm() != 0o600 || info.Size() != 5 || len(left) != 2) {
			t.Errorf("%s: %v, %v, among %v", c.name, info, err, left)
		}
		if c.want != "" && len(left) != 1 {
			t.Errorf("%s: it left %v", c.name, left)
		}
	}
}

// put writes a file into a folder.
func put(t *testing.T, dir, name, text string) {
	t.Helper()
	testkit.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
}

// names lists what is in a folder, without the list of backups.
func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	all, err := os.ReadDir(dir)
	testkit.NoError(t, err)
	for _, e := range all {
		if e.Name() != listName {
			list = append(list, e.Name())
		}
	}
	return list
}

// day is the name of the backup of a day in January.
func day(n int) string { return fmt.Sprintf("snug-2026-01-%02dT030000Z.tar", n) }

// fill makes backups of these days with the folder's own means.
func fill(t *testing.T, dir string, keep int, days ...int) {
	t.Helper()
	for _, n := range days {
		f, err := open(dir)
		testkit.NoError(t, err)
		_, err = f.add(time.Date(2026, 1, n, 3, 0, 0, 0, time.UTC), func(w io.Writer) error {
			_, err := io.WriteString(w, "a backup")
			return err
		}, func(string) error { return nil })
		testkit.NoError(t, err)
		testkit.NoError(t, f.prune(keep))
		f.close()
	}
}

// TestRetention removes only what Snug wrote and nobody changed, and never the newest.
func TestRetention(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		keep   int
		change func(dir string) // after the backups of days 1 to 4
		want   []string         // once that of day 5 is there too
	}{
		{"some", 2, func(string) {}, []string{day(4), day(5)}},
		{"one", 1, func(string) {}, []string{day(5)}},
		{"none would be too few", 0, func(string) {}, []string{day(5)}},
		{"more than there are", 9, func(string) {}, []string{day(1), day(2), day(3), day(4), day(5)}},
		{
			"others' files", 1, func(dir string) {
				put(t, dir, "notes.txt", "mine")
				put(t, dir, "snug-2025-12-31T030000Z.tar", "a backup") // by hand
			}, []string{"notes.txt", "snug-2025-12-31T030000Z.tar", day(5)},
		},
		{
			"written again by somebody", 1,
			func(dir string) { put(t, dir, day(2), "something else") }, []string{day(2), day(5)},
		},
		{
			"a link in its place", 1, func(dir string) {
				put(t, dir, "away", "a backup")
				testkit.NoError(t, os.Remove(filepath.Join(dir, day(2))))
				testkit.NoError(t, os.Symlink("away", filepath.Join(dir, day(2))))
			}, []string{"away", day(2), day(5)},
		},
		{
			"a folder in its place", 1, func(dir string) {
				testkit.NoError(t, os.Remove(filepath.Join(dir, day(2))))
				testkit.NoError(t, os.Mkdir(filepath.Join(dir, day(2)), 0o700))
			}, []string{day(2), day(5)},
		},
		{
			"removed by somebody: they don't count", 2, func(dir string) {
				testkit.NoError(t, os.Remove(filepath.Join(dir, day(4))))
			}, []string{day(3), day(5)},
		},
		{
			"a list that names others' files", 1, func(dir string) {
				put(t, dir, "notes.txt", "mine")
				put(t, dir, listName, `{"backups":[{"name":"notes.txt","size":4},{"name":"../x","size":1},
					{"name":"`+day(3)+`","size":8}]}`)
			}, []string{"notes.txt", day(1), day(2), day(4), day(5)},
		},
		{"a list that somebody removed", 1, func(dir string) {
			testkit.NoError(t, os.Remove(filepath.Join(dir, listName)))
		}, []string{day(1), day(2), day(3), day(4), day(5)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			fill(t, dir, 9, 1, 2, 3, 4)
			c.change(dir)
			fill(t, dir, c.keep, 5)
			if got := names(t, dir); !slices.Equal(got, c.want) {
				t.Errorf("there are %v, want %v", got, c.want)
			}
			if newest, ok, err := Look(dir); err != nil || !ok || newest.Name != day(5) {
				t.Errorf("the newest is %v, %v, %v", newest, ok, err)
			}
		})
	}
}

// TestRetentionGoesByOrder keeps the backup that was just taken, though one of a wrong clock has a later date.
func TestRetentionGoesByOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fill(t, dir, 1, 30, 1)
	if got := names(t, dir); !slices.Equal(got, []string{day(1)}) {
		t.Errorf("there are %v", got)
	}
}

// TestLeftovers removes what a process left that died, wherever it did, and nothing of others.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	const mine, foreign = ".snug-2026-01-01T030000Z.tar.partial-1", ".snug-2026-01-02T030000Z.tar.partial-2"
	for _, c := range []struct {
		name string
		list string // of what was being written
		want []string
	}{
		{"while it wrote", `{"name":"` + day(1) + `","size":0}`, []string{foreign, "notes.txt", day(1), day(5)}},
		{"before it checked", `{"name":"` + day(1) + `","size":4}`, []string{foreign, "notes.txt", day(5)}},
		{"another file of that name", `{"name":"` + day(1) + `","size":5}`,
			[]string{foreign, "notes.txt", day(1), day(5)}},
		{"nothing", `null`, []string{mine, foreign, "notes.txt", day(1), day(5)}},
		{"a list that names others' files", `{"name":"notes.txt","size":4}`,
			[]string{mine, foreign, "notes.txt", day(1), day(5)}},
	} {
		dir := t.TempDir()
		for _, name := range []string{mine, foreign, "notes.txt", day(1)} {
			put(t, dir, name, "left")
		}
		put(t, dir, listName, `{"backups":[],"writing":`+c.list+`}`)
		fill(t, dir, 1, 5)
		if got := names(t, dir); !slices.Equal(got, c.want) {
			t.Errorf("%s: there are %v, want %v", c.name, got, c.want)
		}
	}
}
