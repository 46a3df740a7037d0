package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"snug/shared/hub"
	"snug/shared/testkit"
)

// TestWriteBackup: a file is there whole or not at all, readable only by its owner, and replaces nothing.
func TestWriteBackup(t *testing.T) {
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
		if err := os.WriteFile(filepath.Join(dir, "there"), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, c.path)
		err := writeBackup(path, func(w io.Writer) error {
			_, err := io.WriteString(w, "whole")
			return errors.Join(err, c.err)
		})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if b, _ := os.ReadFile(filepath.Join(dir, "there")); string(b) != "mine" {
			t.Errorf("%s: it replaced a file", c.name)
		}
		left, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if c.want == "" && (err != nil || info.Mode().Perm() != 0o600 || info.Size() != 5 || len(left) != 2) {
			t.Errorf("%s: %v, %v, among %v", c.name, info, err, left)
		}
		if c.want != "" && len(left) != 1 {
			t.Errorf("%s: it left %v", c.name, left)
		}
	}
}

// TestVerifyBackup says of a file whether it's a backup.
func TestVerifyBackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h, err := hub.Open(t.Context(), hub.Options{Dir: filepath.Join(dir, "data"), Log: testkit.Logger()})
	testkit.NoError(t, err)
	t.Cleanup(func() { testkit.NoError(t, h.Close(context.Background())) })
	var b bytes.Buffer
	if err := h.Backup(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(b.Bytes())
	damaged[len(damaged)/2] ^= 1
	for _, c := range []struct {
		name   string
		data   []byte
		status int
		want   string
	}{
		{"good", b.Bytes(), 0, "is complete and can be restored"},
		{"cut short", b.Bytes()[:b.Len()/2], 1, "isn't a complete Snug backup"},
		{"damaged", damaged, 1, "isn't a complete Snug backup"},
		{"something else", []byte("hello"), 1, "isn't a complete Snug backup"},
	} {
		file := filepath.Join(dir, strings.ReplaceAll(c.name, " ", "-"))
		if err := os.WriteFile(file, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if status := run(t.Context(), []string{"backup", "--verify", file}, &out, &out); status != c.status ||
			!strings.Contains(out.String(), c.want) {
			t.Errorf("%s: status %d: %s", c.name, status, out.String())
		}
	}
	var out bytes.Buffer
	none := []string{"backup", "--verify", filepath.Join(dir, "nothing")}
	if status := run(t.Context(), none, &out, &out); status != 1 {
		t.Errorf("of no file: status %d: %s", status, out.String())
	}
}
