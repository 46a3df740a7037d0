package hub

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"snug/shared/errs"
	"snug/shared/room"
)

func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	from, ctx := openHub(t, Options{}), t.Context()
	for i := range 600 {
		must(from.Members.Put(ctx, guildKey(i%50, i), room.Preferences{Name: fmt.Sprint(i)}))(t)
	}
	if err := from.Members.Delete(ctx, "0.0"); err != nil {
		t.Fatal(err)
	}
	must(from.Sessions.Put(ctx, "s", Sealed{Data: []byte("tokens"), Expires: time.Now().Add(time.Hour)}))(t)
	must(from.Rosters.Put(ctx, "1.1", named("not kept")))(t)
	for i := range 50 {
		if err := from.Audit.Append(ctx, fmt.Sprint(i), 1, 2, "room.opened", i); err != nil {
			t.Fatal(err)
		}
	}
	epoch := must(from.Members.Epoch(ctx))(t)
	var b bytes.Buffer
	begun := time.Now()
	if err := from.Backup(ctx, &b); err != nil {
		t.Fatal(err)
	}
	t.Logf("backup of %d bytes in %v", b.Len(), time.Since(begun))
	wantCode(t, from.Restore(ctx, bytes.NewReader(b.Bytes())), errs.Conflict)

	same := func(t *testing.T, to *Hub) {
		t.Helper()
		want, got := must(from.Members.List(ctx, ""))(t), must(to.Members.List(ctx, ""))(t)
		if len(want) != 599 || !reflect.DeepEqual(want, got) {
			t.Fatal("members differ:", len(want), len(got))
		}
		if !reflect.DeepEqual(must(from.Audit.Page(ctx, 1, 0, 0, 99))(t), must(to.Audit.Page(ctx, 1, 0, 0, 99))(t)) {
			t.Error("the audit differs")
		}
		if v, _, err := to.Sessions.Get(ctx, "s"); err != nil || string(v.Data) != "tokens" {
			t.Error(v, err)
		}
		if got := must(to.Members.Epoch(ctx))(t); got != epoch {
			t.Error("epoch", got, epoch)
		}
		must(to.Members.Create(ctx, "0.0", room.Preferences{}))(t)
		must(to.Rosters.Create(ctx, "1.1", named("new")))(t)
		if err := to.Ready(ctx); err != nil {
			t.Error(err)
		}
	}
	t.Run("embedded", func(t *testing.T) {
		dir := t.TempDir()
		to := openHub(t, Options{Dir: dir})
		begun := time.Now()
		if err := to.Restore(ctx, bytes.NewReader(b.Bytes())); err != nil {
			t.Fatal(err)
		}
		t.Logf("restored in %v", time.Since(begun))
		same(t, to)
		closeHub(t, to)
		to = openHub(t, Options{Dir: dir})
		if _, _, err := to.Sessions.Get(ctx, "s"); err != nil {
			t.Error("after a restart:", err)
		}
	})
	t.Run("external", func(t *testing.T) {
		to := openHub(t, Options{URL: startOutside(t, nil).url})
		if err := to.Restore(ctx, bytes.NewReader(b.Bytes())); err != nil {
			t.Fatal(err)
		}
		same(t, to)
	})
	t.Run("of a running one", func(t *testing.T) {
		o := Options{Dir: from.o.Dir, Log: logTo(t)}
		var live bytes.Buffer
		if err := BackupOf(ctx, o, &live); err != nil {
			t.Fatal(err)
		}
		to := openHub(t, Options{})
		if err := to.Restore(ctx, &live); err != nil {
			t.Fatal(err)
		}
		same(t, to)
		closeHub(t, to)
		live.Reset()
		if err := BackupOf(ctx, Options{Dir: to.o.Dir, Log: logTo(t)}, &live); err != nil || live.Len() == 0 {
			// stopped
			t.Error(live.Len(), err)
		}
		wantCode(t, BackupOf(ctx, Options{Dir: t.TempDir(), Log: logTo(t)}, &live), errs.NotFound)
	})
	t.Run("of a running one whose folder has a long name", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), strings.Repeat("long and with spaces ", 10))
		to := openHub(t, Options{Dir: dir})
		if err := to.Restore(ctx, bytes.NewReader(b.Bytes())); err != nil {
			t.Fatal(err)
		}
		var live bytes.Buffer
		if err := BackupOf(ctx, Options{Dir: dir, Log: logTo(t)}, &live); err != nil || live.Len() == 0 {
			t.Error(live.Len(), err)
		}
		if i, err := os.Stat(filepath.Join(dir, socketFile)); err != nil || i.Mode().Perm() != 0o600 {
			t.Error("the socket:", i, err)
		}
		closeHub(t, to)
		if _, err := os.Stat(filepath.Join(dir, socketFile)); !errors.Is(err, fs.ErrNotExist) {
			t.Error("the socket outlives its hub:", err)
		}
	})
	t.Run("not whole", func(t *testing.T) {
		to := openHub(t, Options{})
		flipped := bytes.Clone(b.Bytes())
		at := bytes.Index(flipped, []byte("KV_members.snapshot")) + 700 // in the file after its header
		flipped[at] ^= 1
		for name, data := range map[string][]byte{
			"empty": nil, "cut short": b.Bytes()[:b.Len()/2], "without its end": b.Bytes()[:b.Len()-2048],
			"flipped bit": flipped, "something else": []byte("hello, this is not a backup"),
		} {
			if err := to.Restore(ctx, bytes.NewReader(data)); !errs.Has(err, errs.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := to.Restore(ctx, bytes.NewReader(b.Bytes())); err != nil { // nothing was changed
			t.Error(err)
		}
	})
	usage := must(from.Usage(ctx))(t)
	if len(usage) != len(Names()) || usage[3].Name != "members" || usage[3].Messages < 600 || usage[3].MaxBytes == 0 {
		t.Error(usage)
	}
	if where, version := from.Server(); where != "embedded" || version == "" {
		t.Error(where, version)
	}
	if err := from.Backup(ctx, failingWriter{}); !errors.Is(err, errDiskFull) {
		t.Error(err)
	}
}

var errDiskFull = errors.New("disk full")

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errDiskFull }

