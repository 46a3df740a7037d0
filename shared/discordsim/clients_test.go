package discordsim_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestClients runs the scripts of clients/: our own client, and libraries that are not Go. It needs node and
// what `make clients` does before, so it runs when SNUG_CLIENTS is set.
func TestClients(t *testing.T) {
	if os.Getenv("SNUG_CLIENTS") == "" {
		t.Skip("run make clients")
	}
	scripts, err := filepath.Glob("clients/*.mjs")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no clients: %v", err)
	}
	program := filepath.Join(t.TempDir(), "discordsim")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../cmd/discordsim")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, script := range scripts {
		t.Run(filepath.Base(script), func(t *testing.T) {
			w := start(t)
			run := exec.CommandContext(t.Context(), "node", script, w.base)
			run.Env = append(os.Environ(), "DISCORDSIM="+program)
			out, err := run.CombinedOutput()
			t.Logf("%s", out)
			if err != nil {
				t.Error(err)
			}
		})
	}
}
