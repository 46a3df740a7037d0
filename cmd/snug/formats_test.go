package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/discordsim"
)

// What is in the data folders under testdata/formats. Each is a demo's, packed by the version that made it.
const (
	formatRoom  = "Kept since format"
	formatSeats = 7
)

// TestEarlierFormats opens the data folder of each earlier format as an upgrade does: `snug demo` starts with it, and
// the room, its guest, the settings and the history are there. SNUG_FORMAT=2 packs a new one, the file
// testdata/formats/2.tar.gz. Do that before a release that stores something in another form, and never again for the
// same number.
func TestEarlierFormats(t *testing.T) {
	t.Parallel()
	if n := os.Getenv("SNUG_FORMAT"); n != "" {
		packFormat(t, filepath.Join("testdata/formats", n+".tar.gz"))
	}
	all, err := filepath.Glob("testdata/formats/*.tar.gz")
	if err != nil || len(all) == 0 {
		t.Fatalf("no formats: %v", err)
	}
	for _, path := range all {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			unpack(t, path, dir)
			_, d := demo(t, "--data", dir)
			h := d.harness(t)
			h.ready()
			alice := h.signIn("alice")
			_, out := alice.api(http.MethodGet, "/guilds/"+d.GuildID+"/settings", nil)
			if saved, _ := out["settings"].(map[string]any); saved["seats"] != float64(formatSeats) {
				t.Errorf("the settings: %v", out)
			}
			_, out = alice.api(http.MethodGet, "/guilds/"+d.GuildID+"/rooms", nil)
			rooms, _ := out["rooms"].([]any)
			if len(rooms) != 1 || rooms[0].(map[string]any)["name"] != formatRoom {
				t.Fatalf("the rooms: %v", out)
			}
			id := rooms[0].(map[string]any)["channel_id"].(string)
			if status, _ := h.signIn("bruno").page("/game/" + id); status != http.StatusOK {
				t.Errorf("the guest's page: %d", status)
			}
			if status, _ := h.signIn("chiyo").page("/game/" + id); status != http.StatusNotFound {
				t.Errorf("somebody else's page: %d", status)
			}
			_, out = alice.api(http.MethodGet, "/guilds/"+d.GuildID+"/audit", nil)
			if entries, _ := out["entries"].([]any); len(entries) < 3 {
				t.Errorf("the history: %v", out)
			}
		})
	}
}

// harness is for what a demo told.
func (d told) harness(t testing.TB) *harness {
	h := &harness{TB: t, url: d.DashboardURL, world: demoWorld{url: d.DiscordURL}}
	for _, u := range d.Users {
		id, err := snowflake.Parse(u.ID)
		h.must(err)
		h.world.users = append(h.world.users, discordsim.User{ID: id, Username: u.Username, Token: u.Token})
	}
	return h
}

// packFormat makes a data folder as this version does: a private room with a guest, an invite that
// was used, settings, logins and history.
func packFormat(t *testing.T, path string) {
	t.Helper()
	dir := t.TempDir()
	snug, d := demo(t, "--data", dir)
	h := d.harness(t)
	h.ready()
	alice, bruno := h.signIn("alice"), h.signIn("bruno")
	must := func(status int, out map[string]any) map[string]any {
		t.Helper()
		if status >= 300 {
			t.Fatalf("%d %v", status, out)
		}
		return out
	}
	must(alice.api(http.MethodPatch, "/guilds/"+d.GuildID+"/settings",
		map[string]any{"settings": map[string]any{"seats": formatSeats, "idle_timeout": "never"}}))
	id := must(alice.api(http.MethodPost, "/guilds/"+d.GuildID+"/rooms",
		map[string]any{"name": formatRoom, "private": true}))["channel_id"].(string)
	link := must(alice.api(http.MethodPost, "/rooms/"+id+"/invites", map[string]any{}))["url"].(string)
	must(bruno.api(http.MethodPost, "/invites/redeem", map[string]any{"code": link[strings.LastIndex(link, "/")+1:]}))
	h.eventually("the history says so", func() bool {
		_, out := alice.api(http.MethodGet, "/guilds/"+d.GuildID+"/audit", nil)
		entries, _ := out["entries"].([]any)
		return len(entries) >= 4
	})
	if err := snug.stop(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	h.must(err)
	z := gzip.NewWriter(f)
	w := tar.NewWriter(z)
	h.must(w.AddFS(os.DirFS(dir)))
	h.must(errors.Join(w.Close(), z.Close(), f.Close()))
}

// unpack puts a packed data folder into dir.
func unpack(t *testing.T, path, dir string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for r := tar.NewReader(z); ; {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if e.FileInfo().IsDir() {
			err = root.MkdirAll(e.Name, 0o700)
		} else {
			var b []byte
			if b, err = io.ReadAll(r); err == nil {
				err = errors.Join(root.MkdirAll(filepath.Dir(e.Name), 0o700), root.WriteFile(e.Name, b, 0o600))
			}
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			t.Fatal(err)
		}
	}
}

// TestBackupDrill is the one in docs/operating.md: back up while Snug runs, lose the folder, restore into another, put
// the session secret beside it and start. Nothing that was there at the backup is missing, and nobody signs in again.
func TestBackupDrill(t *testing.T) {
	t.Parallel()
	limits := discordsim.DiscordLimits()
	limits.IdentifyWindow = 0
	world, err := simulate("127.0.0.1:0", discordsim.Options{Seed: 5, Limits: &limits})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = world.discord.Close(t.Context()) })
	dir := t.TempDir()
	data, restored, file := filepath.Join(dir, "data"), filepath.Join(dir, "restored"), filepath.Join(dir, "backup.tar")
	snug := func(args ...string) {
		t.Helper()
		var out bytes.Buffer
		if status := run(t.Context(), args, &out, &out); status != 0 {
			t.Fatalf("snug %v: %d %s", args, status, out.String())
		}
	}
	serve := serving(t, world, "SNUG_DATA="+data)
	first, h := serve()
	alice := h.signIn("alice")
	id := alice.open("Friday")
	snug("backup", "--data", data, file)
	snug("backup", "--verify", file)
	if err := first.stop(os.Kill); err == nil {
		t.Error("it outlived its end")
	}
	snug("restore", "--data", restored, file)
	h.must(os.Rename(filepath.Join(data, "session-secret"), filepath.Join(restored, "session-secret")))
	h.must(os.RemoveAll(data))
	h.must(os.Rename(restored, data))
	second, _ := serve()
	h.eventually("who was signed in sees the room's page", func() bool {
		status, text := alice.page("/game/" + id)
		return status == http.StatusOK && strings.Contains(text, "Friday")
	})
	for _, problem := range []string{"level=ERROR", "is missing"} {
		if strings.Contains(second.log.String(), problem) {
			t.Errorf("the log has %s", problem)
		}
	}
}
