package hub

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/room"
)

// filled opens a hub on a folder with rooms, settings in several versions, and what comes and goes.
func filled(t *testing.T, dir string) *Hub {
	t.Helper()
	ctx := t.Context()
	h := must(Open(ctx, Options{Dir: dir}))(t)
	for i := range 14 {
		key := guildKey(1, i+1)
		must(h.Rooms.Put(ctx, key, room.Room{ID: 1, Name: strings.Repeat("x", 300)}))(t)
		must(h.Rooms.Put(ctx, key, room.Room{ID: 1, Name: strings.Repeat("y", 300)}))(t)
		must(h.Members.Put(ctx, key, room.Preferences{Name: "gone"}))(t)
		if err := h.Members.Delete(ctx, key); err != nil {
			t.Fatal(err)
		}
		must(h.Settings.Put(ctx, "1", guild.Document{Settings: guild.Settings{Seats: i}}))(t)
		if err := h.Audit.Append(ctx, fmt.Sprint(i), 1, 2, "opened", strings.Repeat("z", 100)); err != nil {
			t.Fatal(err)
		}
	}
	must(h.Members.Put(ctx, "1.brief", room.Preferences{Name: "brief"}, TTL(time.Second)))(t)
	return h
}

// copyData copies a data folder without what only a running Snug has there.
func copyData(t *testing.T, to, from string) {
	t.Helper()
	if err := os.CopyFS(filepath.Join(to, "jetstream"), os.DirFS(filepath.Join(from, "jetstream"))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(to, ledgerFile), must(os.ReadFile(filepath.Join(from, ledgerFile)))(t), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDamageIsNoticed(t *testing.T) {
	t.Parallel()
	damages := map[string]func([]byte) []byte{
		"nothing":     func(b []byte) []byte { return b },
		"half":        func(b []byte) []byte { return b[:len(b)/2] },
		"a bit":       func(b []byte) []byte { b[len(b)*3/4] ^= 1; return b },
		"half zeroed": func(b []byte) []byte { clear(b[len(b)/2:]); return b },
		"all":         func([]byte) []byte { return nil },
	}
	clean, killed := t.TempDir(), t.TempDir()
	h := filled(t, clean)
	copyData(t, killed, clean) // as a process that is killed leaves it
	if err := h.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	for left, from := range map[string]string{"stopped": clean, "killed": killed} {
		for name, harm := range damages {
			for _, stream := range []string{"KV_rooms", "KV_settings", "AUDIT"} {
				if stream == "AUDIT" && name == "a bit" {
					continue // entries before the last are not compared
				}
				t.Run(left+"/"+name+"/"+stream, func(t *testing.T) {
					t.Parallel()
					dir := t.TempDir()
					copyData(t, dir, from)
					blocks := must(filepath.Glob(filepath.Join(dir, "jetstream", "$G", "streams", stream, "msgs", "*.blk")))(t)
					last := blocks[len(blocks)-1]
					if err := os.WriteFile(last, harm(must(os.ReadFile(last))(t)), 0o600); err != nil {
						t.Fatal(err)
					}
					again := func() error {
						h := must(Open(t.Context(), Options{Dir: dir}))(t)
						defer func() {
							if err := h.Close(context.Background()); err != nil {
								t.Error(err)
							}
						}()
						return h.Ready(t.Context())
					}
					for range 2 { // a second start does not forget it
						err := again()
						if name == "nothing" && err != nil {
							t.Fatalf("nothing is wrong, and it says %v", err)
						}
						if name != "nothing" && (!errs.Has(err, errs.Unavailable) || !strings.Contains(errs.Public(err).Message, "restore")) {
							t.Fatalf("damaged, it says %v", err)
						}
					}
					if err := os.Remove(filepath.Join(dir, ledgerFile)); err != nil {
						t.Fatal(err)
					}
					if err := again(); err != nil {
						t.Errorf("told to go on without what is lost, it says %v", err)
					}
				})
			}
		}
	}
}

// The ledger itself is written anew before it grows without end, and one that is damaged says less and nothing wrong.
func TestLedger(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := must(readLedger(dir))(t)
	if err := l.begin(); err != nil {
		t.Fatal(err)
	}
	for i := range 300_000 {
		l.note(place{1, uint64(i%10 + 1)}, mark{seq: uint64(i + 1), sum: uint32(i)})
	}
	l.note(place{1, 99}, mark{seq: 300_001, until: 1})
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	b := must(os.ReadFile(filepath.Join(dir, ledgerFile)))(t)
	if len(b) > smallLedger+recordSize {
		t.Errorf("it has %d bytes", len(b))
	}
	again := must(readLedger(dir))(t)
	if m := again.marks[place{1, 10}]; len(again.marks) != 11 || m.seq != 300_000 || m.sum != 299_999 {
		t.Errorf("read again: %d marks, %+v", len(again.marks), m)
	}
	b = append(bytes.Clone(b), 1, 2, 3)
	b[recordSize+3] ^= 1
	if err := os.WriteFile(filepath.Join(dir, ledgerFile), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if again = must(readLedger(dir))(t); again.marks[place{1, 10}].seq != 300_000 {
		t.Errorf("damaged: %+v", again.marks)
	}
}
