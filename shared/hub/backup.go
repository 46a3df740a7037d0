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
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A backup is a tar file. For each stream it has NAME.json (configuration and state) and
// NAME.snapshot (NATS's own snapshot, which "nats stream restore" can read too), and at the end
// end.json with the checksums. A backup without end.json is truncated.
const (
	backupForm  = 1
	backupEnd   = "end.json"
	snapChunk   = 128 << 10
	snapSilence = 15 * time.Second
)

// backupIndex is the content of end.json.
type backupIndex struct {
	Form    int               `json:"form"`
	Taken   time.Time         `json:"taken"`
	Streams map[string]string `json:"streams"` // name → SHA-256 of its snapshot
	// Contents is what was there when the snapshots were restored once; nil in backups of before that.
	Contents map[string]Contents `json:"contents,omitempty"`
}

// kept returns the streams that a backup contains: those on disk, except scratch ones.
func (h *Hub) kept() (list []spec) {
	for _, s := range h.specs {
		if !s.memory && !s.scratch {
			list = append(list, s)
		}
	}
	return list
}

// Backup writes all buckets and streams on disk to w, as a tar, while the hub stays in use. Each
// bucket is consistent in itself, but different buckets are copied at slightly different moments;
// the sweep of rooms repairs the differences.
//
// Each is restored once, into a temporary folder, so that the backup can note what it holds.
func (h *Hub) Backup(ctx context.Context, w io.Writer) (err error) {
	out := tar.NewWriter(w)
	index := backupIndex{
		Form: backupForm, Taken: h.o.Now().UTC(), Streams: map[string]string{}, Contents: map[string]Contents{},
	}
	r, err := rehearse(ctx, h.o, h.specs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.end()) }()
	for _, s := range h.kept() {
		if err := h.backupStream(ctx, out, s, &index, r); err != nil {
			return fmt.Errorf("hub: backup of %s: %w", s.name, err)
		}
	}
	end, err := json.Marshal(index)
	if err != nil {
		return fmt.Errorf("hub: backup: %w", err)
	}
	if err := addFile(out, backupEnd, index.Taken, int64(len(end)), nil, end); err != nil {
		return fmt.Errorf("hub: backup: %w", err)
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("hub: backup: %w", err)
	}
	return nil
}

// addFile adds one file to a tar. Its content is read from from, or is data if from is nil.
func addFile(out *tar.Writer, name string, at time.Time, size int64, from io.Reader, data []byte) error {
	if err := out.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: at}); err != nil {
		return err
	}
	if from != nil {
		_, err := io.Copy(out, from)
		return err
	}
	_, err := out.Write(data)
	return err
}

// spool creates a temporary file and returns a function that closes and removes it.
func (h *Hub) spool() (*os.File, func() error, error) {
	f, err := os.CreateTemp(h.o.temp(), "spool-*")
	if err != nil {
		return nil, nil, err
	}
	return f, func() error { return errors.Join(f.Close(), os.Remove(f.Name())) }, nil
}

func (h *Hub) backupStream(
	ctx context.Context, out *tar.Writer, s spec, index *backupIndex, r *rehearsal,
) (err error) {
	f, remove, err := h.spool() // a tar header needs the size first
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	stream, hash := s.stream(), sha256.New()
	meta, err := h.snapshot(ctx, stream, io.MultiWriter(f, hash))
	if err != nil {
		return err
	}
	if err := addFile(out, stream+".json", index.Taken, int64(len(meta)), nil, meta); err != nil {
		return err
	}
	part := backupPart{file: f}
	if err := json.Unmarshal(meta, &part.meta); err != nil {
		return err
	}
	held, err := r.restore(ctx, s, &part)
	if err != nil {
		return fmt.Errorf("it cannot be restored: %w", err)
	}
	maps.Copy(index.Contents, held)
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	index.Streams[stream] = hex.EncodeToString(hash.Sum(nil))
	return addFile(out, stream+".snapshot", index.Taken, size, f, nil)
}

// snapshot writes the server's snapshot of a stream to w and returns the stream's configuration and
// state. It uses the protocol of "nats stream backup".
func (h *Hub) snapshot(ctx context.Context, stream string, w io.Writer) ([]byte, error) {
	nc := h.link.nc
	sub, err := nc.SubscribeSync(nc.NewInbox())
	if err != nil {
		return nil, err
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return nil, err
	}
	var meta struct {
		Error  *jetstream.APIError `json:"error,omitempty"`
		Config json.RawMessage     `json:"config"`
		State  json.RawMessage     `json:"state"`
	}
	if err := h.ask(ctx, "$JS.API.STREAM.SNAPSHOT."+stream, map[string]any{
		"deliver_subject": sub.Subject, "no_consumers": true, "chunk_size": snapChunk,
	}, &meta); err != nil {
		return nil, err
	}
	if meta.Error != nil {
		return nil, meta.Error
	}
	for {
		m, err := nextWithin(ctx, sub, snapSilence)
		if err != nil {
			return nil, err
		}
		if len(m.Data) == 0 {
			if status := m.Header.Get("Status"); status != "" && status != "204" {
				return nil, fmt.Errorf("hub: the server ended the snapshot: %s %s", status, m.Header.Get("Description"))
			}
			return json.Marshal(meta)
		}
		if _, err := w.Write(m.Data); err != nil {
			return nil, err
		}
		if m.Reply != "" {
			if err := nc.Publish(m.Reply, nil); err != nil {
				return nil, err
			}
		}
	}
}

func nextWithin(ctx context.Context, sub *nats.Subscription, d time.Duration) (*nats.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return sub.NextMsgWithContext(ctx)
}

// ask sends a JetStream API request and decodes the answer into resp.
func (h *Hub) ask(ctx context.Context, subject string, req, resp any) error {
	body, err := json.Marshal(req)
	if err != nil {
		return err
	}
	ctx, cancel := within(ctx, 2*snapSilence, h.link.present())
	defer cancel()
	m, err := h.link.nc.RequestWithContext(ctx, subject, body)
	if err != nil {
		return because(ctx, err)
	}
	return json.Unmarshal(m.Data, resp)
}
