package terminal_test

import (
	"os"
	"path/filepath"
	"testing"

	"snug/shared/terminal"
)

// TestElsewhere: files get plain text, and no progress.
func TestElsewhere(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := terminal.Paint(f, terminal.Red, "no"); got != "no" {
		t.Errorf("%q", got)
	}
	p := terminal.Bytes(f, -1, "Backing up")
	if n, err := p.Write(make([]byte, 7)); n != 7 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	p.Done()
	if info, err := f.Stat(); err != nil || info.Size() != 0 {
		t.Errorf("%v bytes of progress in a file, %v", info.Size(), err)
	}
}
