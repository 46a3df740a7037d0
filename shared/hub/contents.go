package hub

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"snug/shared/errs"
)

// Contents is what a stream holds that doesn't expire: how many messages, and one checksum over all of them, with their
// order, keys, times and values. The same contents in another hub are equal.
type Contents struct {
	Values int    `json:"values"`
	Sum    string `json:"sha256"`
}

// contents reads what a stream holds, by its name. Of the audit stream, whose entries leave it when they are old, it
// gives each day's.
func (h *Hub) contents(ctx context.Context, s spec) (map[string]Contents, error) {
	type part struct {
		hash.Hash
		n int
	}
	parts := map[string]*part{}
	c := latest(newStore(h, s).prefix + ">")
	if s.audit {
		c.FilterSubject = ">"
	}
	c.DeliverPolicy = deliverAll
	err := h.scan(ctx, s.stream(), c, func(i item) (bool, error) {
		if i.header.Get(headTTL) != "" {
			return true, nil
		}
		name := s.stream()
		if s.audit {
			name += i.at.UTC().Format(" " + time.DateOnly)
		}
		p := parts[name]
		if p == nil {
			p = &part{Hash: sha256.New()}
			parts[name] = p
		}
		p.n++
		fmt.Fprintf(p, "%d %d %q %t %d\n", i.seq, i.at.UnixNano(), i.subject, deleted(i.header), len(i.data))
		_, _ = p.Write(i.data) // a hash takes everything
		return true, nil
	})
	all := map[string]Contents{}
	for name, p := range parts {
		all[name] = Contents{Values: p.n, Sum: hex.EncodeToString(p.Sum(nil))}
	}
	return all, err
}

// lost describes how contents differ from what they should be; "" if they don't. It leaves out entries of the audit
// that may be too old by now.
func lost(want, got map[string]Contents, now time.Time) string {
	var all []string
	names := map[string]Contents{}
	maps.Copy(names, want)
	maps.Copy(names, got)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		stream, day, ofDay := strings.Cut(name, " ")
		if at, err := time.Parse(time.DateOnly, day); ofDay && (err != nil || now.Sub(at) > auditAge-time.Hour) {
			continue
		}
		if w, g := want[name], got[name]; w != g {
			all = append(all, fmt.Sprintf("%s has %d values instead of %d, or other ones",
				strings.TrimPrefix(stream, "KV_"), g.Values, w.Values))
		}
	}
	return strings.Join(slices.Compact(all), "; ")
}

// rehearsal restores streams into a hub of its own, in a temporary folder: only what has been restored once is a
// backup.
type rehearsal struct {
	h    *Hub
	dir  string
	last string // the stream that was restored last
}

// rehearse starts an empty hub for one. End it.
func rehearse(ctx context.Context, o Options, specs []spec) (*rehearsal, error) {
	dir, err := os.MkdirTemp(o.temp(), "rehearsal-*")
	if err != nil {
		return nil, fmt.Errorf("hub: a folder for checking the backup: %w", err)
	}
	r := &rehearsal{dir: dir}
	r.h = newHub(Options{
		Dir: dir, Log: o.Log, MaxBytes: o.MaxBytes, Now: o.Now, WriteTimeout: o.WriteTimeout, unsynced: true,
	}, specs)
	if err := r.h.connect(ctx); err != nil {
		return nil, errors.Join(err, r.end())
	}
	return r, nil
}

func (r *rehearsal) end() error {
	err := r.h.abandon()
	r.h.codec.close()
	return errors.Join(err, os.RemoveAll(r.dir))
}

// restore restores a stream, and returns what it holds then. The part can be restored again afterwards.
func (r *rehearsal) restore(ctx context.Context, s spec, p *backupPart) (map[string]Contents, error) {
	if err := r.h.restoreStream(ctx, s, p); err != nil {
		return nil, err
	}
	// So that it takes no more space than two of them. Never the only one: with its last stream, the server also
	// removes the folder in which it is just creating the next.
	if r.last != "" {
		if err := r.h.link.js.DeleteStream(ctx, r.last); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
			return nil, err
		}
	}
	r.last = s.stream()
	return r.h.contents(ctx, s)
}

// all restores every stream of a backup, and returns what they hold. It fails with Invalid if that isn't what the
// backup says.
func (r *rehearsal) all(
	ctx context.Context, specs []spec, parts map[string]*backupPart, index *backupIndex,
) (map[string]Contents, error) {
	held := map[string]Contents{}
	for _, s := range specs {
		p := parts[s.stream()]
		if p == nil {
			continue // the backup is older than this bucket
		}
		part, err := r.restore(ctx, s, p)
		if errs.Has(err, errs.Invalid) {
			return nil, err
		}
		if err != nil {
			return nil, notABackup("its "+s.name+" cannot be restored", err)
		}
		maps.Copy(held, part)
	}
	if index.Contents == nil {
		return held, nil // from before they were noted
	}
	if what := lost(index.Contents, held, r.h.o.Now()); what != "" {
		return nil, notABackup("it doesn't hold what it says: "+what, nil)
	}
	return held, nil
}

// BackupReport says what is in a backup.
type BackupReport struct {
	Taken   time.Time
	Streams int
	Values  int  // that don't expire
	Noted   bool // the backup notes its contents, which were compared; older ones have only checksums of files
}

// VerifyBackup reads a backup and restores it into a temporary folder. It fails with Invalid if the backup isn't
// complete or doesn't hold what it says. It needs no hub; o says where the folder may be, and the limits of buckets.
func VerifyBackup(ctx context.Context, o Options, from io.Reader) (_ BackupReport, err error) {
	o = o.withDefaults()
	specs := tables()
	r, err := rehearse(ctx, o, specs)
	if err != nil {
		return BackupReport{}, err
	}
	defer func() { err = errors.Join(err, r.end()) }()
	parts := map[string]*backupPart{}
	defer func() { err = errors.Join(err, removeAll(parts)) }()
	index, err := r.h.unpack(from, parts)
	if err != nil {
		return BackupReport{}, err
	}
	held, err := r.all(ctx, r.h.kept(), parts, index)
	report := BackupReport{Taken: index.Taken, Streams: len(parts), Noted: index.Contents != nil}
	for _, c := range held {
		report.Values += c.Values
	}
	return report, err
}
