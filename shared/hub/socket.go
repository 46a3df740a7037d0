package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"snug/shared/errs"
)

// The embedded server does not listen and its folder is locked, so only the running Snug itself can
// make a backup: over HTTP on a socket in the data folder, which only the folder's owner can
// access.
const (
	socketFile = "snug.sock"
	socketMost = 100 // path length in bytes that every system accepts for a socket
	backupPath = "/backup"
)

// socket serves backups until it is closed.
type socket struct {
	server *http.Server
	ended  chan struct{}
}

// serveSocket opens the folder's socket. Without it Snug still works, except for live backups.
func (h *Hub) serveSocket() {
	path := filepath.Join(h.o.Dir, socketFile)
	l, err := listenAt(path)
	if err != nil {
		h.log.Warn("hub: cannot open the socket for backups; stop Snug before making one",
			"folder", h.o.Dir, "err", err)
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+backupPath, func(w http.ResponseWriter, r *http.Request) {
		if err := h.Backup(r.Context(), w); err != nil {
			h.log.Error("hub: backup failed", "err", err)
			panic(http.ErrAbortHandler) // the client must not mistake it for a complete backup
		}
	})
	s := &socket{
		server: &http.Server{
			Handler: mux, ReadHeaderTimeout: 5 * time.Second,
			ErrorLog: slog.NewLogLogger(h.log.Handler(), slog.LevelWarn),
		},
		ended: make(chan struct{}),
	}
	go func() {
		defer close(s.ended)
		if err := s.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			h.log.Error("hub: socket for backups closed unexpectedly", "err", err)
		}
		_ = os.Remove(path)
	}()
	h.own(s)
}

// listenAt listens on a socket that only its owner can access. The caller must remove it.
func listenAt(path string) (net.Listener, error) {
	_ = os.Remove(path) // left by a killed process: this process holds the lock
	short, forget, err := shortened(path)
	if err != nil {
		return nil, err
	}
	defer forget()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: short, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // its short name no longer exists at that time
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close(), os.Remove(path))
	}
	return l, nil
}

// shortened returns a name for a path that fits into a socket address. If the path is too long, the
// name goes through a link to its folder. forget removes the link.
func shortened(path string) (short string, forget func(), err error) {
	if len(path) <= socketMost {
		return path, func() {}, nil
	}
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return "", nil, err
	}
	for _, in := range []string{os.TempDir(), "/tmp"} { // the first may be too long as well
		if len(in) > socketMost/2 {
			continue
		}
		var own string
		if own, err = os.MkdirTemp(in, "snug-"); err != nil {
			continue
		}
		link := filepath.Join(own, "data")
		if err = os.Symlink(folder, link); err == nil {
			return filepath.Join(link, filepath.Base(path)), func() { _ = os.RemoveAll(own) }, nil
		}
		_ = os.RemoveAll(own)
	}
	return "", nil, fmt.Errorf("the path %s is too long for a socket, and there is no link to it: %w", path, err)
}

// Close waits for running backups, as long as ctx allows.
func (s *socket) Close(ctx context.Context) error {
	err := s.server.Shutdown(ctx)
	if err != nil {
		err = fmt.Errorf("hub: a backup was cut off: %w", errors.Join(err, s.server.Close()))
	}
	<-s.ended
	return err
}

// BackupOf backs up the hub that o describes. If a running Snug has an embedded hub open, that
// process makes the backup; otherwise BackupOf opens the hub itself.
func BackupOf(ctx context.Context, o Options, w io.Writer) error {
	if o.URL == "" {
		done, err := fetchBackup(ctx, filepath.Join(o.Dir, socketFile), w)
		if done || err != nil {
			return err
		}
		if _, err := os.Stat(filepath.Join(o.Dir, "jetstream")); errors.Is(err, fs.ErrNotExist) {
			return errs.E(errs.NotFound, "%s contains no Snug data. Check --data.", o.Dir).Because(err)
		}
	}
	h, err := Open(ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(h.Backup(ctx, w), h.Close(ctx))
}

// fetchBackup copies a backup from the socket of a running Snug. It returns false if none is
// running.
func fetchBackup(ctx context.Context, path string, w io.Writer) (bool, error) {
	path, forget, err := shortened(path)
	if err != nil {
		return false, nil //nolint:nilerr // then the running Snug has no socket either, and the lock says that it runs
	}
	defer forget()
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
	client := http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://snug"+backupPath, nil)
	if err != nil {
		return false, fmt.Errorf("hub: backup: %w", err)
	}
	resp, err := client.Do(req)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) && op.Op == "dial" && ctx.Err() == nil {
			return false, nil
		}
		return true, fmt.Errorf("hub: backup: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return true, fmt.Errorf("hub: backup: the running Snug answered %s", resp.Status)
	}
	if _, err := io.Copy(w, resp.Body); err != nil {
		return true,
			errs.E(errs.Unavailable,
				"The backup stopped before it was complete. The log of the running Snug says why.").Because(err)
	}
	return true, nil
}
