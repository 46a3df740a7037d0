package discordsim_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestClients runs the libraries of clients/ that are not Go. It needs node and
// `npm install` there, so it runs when SNUG_CLIENTS is set.
func TestClients(t *testing.T) {
	if os.Getenv("SNUG_CLIENTS") == "" {
		t.Skip("set SNUG_CLIENTS=1 after `npm install` in shared/discordsim/clients")
	}
	scripts, err := filepath.Glob("clients/*.mjs")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no clients: %v", err)
	}
	for _, script := range scripts {
		t.Run(filepath.Base(script), func(t *testing.T) {
			w := start(t)
			out, err := exec.CommandContext(t.Context(), "node", script, w.base).CombinedOutput()
			t.Logf("%s", out)
			if err != nil {
				t.Error(err)
			}
		})
	}
}