// TestShortened checks that a socket can be opened by a short name wherever it is, and that no link
// remains.
func TestShortened(t *testing.T) {
	folder := filepath.Join(t.TempDir(), strings.Repeat("long and with spaces ", 10))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, socketFile)
	if err := os.WriteFile(path, []byte("here"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tmp := range []string{os.TempDir(), folder, filepath.Join(folder, "not there")} {
		t.Setenv("TMPDIR", tmp)
		short, forget, err := shortened(path)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(short); len(short) > socketMost || err != nil || string(b) != "here" {
			t.Errorf("%s leads to %q, %v", short, b, err)
		}
		forget()
		if _, err := os.Stat(filepath.Dir(filepath.Dir(short))); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v", short, err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Error("with the link went what it led to:", err)
		}
	}
	if short, _, err := shortened("data/" + socketFile); err != nil || short != "data/"+socketFile {
		t.Errorf("a short path became %s, %v", short, err)
	}
}

// TestRestoreKeepsSnugsForm restores a backup whose streams were given sources, a republication and
// limits: none of these are restored.
func TestRestoreKeepsSnugsForm(t *testing.T) {
	t.Parallel()
	from, ctx := openHub(t, Options{}), t.Context()
	must(from.Members.Put(ctx, "1.1", room.Preferences{Name: "kept"}))(t)
	var b, tampered bytes.Buffer
	if err := from.Backup(ctx, &b); err != nil {
		t.Fatal(err)
	}
	in, out := tar.NewReader(&b), tar.NewWriter(&tampered)
	for {
		head, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text := must(io.ReadAll(in))(t)
		if strings.HasPrefix(head.Name, "KV_members.json") {
			var meta map[string]any
			if err := json.Unmarshal(text, &meta); err != nil {
				t.Fatal(err)
			}
			config := meta["config"].(map[string]any)
			config["sources"] = []map[string]any{{"name": "KV_sessions"}}
			config["republish"] = map[string]any{"src": ">", "dest": "stolen.>"}
			config["max_age"] = 1_000_000_000
			config["subjects"] = []string{"$KV.members.>", "anything"}
			text = must(json.Marshal(meta))(t)
		}
		head.Size = int64(len(text))
		if err := out.WriteHeader(head); err != nil {
			t.Fatal(err)
		}
		must(out.Write(text))(t)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	to := openHub(t, Options{})
	if err := to.Restore(ctx, &tampered); err != nil {
		t.Fatal(err)
	}
	c := must(to.link.js.Stream(ctx, "KV_members"))(t).CachedInfo().Config
	if c.Sources != nil || c.RePublish != nil || c.MaxAge != 0 || len(c.Subjects) != 1 {
		t.Errorf("the stream is %+v", c)
	}
	if v, _, err := to.Members.Get(ctx, "1.1"); err != nil || v.Name != "kept" {
		t.Error(v, err)
	}
}
