package hub

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"snug/shared/errs"
	"snug/shared/room"
)

// contentsOf gives what a hub holds of everything that a backup keeps.
func contentsOf(t *testing.T, h *Hub) map[string]Contents {
	t.Helper()
	all := map[string]Contents{}
	for _, s := range h.kept() {
		maps.Copy(all, must(h.contents(t.Context(), s))(t))
	}
	return all
}

// noted gives what a backup says that it holds.
func noted(t *testing.T, backup []byte) map[string]Contents {
	t.Helper()
	in := tar.NewReader(bytes.NewReader(backup))
	for {
		head, err := in.Next()
		if err != nil {
			t.Fatal(err)
		}
		if head.Name == backupEnd {
			var index backupIndex
			if err := json.NewDecoder(in).Decode(&index); err != nil {
				t.Fatal(err)
			}
			return index.Contents
		}
	}
}

// TestBackupThereAndBack moves what an embedded hub holds to a NATS server and back: the counts and checksums are those
// that each backup notes.
func TestBackupThereAndBack(t *testing.T) {
	t.Parallel()
	ctx, from := t.Context(), openHub(t, Options{})
	for i := range 300 {
		must(from.Members.Put(ctx, guildKey(i%20, i), room.Preferences{Name: fmt.Sprint(i)}))(t)
		if err := from.Audit.Append(ctx, fmt.Sprint(i), 1, 2, "room.opened", i); err != nil {
			t.Fatal(err)
		}
	}
	must(from.Members.Put(ctx, "0.0", room.Preferences{Name: "again"}))(t)
	must(from.Sessions.Put(ctx, "s", Sealed{Data: []byte("expires"), Expires: time.Now().Add(time.Hour)}))(t)
	want := contentsOf(t, from)
	audits := 0
	for name, c := range want {
		if strings.HasPrefix(name, auditName+" ") {
			audits += c.Values
		}
	}
	if want["KV_members"].Values < 300 || audits != 300 {
		t.Fatal("it holds", want)
	}
	for _, to := range []struct {
		name string
		h    *Hub
	}{
		{"to a NATS server", openHub(t, Options{URL: startOutside(t, nil).url})},
		{"and back", openHub(t, Options{})},
	} {
		var b bytes.Buffer
		if err := from.Backup(ctx, &b); err != nil {
			t.Fatal(to.name, err)
		}
		report := must(VerifyBackup(ctx, Options{Log: logTo(t), Temp: t.TempDir()}, bytes.NewReader(b.Bytes())))(t)
		if n := noted(t, b.Bytes()); !maps.Equal(n, want) || !report.Noted || report.Values < 600 {
			t.Errorf("%s: the backup notes %v and holds %+v, want %v", to.name, n, report, want)
		}
		if err := to.h.Restore(ctx, &b); err != nil {
			t.Fatal(to.name, err)
		}
		if got := contentsOf(t, to.h); !maps.Equal(got, want) {
			t.Errorf("%s: it holds %v, want %v", to.name, got, want)
		}
		from = to.h
	}
}

// TestBackupHoldsWhatItSays: a backup whose files are whole, but that holds something else than it says, restores
// nothing.
func TestBackupHoldsWhatItSays(t *testing.T) {
	t.Parallel()
	from, ctx := openHub(t, Options{}), t.Context()
	must(from.Members.Put(ctx, "1.1", room.Preferences{Name: "kept"}))(t)
	var b bytes.Buffer
	if err := from.Backup(ctx, &b); err != nil {
		t.Fatal(err)
	}
	to, temp := openHub(t, Options{}), t.TempDir()
	for _, c := range []struct {
		name   string
		change func(*backupIndex)
		want   string // in the error; "": none
	}{
		{"one value more", func(i *backupIndex) {
			c := i.Contents["KV_members"]
			c.Values++
			i.Contents["KV_members"] = c
		}, "members has"},
		{"other values", func(i *backupIndex) {
			c := i.Contents["KV_members"]
			c.Sum = strings.Repeat("0", 64)
			i.Contents["KV_members"] = c
		}, "members has"},
		{"another bucket", func(i *backupIndex) { i.Contents["KV_tokens"] = Contents{1, "x"} }, "tokens has"},
		{"entries that are too old by now", func(i *backupIndex) {
			i.Contents["AUDIT 2020-01-02"] = Contents{1, "x"}
		}, ""},
		{"of an older version", func(i *backupIndex) { i.Contents = nil }, ""},
	} {
		changed := rewritten(t, b.Bytes(), c.change)
		_, err := VerifyBackup(ctx, Options{Log: logTo(t), Temp: temp}, bytes.NewReader(changed))
		if (c.want == "") != (err == nil) || err != nil && (!errs.Has(err, errs.Invalid) ||
			!strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: verified with %v", c.name, err)
		}
		if c.want == "" {
			continue
		}
		if err := to.Restore(ctx, bytes.NewReader(changed)); !errs.Has(err, errs.Invalid) {
			t.Errorf("%s: restored with %v", c.name, err)
		}
		if _, _, err := to.Members.Get(ctx, "1.1"); !errs.Has(err, errs.NotFound) {
			t.Errorf("%s: something was restored", c.name)
		}
	}
	if left := must(dirNames(temp))(t); len(left) > 0 {
		t.Errorf("checking left %v", left)
	}
}

// rewritten gives a backup with another index.
func rewritten(t *testing.T, backup []byte, change func(*backupIndex)) []byte {
	t.Helper()
	var b bytes.Buffer
	in, out := tar.NewReader(bytes.NewReader(backup)), tar.NewWriter(&b)
	for {
		head, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data := must(io.ReadAll(in))(t)
		if head.Name == backupEnd {
			var index backupIndex
			if err := json.Unmarshal(data, &index); err != nil {
				t.Fatal(err)
			}
			change(&index)
			data = must(json.Marshal(index))(t)
		}
		if err := addFile(out, head.Name, time.Now(), int64(len(data)), nil, data); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestLost(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name      string
		want, got map[string]Contents
		missing   bool
	}{
		{"nothing", nil, nil, false},
		{"the same", map[string]Contents{"KV_a": {1, "x"}}, map[string]Contents{"KV_a": {1, "x"}}, false},
		{"other ones", map[string]Contents{"KV_a": {1, "x"}}, map[string]Contents{"KV_a": {1, "y"}}, true},
		{"one is gone", map[string]Contents{"KV_a": {1, "x"}}, nil, true},
		{"one more", nil, map[string]Contents{"KV_a": {1, "x"}}, true},
		{"a day of the audit", map[string]Contents{"AUDIT 2026-11-29": {1, "x"}}, nil, true},
		{"a day that may be over", map[string]Contents{"AUDIT 2026-09-01": {1, "x"}}, nil, false},
		{"what is no day", map[string]Contents{"AUDIT soon": {1, "x"}}, nil, false},
	} {
		if got := lost(c.want, c.got, now); (got != "") != c.missing {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

func dirNames(dir string) ([]string, error) {
	return fs.Glob(os.DirFS(dir), "*")
}
