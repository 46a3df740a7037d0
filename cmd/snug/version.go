package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// The linker sets these for releases. Without them, the build's own information counts.
var (
	version string // like v1.2.3
	commit  string
	date    string // of the commit, RFC 3339; not of the build, so that equal sources give equal binaries
)

// build says what this program was built from.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Date     string `json:"date,omitempty"`     // of the commit
	Modified bool   `json:"modified,omitempty"` // there were uncommitted changes
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func thisBuild() build {
	b := build{Version: version, Commit: commit, Date: date, Go: runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; b.Version == "" && v != "(devel)" {
		b.Version = v // go install …@v1.2.3
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = cmp.Or(b.Commit, s.Value)
		case "vcs.time":
			b.Date = cmp.Or(b.Date, s.Value)
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// versionName is the version, or the commit if there's none.
func versionName() string {
	b := thisBuild()
	return cmp.Or(b.Version, b.Commit[:min(len(b.Commit), 12)], "development")
}

// String describes the build in a line, like "snug v1.2.3 (commit 0123456789ab of 2026-11-29, go1.26, linux/amd64)".
func (b build) String() string {
	var about []string
	if b.Commit != "" {
		s := "commit " + b.Commit[:min(len(b.Commit), 12)]
		if day, _, ok := strings.Cut(b.Date, "T"); ok {
			s += " of " + day
		}
		if b.Modified {
			s += " with changes"
		}
		about = append(about, s)
	}
	return fmt.Sprintf("snug %s (%s)", versionName(), strings.Join(append(about, b.Go, b.Platform), ", "))
}

type versionCmd struct {
	JSON bool `help:"Print it as JSON, for scripts."`
}

// Run prints the version, and what this program was built from.
func (c *versionCmd) Run(w world) error {
	if c.JSON {
		return json.NewEncoder(w.out).Encode(thisBuild())
	}
	_, err := fmt.Fprintln(w.out, thisBuild())
	return err
}
