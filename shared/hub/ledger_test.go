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

	"github.com/disgoorg/snowflake/v2"
	"github.com/nats-io/nats.go/jetstream"

	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/room"
	"snug/shared/testkit"
)

// filled opens a hub on a folder with rooms, settings in several versions, and temporary values.
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

// copyData copies a data folder without the files that only a running Snug has.
func copyData(t *testing.T, to, from string) {
	t.Helper()
	if err := os.CopyFS(filepath.Join(to, "jetstream"), os.DirFS(filepath.Join(from, "jetstream"))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(to, ledgerFile), must(os.ReadFile(filepath.Join(from, ledgerFile)))(t),
		0o600); err != nil {
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
	copyData(t, killed, clean) // as a killed process leaves it
	if err := h.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	for left, from := range map[string]string{"stopped": clean, "killed": killed} {
		for name, harm := range damages {
			for _, stream := range []string{"KV_rooms", "KV_settings", "AUDIT"} {
				t.Run(left+"/"+name+"/"+stream, func(t *testing.T) {
					t.Parallel()
					dir := t.TempDir()
					copyData(t, dir, from)
					blocks := must(filepath.Glob(filepath.Join(dir, "jetstream", "$G", "streams", stream, "msgs",
						"*.blk")))(t)
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
					for range 2 { // a second start still reports it
						err := again()
						if name == "nothing" && err != nil {
							t.Fatalf("nothing is wrong, and it says %v", err)
						}
						if name != "nothing" && (!errs.Has(err, errs.Unavailable) ||
							!strings.Contains(errs.Public(err).Message, "restore")) {
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

// The ledger is rewritten before it grows without limit; a damaged one reports less, but nothing
// wrong.
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

// reopened opens the hub on a folder again and returns the result of Ready.
func reopened(t *testing.T, dir string, then func(*Hub)) error {
	t.Helper()
	h := must(Open(t.Context(), Options{Dir: dir}))(t)
	defer func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	if then != nil {
		then(h)
	}
	return h.Ready(t.Context())
}

// manyEntries appends n entries to the audit, for two guilds.
func manyEntries(t *testing.T, h *Hub, from, n int) {
	t.Helper()
	for i := from; i < from+n; i++ {
		if err := h.Audit.Append(t.Context(), fmt.Sprint(i), snowflake.ID(1+i%2), 2, "opened",
			strings.Repeat("z", 100)); err != nil {
			t.Fatal(err)
		}
	}
}

// Entries lost from the middle of the audit are noticed, in stretches that were summed up and in
// others. Trimmed, erased or repeated entries are not reported, whenever the process ends.
func TestDamageInTheMiddleOfTheAudit(t *testing.T) {
	t.Parallel()
	flip := func(entry string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			for _, name := range must(filepath.Glob(filepath.Join(dir, "jetstream", "$G", "streams", "AUDIT", "msgs",
				"*.blk")))(t) {
				b := must(os.ReadFile(name))(t)
				if i := bytes.Index(b, []byte("Nats-Msg-Id: "+entry+"\r")); i >= 0 {
					b[i+60] ^= 1
					if err := os.WriteFile(name, b, 0o600); err != nil {
						t.Fatal(err)
					}
					return
				}
			}
			t.Fatal("the entry is not there")
		}
	}
	drop := func(seq uint64) func(*testing.T, string) { // like a damaged block of which the server skips a part
		return func(t *testing.T, dir string) {
			l := must(os.ReadFile(filepath.Join(dir, ledgerFile)))(t)
			_ = reopened(t, dir, func(h *Hub) {
				st := must(h.link.js.Stream(t.Context(), auditName))(t)
				if err := st.DeleteMsg(t.Context(), seq); err != nil {
					t.Fatal(err)
				}
			})
			if err := os.WriteFile(filepath.Join(dir, ledgerFile), l, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	clean, killed := t.TempDir(), t.TempDir()
	h := must(Open(t.Context(), Options{Dir: clean}))(t)
	manyEntries(t, h, 0, 600)
	manyEntries(t, h, 590, 10) // repeated
	if n := must(h.Audit.Erase(t.Context(), 1,
		func(e AuditEntry) bool { return e.ID == "100" || e.ID == "598" }))(t); n != 2 {
		t.Fatalf("erased %d", n)
	}
	testkit.Eventually(t, "two stretches are summed up",
		func() bool { return h.Audit.sealed.Load() == 2 && !h.Audit.sealing.Load() })
	manyEntries(t, h, 598, 1) // repeats erased entries
	copyData(t, killed, clean)
	if err := h.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	for left, from := range map[string]string{"stopped": clean, "killed": killed} {
		for name, c := range map[string]struct {
			harm func(*testing.T, string)
			lost string
		}{
			"nothing":                  {func(*testing.T, string) {}, ""},
			"a bit, summed up":         {flip("300"), "AUDIT"},
			"a bit, the first":         {flip("0"), "AUDIT"},
			"a bit, not yet summed up": {flip("550"), "AUDIT"},
			"an entry, summed up":      {drop(200), "1 of AUDIT"},
			"an entry, not yet":        {drop(560), "1 of AUDIT"},
			"the first":                {drop(1), "1 of AUDIT"},
			"the last":                 {drop(600), "1 of AUDIT"},
		} {
			t.Run(left+"/"+name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				copyData(t, dir, from)
				c.harm(t, dir)
				for round, more := range []int{300, 1} {
					err := reopened(t, dir, func(h *Hub) { // it works, and still reports it
						manyEntries(t, h, 1000+300*round, more)
						want := stretch(must(h.Audit.Newest(t.Context()))(t)) - 1
						testkit.Eventually(t, "the new entries are summed up",
							func() bool { return h.Audit.sealed.Load() >= want && !h.Audit.sealing.Load() })
					})
					if c.lost == "" && err != nil ||
						c.lost != "" && (err == nil || !strings.Contains(err.Error(), c.lost)) {
						t.Fatalf("start %d: it says %v, not that it lost %q", round+1, err, c.lost)
					}
				}
			})
		}
	}
}

// Entries that a guild does not retain, that were erased or that were dropped for space are not
// reported as lost, whenever the process is killed.
func TestRemovedAuditEntriesAreNotMissed(t *testing.T) {
	t.Parallel()
	trim := func(t *testing.T, h *Hub) {
		if n := must(h.Audit.Trim(t.Context(), 1, time.Now()))(t); n == 0 {
			t.Error("nothing was trimmed")
		}
	}
	for name, do := range map[string]func(t *testing.T, h *Hub, killed string){
		"trimmed": func(t *testing.T, h *Hub, killed string) { trim(t, h); copyData(t, killed, h.o.Dir) },
		"trimmed, killed before it was noted": func(t *testing.T, h *Hub, killed string) {
			before := must(os.ReadFile(filepath.Join(h.o.Dir, ledgerFile)))(t)
			trim(t, h)
			copyData(t, killed, h.o.Dir)
			after := must(os.ReadFile(filepath.Join(h.o.Dir, ledgerFile)))(t)
			// Each removed entry of the last stretch and the two stretches are recorded first; the
			// sums follow.
			loose := len(before) + recordSize*(2+(700-512)/2)
			if len(after) <= loose {
				t.Fatalf("the ledger grew from %d to %d bytes", len(before), len(after))
			}
			if err := os.WriteFile(filepath.Join(killed, ledgerFile), after[:loose], 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"killed before it was trimmed": func(t *testing.T, h *Hub, killed string) {
			copyData(t, killed, h.o.Dir)
			trim(t, h)
			b := must(os.ReadFile(filepath.Join(h.o.Dir, ledgerFile)))(t)
			if err := os.WriteFile(filepath.Join(killed, ledgerFile), b[:len(b)-2*recordSize], 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"all trimmed": func(t *testing.T, h *Hub, killed string) {
			trim(t, h)
			must(h.Audit.Trim(t.Context(), 2, time.Now()))(t)
			copyData(t, killed, h.o.Dir)
		},
		"gave way": func(t *testing.T, h *Hub, killed string) {
			for i := range 300 {
				if err := h.Audit.Append(t.Context(), fmt.Sprint("big", i), 2, 2, "opened",
					strings.Repeat("z", 4000)); err != nil {
					t.Fatal(err)
				}
			}
			if info := must(h.info(t.Context(), auditName, ""))(t); info.State.FirstSeq < 2 {
				t.Fatal("nothing had to give way")
			}
			copyData(t, killed, h.o.Dir)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{Dir: t.TempDir(), MaxBytes: map[string]int64{auditName: 1 << 20}}
			h := must(Open(t.Context(), o))(t)
			manyEntries(t, h, 0, 700)
			testkit.Eventually(t, "two stretches are summed up",
				func() bool { return h.Audit.sealed.Load() == 2 && !h.Audit.sealing.Load() })
			killed := t.TempDir()
			do(t, h, killed)
			if err := h.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
			for _, dir := range []string{o.Dir, killed} {
				o.Dir = dir
				for range 2 {
					again := must(Open(t.Context(), o))(t)
					if err := again.Ready(t.Context()); err != nil {
						t.Errorf("it says %v", err)
					}
					if err := again.Close(context.Background()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
}

// A lost version of a document is noticed even if later ones exist; one that was replaced by them
// is not reported.
func TestDamageInTheHistory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put := func(h *Hub, seats int) Rev {
		return must(h.Settings.Put(t.Context(), "1", guild.Document{Settings: guild.Settings{Seats: seats}}))(t)
	}
	var third Rev
	if err := reopened(t, dir, func(h *Hub) {
		for i := range 20 {
			if rev := put(h, i); i == 12 {
				third = rev
			}
		}
		must(h.Settings.Put(t.Context(), "2", guild.Document{}))(t)
		if err := h.Settings.Delete(t.Context(), "2"); err != nil {
			t.Fatal(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := reopened(t, dir, func(h *Hub) { put(h, i) }); err != nil {
			t.Fatalf("nothing is wrong, and it says %v", err)
		}
	}
	ledger := must(os.ReadFile(filepath.Join(dir, ledgerFile)))(t)
	_ = reopened(t, dir, func(h *Hub) {
		st := must(h.link.js.Stream(t.Context(), "KV_settings"))(t)
		if err := st.Purge(t.Context(), jetstream.WithPurgeSequence(uint64(third)+1)); err != nil {
			t.Fatal(err)
		}
	})
	if err := os.WriteFile(filepath.Join(dir, ledgerFile), ledger, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := reopened(t, dir, nil); err == nil || !strings.Contains(err.Error(), "6 of settings") {
			t.Fatalf("of 16 versions 6 are gone, and it says %v", err)
		}
	}
}
