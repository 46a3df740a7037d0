// Package backups takes backups of the hub on a schedule, into a folder, checks them there, and removes the oldest of
// its own. Of the processes that share a hub, one takes each backup.
package backups

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"snug/shared/errs"
	"snug/shared/hub"
)

const (
	// again is how long after a failure, or after a process that died, the next one is tried.
	again = 15 * time.Minute
	// tooLong is how long a backup may take before another process takes it over.
	tooLong = 2 * time.Hour
	// skew is how far apart the clocks of processes may be. A time that is further ahead comes from a clock that was
	// wrong, and must not hold up backups until then.
	skew = 10 * time.Minute
)

// Options say what is backed up, where to, and how often. All are required, but for Temp.
type Options struct {
	Folder string
	Every  time.Duration
	Keep   int // how many backups the folder keeps, at least 1
	Hub    *hub.Hub
	Temp   string // where a backup is restored to check it; "" is the system's folder
	Now    func() time.Time
	Log    *slog.Logger
}

// Backups takes them. Call Run often.
type Backups struct {
	o      Options
	write  func(context.Context, io.Writer) error
	verify func(context.Context, io.Reader) error

	last   prometheus.Gauge
	failed prometheus.Counter
}

// New registers the metrics.
func New(o Options, r prometheus.Registerer) (*Backups, error) {
	b := &Backups{
		o: o, write: o.Hub.Backup,
		verify: func(ctx context.Context, in io.Reader) error {
			_, err := hub.VerifyBackup(ctx, hub.Options{Log: o.Log, Temp: o.Temp}, in)
			return err
		},
		last: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "snug_backup_last_timestamp_seconds",
			Help: "When the last good backup on the schedule was taken, by any process; 0 if there's none.",
		}),
		failed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "snug_backup_failures_total", Help: "Backups on the schedule that failed in this process.",
		}),
	}
	every := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "snug_backup_interval_seconds", Help: "How often a backup is taken.",
	})
	every.Set(o.Every.Seconds())
	return b, errors.Join(r.Register(b.last), r.Register(b.failed), r.Register(every))
}

// Run takes a backup if one is due and no other process is taking it. The log has what failed, too. It isn't for
// several goroutines.
func (b *Backups) Run(ctx context.Context) error {
	turn, mine, err := b.claim(ctx)
	if err != nil {
		if ctx.Err() == nil {
			b.o.Log.Warn("can't ask the hub whether a backup is due", "err", err)
		}
		return err
	}
	b.see(turn)
	if !mine {
		return nil
	}
	began := time.Now()
	made, old, err := b.take(ctx, turn.Began)
	switch {
	case err != nil && ctx.Err() != nil: // Snug is stopping: that's no failure
	case err != nil:
		b.failed.Inc()
		b.o.Log.Error("backup failed", "folder", b.o.Folder, "err", err, "again_in", again)
	default:
		b.o.Log.Info("backup taken and checked", "file", filepath.Join(b.o.Folder, made.Name), "bytes", made.Size,
			"took", time.Since(began).Round(time.Millisecond))
	}
	if old != nil {
		b.failed.Inc()
		b.o.Log.Error("old backups could not be removed", "folder", b.o.Folder, "err", old)
	}
	return errors.Join(err, old, b.finish(ctx, turn.Began, made, err))
}

// see keeps what metrics say.
func (b *Backups) see(t hub.BackupTurn) {
	if !t.Last.IsZero() {
		b.last.Set(float64(t.Last.Unix()))
	}
}

// due reports whether it's time for a backup.
func due(t hub.BackupTurn, now time.Time, every time.Duration) bool {
	last, wait := t.Last, every
	switch {
	case t.Holder != "": // a process died: it may have died of this, so not at once
		last, wait = t.Began, again
	case t.Failed > 0:
		last, wait = t.Tried, again
	}
	return !now.Before(last.Add(wait)) || last.After(now.Add(skew))
}

// busy reports whether another process is taking one.
func (b *Backups) busy(ctx context.Context, t hub.BackupTurn, now time.Time) bool {
	if t.Holder == "" || now.Sub(t.Began) > tooLong || t.Began.After(now.Add(skew)) {
		return false
	}
	return t.Holder != b.o.Hub.Self() && b.o.Hub.Alive(ctx, t.Holder)
}

// claim makes the next backup this process's, if it is due and nobody else's.
func (b *Backups) claim(ctx context.Context) (_ hub.BackupTurn, mine bool, err error) {
	now := b.o.Now()
	before, _, err := b.o.Hub.Backups.Latest(ctx, hub.BackupKey)
	if err != nil && !errs.Has(err, errs.NotFound) {
		return before, false, err
	}
	if !due(before, now, b.o.Every) || b.busy(ctx, before, now) {
		return before, false, nil
	}
	t, _, err := b.o.Hub.Backups.EditOrCreate(ctx, hub.BackupKey, func(t *hub.BackupTurn) error {
		mine = t.Holder == before.Holder && t.Began.Equal(before.Began) && due(*t, now, b.o.Every)
		if !mine {
			return hub.Unchanged // another process was faster
		}
		if t.Holder != "" {
			t.Tried, t.Error = t.Began, "The process "+t.Name+" ended, or hung, while it took a backup. See its log."
			t.Failed++
		}
		t.Holder, t.Name, t.Began, t.Every = b.o.Hub.Self(), hub.Where(), now, b.o.Every
		return nil
	})
	return t, mine && err == nil, err
}

// finish ends the claim, and says how it went. With a canceled ctx, the backup wasn't made and is still due.
func (b *Backups) finish(ctx context.Context, began time.Time, made Entry, failure error) error {
	stopping := ctx.Err() != nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	t, _, err := b.o.Hub.Backups.EditOrCreate(ctx, hub.BackupKey, func(t *hub.BackupTurn) error {
		ours := t.Holder == b.o.Hub.Self() && t.Began.Equal(began)
		switch {
		case failure == nil && (ours || made.Taken.After(t.Last)):
			t.Last, t.File, t.Size, t.By = made.Taken, filepath.Join(b.o.Folder, made.Name), made.Size, hub.Where()
			t.Tried, t.Failed, t.Error = time.Time{}, 0, ""
		case !ours:
			return hub.Unchanged // it took too long, and another process has the turn
		case failure != nil && !stopping:
			t.Tried, t.Error = b.o.Now(), failure.Error()
			t.Failed++
		}
		if ours {
			t.Holder, t.Began = "", time.Time{}
		}
		return nil
	})
	if err != nil {
		b.o.Log.Warn("can't note in the hub how a backup went", "err", err)
		return err
	}
	b.see(t)
	return nil
}

// take writes a backup, checks the file, and removes the oldest. It returns apart what failed about the oldest: the
// backup is good all the same.
func (b *Backups) take(ctx context.Context, at time.Time) (made Entry, old, err error) {
	f, err := open(b.o.Folder)
	if err != nil {
		return made, nil, err
	}
	defer f.close()
	if made, err = f.add(at, func(w io.Writer) error { return b.write(ctx, w) },
		func(path string) error { return b.check(ctx, path) }); err != nil {
		return Entry{}, nil, explain(b.o.Folder, err)
	}
	if err := f.prune(b.o.Keep); err != nil {
		return made, explain(b.o.Folder, err), nil
	}
	return made, nil, nil
}

// check reads the file that was written, and restores it once.
func (b *Backups) check(ctx context.Context, path string) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := b.verify(ctx, in); err != nil {
		return fmt.Errorf("the backup was written, but can't be restored: %w. Check the disk", err)
	}
	return nil
}
