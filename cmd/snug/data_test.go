package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"snug/shared/hub"
	"snug/shared/testkit"
)

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
