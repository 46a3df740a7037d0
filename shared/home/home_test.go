package home_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"snug/shared/home"
)

const root = "../.."

// TestHome: what strangers copy names the one place.
func TestHome(t *testing.T) {
	for file, want := range map[string]string{
		"README.md":             "git clone https://" + home.Module,
		".goreleaser.yaml":      "https://" + home.Module,
		"Dockerfile":            `org.opencontainers.image.source="https://` + home.Module + `"`,
		".ci/image/Dockerfile":  `org.opencontainers.image.source="https://` + home.Module + `"`,
		"docs/releasing.md":     "go install " + home.Module + "/cmd/snug@latest",
		"cmd/snug/snug.service": "Documentation=https://" + home.Module,
	} {
		b, err := os.ReadFile(filepath.Join(root, file))
		if err != nil || !strings.Contains(string(b), want) {
			t.Errorf("%s doesn't say %s: %v", file, want, err)
		}
	}
}

// TestMoving moves a copy of the module, whose packages then are all there under the new path.
func TestMoving(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "snug")
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	copied, err := exec.CommandContext(t.Context(), "git", "-C", root, "ls-files", "-z").Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(copied), "\x00"), "\x00") {
		from, to := filepath.Join(root, name), filepath.Join(dir, name)
		b, err := os.ReadFile(from)
		if os.IsNotExist(err) { // removed, and not committed yet
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, b, info.Mode()); err != nil {
			t.Fatal(err)
		}
	}
	const there = "example.org/rooms/snug"
	run(".ci/home", there)
	for pkg := range strings.Lines(run("go", "list", "-test", "-deps", "./cmd/snug")) {
		if strings.HasPrefix(pkg, "snug/") {
			t.Errorf("%s is still imported", strings.TrimSpace(pkg))
		}
	}
	if got := strings.TrimSpace(run("go", "list", "./cmd/snug")); got != there+"/cmd/snug" {
		t.Errorf("the command is %s", got)
	}
	for _, file := range []string{"README.md", "shared/home/home.go", ".goreleaser.yaml", "Dockerfile"} {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil || strings.Contains(string(b), home.Module) || !strings.Contains(string(b), there) {
			t.Errorf("%s still names %s: %v", file, home.Module, err)
		}
	}
}
