package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"

	"snug/shared/errs"
)

const (
	lockFile     = "LOCK"
	headRoom     = 4 << 10 // bytes of a message in addition to its value
	defaultValue = 8<<20 - headRoom
	startWait    = 20 * time.Second // how long the embedded server may take to start, even with large stores
	// bytes that must be free on the data folder's disk for the hub to report ready
	minFree = 32 << 20
)

// engine is the embedded server: the lock on its folder, the server itself, and a goroutine that
// restarts it once a disk fault is over. A stream whose disk has failed one write refuses all later
// ones until the server restarts, so freeing space alone would not help.
//
// It implements nats.InProcessConnProvider, so that a disconnected client finds the next server.
type engine struct {
	opts   server.Options
	lock   *flock.Flock
	log    *slog.Logger
	server atomic.Pointer[server.Server]

	mu        sync.Mutex
	fault     error           // why writes to files fail; nil if they do not
	disk      context.Context // ends when a fault is recorded
	breakDisk context.CancelCauseFunc

	faulty chan struct{} // receives when a fault is recorded
	quit   chan struct{}
	done   chan struct{}
	pause  time.Duration // before the first check whether a fault is over
}

// startEngine locks o.Dir and starts a server in it that may use the given number of bytes.
func startEngine(o Options, memory, store int64) (*engine, error) {
	dir := o.Dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, folderError(dir, err)
	}
	if err := mayWrite(dir); err != nil {
		return nil, folderError(dir, err)
	}
	// Two servers in one folder lose acknowledged writes, so lock the folder first.
	lock := flock.New(filepath.Join(dir, lockFile), flock.SetPermissions(0o600))
	held, err := lock.TryLock()
	if err != nil {
		return nil, folderError(dir, err)
	}
	if !held {
		return nil, errs.E(errs.Conflict,
			"Another Snug is using the data folder %s. Stop it first, or start this one with another folder (--data).",
			dir)
	}
	for _, left := range []string{"spool-*", "rehearsal-*"} { // by a backup that was killed
		names, _ := fs.Glob(os.DirFS(dir), left) // the pattern is right
		for _, name := range names {
			if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
				o.Log.Warn("hub: cannot remove what a backup left", "file", name, "err", err)
			}
		}
	}
	e := &engine{
		opts: server.Options{
			ServerName: "snug", DontListen: true, NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: dir, SyncAlways: !o.unsynced, DisableJetStreamBanner: true,
			JetStreamMaxMemory: memory, JetStreamMaxStore: store,
			MaxPayload: int32(o.MaxValue) + headRoom,
		},
		lock: lock, log: o.Log, pause: o.diskPause,
		faulty: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
	}
	e.disk, e.breakDisk = context.WithCancelCause(context.Background())
	if err := e.start(); err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	go e.tend()
	return e, nil
}

// mayWrite fails if files cannot be created in a folder. It accepts a full disk, because stored
// data can still be read.
func mayWrite(dir string) error {
	f, err := os.CreateTemp(dir, "probe-*")
	if err == nil {
		return errors.Join(f.Close(), os.Remove(f.Name()))
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return err
	}
	return nil
}

func folderError(dir string, err error) error {
	what := "cannot be used"
	if errors.Is(err, fs.ErrPermission) {
		what = "cannot be written by this user"
	}
	return errs.E(errs.Unavailable,
		"The data folder %s %s. Check that it exists, that its owner is right, and that the disk is not full.", dir,
		what).Because(err)
}

func (e *engine) start() error {
	opts := e.opts // the server modifies its options
	s, err := server.NewServer(&opts)
	if err != nil {
		return fmt.Errorf("hub: embedded server: %w", err)
	}
	l := &serverLog{log: e.log, fault: e.fail}
	s.SetLoggerV2(l, false, false, false)
	s.Start()
	if l.died() || !s.ReadyForConnections(startWait) || !s.JetStreamEnabled() {
		// after a fatal log line the server never becomes ready
		s.Shutdown()
		s.WaitForShutdown()
		return errs.E(errs.Unavailable,
			"The embedded hub did not start in %s. The log says why; if its files are damaged, "+
				"restore a backup into an empty folder.",
			e.opts.StoreDir).
			Because(fmt.Errorf("hub: embedded server: %s", l.last()))
	}
	e.server.Store(s)
	return nil
}

