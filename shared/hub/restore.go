package hub

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"snug/shared/errs"
)

// Restore reads a backup into an empty hub, embedded or cluster. Nothing else may use the hub at
// the same time. The whole backup is checked before anything is changed, by restoring it into a temporary
// folder; what the hub holds afterwards is compared with that. It fails with Conflict if
// the hub already has data, and with Invalid if the backup is incomplete or holds something else than it says.
func (h *Hub) Restore(ctx context.Context, r io.Reader) (err error) {
	parts := map[string]*backupPart{}
	defer func() { err = errors.Join(err, removeAll(parts)) }()
	index, err := h.unpack(r, parts)
	if err != nil {
		return err
	}
	for _, s := range h.kept() {
		if err := h.mustBeEmpty(ctx, s); err != nil {
			return err
		}
	}
	want, err := h.rehearseAll(ctx, parts, index)
	if err != nil {
		return err
	}
	held := map[string]Contents{}
	for _, s := range h.kept() {
		p := parts[s.stream()]
		if p == nil {
			continue // the backup is older than this bucket
		}
		if err := h.restoreStream(ctx, s, p); err != nil {
			return fmt.Errorf("hub: restoring %s; begin again with an empty hub: %w", s.name, err)
		}
		part, err := h.contents(ctx, s)
		if err != nil {
			return fmt.Errorf("hub: checking %s; begin again with an empty hub: %w", s.name, err)
		}
		maps.Copy(held, part)
	}
	if what := lost(want, held, h.o.Now()); what != "" {
		return errs.E(errs.Unavailable,
			"The hub doesn't hold what was restored: %s. Check its disk, and begin again with an empty hub.", what)
	}
	return h.ensure(ctx, true, h.o.ConnectTimeout) // missing buckets, and limits changed since
}

// rehearseAll restores a backup into a temporary folder, and returns what it holds.
func (h *Hub) rehearseAll(
	ctx context.Context, parts map[string]*backupPart, index *backupIndex,
) (held map[string]Contents, err error) {
	r, err := rehearse(ctx, h.o, h.specs)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.end()) }()
	return r.all(ctx, h.kept(), parts, index)
}

// removeAll removes the temporary files of a backup's parts.
func removeAll(parts map[string]*backupPart) (err error) {
	for _, p := range parts {
		err = errors.Join(err, p.remove())
	}
	return err
}

// backupPart is one stream of a backup.
type backupPart struct {
	meta struct {
		Config map[string]any  `json:"config"`
		State  json.RawMessage `json:"state"`
	}
	file   *os.File
	sum    string
	remove func() error
}

func notABackup(why string, err error) error {
	return errs.E(errs.Invalid, "This isn't a complete Snug backup: %s. Use another file.", why).Because(err)
}

// unpack reads the tar into temporary files and checks that it is complete.
func (h *Hub) unpack(r io.Reader, parts map[string]*backupPart) (*backupIndex, error) {
	known := map[string]bool{}
	for _, s := range h.kept() {
		known[s.stream()] = true
	}
	var index *backupIndex
	in := tar.NewReader(r)
	for {
		head, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, notABackup("it is damaged or cut short", err)
		}
		if head.Name == backupEnd {
			index = new(backupIndex)
			if err := json.NewDecoder(in).Decode(index); err != nil {
				return nil, notABackup("its index cannot be read", err)
			}
			continue
		}
		stream, kind, _ := strings.Cut(head.Name, ".")
		if !known[stream] {
			return nil, notABackup(
				"it holds "+stream+", which this version does not know; use the version that made it", nil)
		}
		if err := h.unpackFile(in, parts, stream, kind); err != nil {
			return nil, notABackup(head.Name+" cannot be read", err)
		}
	}
	switch {
	case index == nil:
		return nil, notABackup("its end is missing", nil)
	case index.Form != backupForm:
		return nil, notABackup(fmt.Sprintf("it has form %d, which this version does not know", index.Form), nil)
	}
	for stream, sum := range index.Streams {
		if p := parts[stream]; p == nil || p.sum != sum || p.meta.Config == nil {
			return nil, notABackup("its "+stream+" is damaged", nil)
		}
	}
	return index, nil
}

func (h *Hub) unpackFile(in io.Reader, parts map[string]*backupPart, stream, kind string) error {
	p := parts[stream]
	if p == nil {
		p = &backupPart{remove: func() error { return nil }}
		parts[stream] = p
	}
	switch kind {
	case "json":
		return json.NewDecoder(in).Decode(&p.meta)
	case "snapshot":
		if p.file != nil {
			return errors.New("hub: it is there twice")
		}
		f, remove, err := h.spool()
		if err != nil {
			return err
		}
		p.file, p.remove = f, remove
		hash := sha256.New()
		if _, err := io.Copy(io.MultiWriter(f, hash), in); err != nil {
			return err
		}
		p.sum = hex.EncodeToString(hash.Sum(nil))
		return nil
	}
	return errors.New("hub: unknown kind of file")
}

// mustBeEmpty fails with Conflict if a stream has anything other than the hub's own keys.
func (h *Hub) mustBeEmpty(ctx context.Context, s spec) error {
	st := newStore(h, s)
	found := false
	filter := ">"
	if !s.audit {
		filter = st.prefix + ">"
	}
	c := latest(filter)
	c.HeadersOnly = true
	err := h.scan(ctx, st.stream, c, func(i item) (bool, error) {
		found = s.audit || i.key(st) != ""
		return !found, nil
	})
	if err == nil && found {
		err = errs.E(errs.Conflict,
			"The hub already holds data (in %s). Restore into an empty data folder or an empty NATS account.", s.name)
	}
	return err
}

// restoreStream replaces an empty stream with the one in the backup.
func (h *Hub) restoreStream(ctx context.Context, s spec, p *backupPart) error {
	if p.file == nil {
		return notABackup("the snapshot of "+s.name+" is missing", nil)
	}
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := h.link.js.DeleteStream(ctx, s.stream()); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return err
	}
	// Always use Snug's own configuration: one from a file could copy the stream from or to
	// anywhere.
	wanted := struct {
		Config jetstream.StreamConfig `json:"config"`
		State  json.RawMessage        `json:"state"`
	}{h.config(s), p.meta.State}
	var begun struct {
		Error   *jetstream.APIError `json:"error"`
		Deliver string              `json:"deliver_subject"`
	}
	if err := h.ask(ctx, "$JS.API.STREAM.RESTORE."+s.stream(), wanted, &begun); err != nil {
		return err
	}
	if begun.Error != nil {
		return begun.Error
	}
	chunk := make([]byte, snapChunk)
	for {
		n, err := io.ReadFull(p.file, chunk)
		if n > 0 {
			if err := h.sendChunk(ctx, begun.Deliver, chunk[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return h.sendChunk(ctx, begun.Deliver, nil) // the end; answered once the stream exists
		}
		if err != nil {
			return err
		}
	}
}

// chunkTime limits how long the server may take for a chunk of a snapshot: after the last one it
// writes the stream's files, possibly to a slow disk.
const chunkTime = 2 * time.Minute

// sendChunk sends a chunk of a snapshot and waits until the server has received it.
func (h *Hub) sendChunk(ctx context.Context, subject string, chunk []byte) error {
	ctx, cancel := within(ctx, chunkTime, h.link.present())
	defer cancel()
	m, err := h.link.nc.RequestWithContext(ctx, subject, chunk)
	if err != nil {
		return because(ctx, err)
	}
	if len(m.Data) == 0 {
		return nil
	}
	var answer struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return err
	}
	if answer.Error != nil {
		return answer.Error
	}
	return nil
}