// InProcessConn connects to the current server.
func (e *engine) InProcessConn() (net.Conn, error) { return e.server.Load().InProcessConn() }

// fail records that the disk refused a write.
func (e *engine) fail(text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fault != nil {
		return
	}
	e.fault = errs.E(errs.Unavailable,
		"Snug can't save anything: the disk is full or broken. The person who hosts it has to free space on the "+
			"disk of %s.",
		e.opts.StoreDir).
		Because(errors.New("hub: " + text))
	e.breakDisk(e.fault)
	select {
	case e.faulty <- struct{}{}:
	default:
	}
}

// state returns the fault, if any, and a context that ends with the next one.
func (e *engine) state() (context.Context, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.disk, e.fault
}

// tend restarts the server once the disk accepts writes again.
func (e *engine) tend() {
	defer close(e.done)
	for {
		select {
		case <-e.quit:
			return
		case <-e.faulty:
		}
		_, fault := e.state()
		e.log.Error("hub: the disk refused a write: nothing is saved until it accepts writes again",
			"folder", e.opts.StoreDir, "err", fault)
		for wait := e.pause; ; wait = min(2*wait, time.Minute) {
			timer := time.NewTimer(wait)
			select {
			case <-e.quit:
				timer.Stop()
				return
			case <-timer.C:
			}
			if err := e.checkDisk(); err != nil {
				e.log.Warn("hub: the disk still refuses writes", "folder", e.opts.StoreDir, "err", err)
				continue
			}
			if e.restart() {
				break
			}
		}
	}
}

// restart replaces the server; clients reconnect on their own.
func (e *engine) restart() bool {
	old := e.server.Load()
	old.Shutdown()
	old.WaitForShutdown()
	e.mu.Lock()
	e.fault = nil
	e.disk, e.breakDisk = context.WithCancelCause(context.Background())
	e.mu.Unlock()
	if err := e.start(); err != nil {
		e.log.Error("hub: cannot restart the embedded server", "err", err)
		e.fail(err.Error())
		select { // the loop in tend retries on its own
		case <-e.faulty:
		default:
		}
		return false
	}
	e.log.Info("hub: the disk accepts writes again: restarted the embedded server", "folder", e.opts.StoreDir)
	return true
}

// checkDisk fails if the data folder's disk has too little space or refuses a write.
func (e *engine) checkDisk() error {
	if free, ok := freeBytes(e.opts.StoreDir); ok && free < minFree {
		return errs.E(errs.Unavailable, "The disk of Snug's data folder %s has only %d MB left. Free some space.",
			e.opts.StoreDir, free>>20)
	}
	f, err := os.CreateTemp(e.opts.StoreDir, "probe-*")
	if err != nil {
		return folderError(e.opts.StoreDir, err)
	}
	_, err = f.Write(make([]byte, 64<<10))
	err = errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
	if err != nil {
		return folderError(e.opts.StoreDir, err)
	}
	return nil
}

// stop stops the server and unlocks the folder. If ctx ends first, the folder stays locked, because
// the server may still be writing.
func (e *engine) stop(ctx context.Context) error {
	close(e.quit)
	ended := make(chan struct{})
	go func() { // outlives stop only if the server does not end
		defer close(ended)
		<-e.done
		s := e.server.Load()
		s.Shutdown()
		s.WaitForShutdown()
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		return fmt.Errorf("hub: the embedded server did not stop in time: %w", ctx.Err())
	}
	if err := e.lock.Unlock(); err != nil {
		return fmt.Errorf("hub: unlocking the data folder: %w", err)
	}
	return nil
}
