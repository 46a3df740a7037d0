package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"snug/shared/backups"
	"snug/shared/config"
	"snug/shared/hub"
	"snug/shared/terminal"
)

// store holds the flags that say which hub to back up or restore.
type store struct {
	Data      string `env:"SNUG_DATA" default:"data" help:"The data folder."`
	NATSURL   string `name:"nats-url" env:"SNUG_NATS_URL" placeholder:"URL" help:"${data_or_nats_url}"`
	Replicas  int    `name:"nats-replicas" env:"SNUG_NATS_REPLICAS" default:"0" help:"${nats_replicas}"`
	NATSCreds string `name:"nats-creds" env:"SNUG_NATS_CREDS" type:"path" placeholder:"FILE" help:"${nats_creds}"`
	NATSCA    string `name:"nats-ca" env:"SNUG_NATS_CA" type:"path" placeholder:"FILE" help:"${nats_ca}"`
	config.FromFile
	config.Log
}

func (s store) serve() config.Serve {
	return config.Serve{
		Data: s.Data, NATSURL: s.NATSURL, NATSCreds: s.NATSCreds, NATSCA: s.NATSCA, NATSReplicas: s.Replicas,
	}
}

type backupCmd struct {
	store
	File   string `arg:"" help:"The file to write. It must not exist yet. Use - for standard output."`
	Verify bool   `help:"Check a backup that exists: it's complete, can be restored, and holds what it says."`
}

// Help returns examples.
func (*backupCmd) Help() string {
	return examples(
		"snug backup snug-2026-11-29.tar", "Write a backup. Snug can keep running.",
		"snug backup --verify snug-2026-11-29.tar", "Check it. Snug can keep running, or be anywhere else.",
		"snug backup - | age -r age1… > snug.tar.age", "Encrypt it on its way.",
	)
}

// Run writes a backup, or checks one. If writing fails, it leaves no file.
func (c *backupCmd) Run(w world) (err error) {
	log, err := logger(c.Log, w.err)
	if err != nil {
		return err
	}
	if c.Verify {
		return c.verify(w, log)
	}
	if c.File == "-" {
		return hub.BackupOf(w.ctx, hubOptions(c.serve(), log), w.out)
	}
	err = backups.Write(c.File, func(f io.Writer) error {
		bar := terminal.Bytes(w.err, -1, "Backing up")
		defer bar.Done()
		return hub.BackupOf(w.ctx, hubOptions(c.serve(), log), io.MultiWriter(f, bar))
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(w.out,
		"Backed up to %s. It contains sealed logins: keep it and the session secret where only you can read them.\n",
		c.File)
	return nil
}

// verify checks a backup by restoring it into a temporary folder.
func (c *backupCmd) verify(w world, log *slog.Logger) error {
	in := w.in
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return fmt.Errorf("can't read the backup: %w", err)
		}
		defer f.Close()
		in = f
	}
	r, err := hub.VerifyBackup(w.ctx, hub.Options{Log: log}, in)
	if err != nil {
		return err
	}
	if !r.Noted {
		fmt.Fprintln(w.out,
			"It's from a version that didn't note what a backup holds, so only its files were compared.")
	}
	fmt.Fprintf(w.out, "%s is complete and can be restored: %s of %s, as of %s.\n", c.File, count(r.Values, "value"),
		count(r.Streams, "kind"), r.Taken.UTC().Format(time.RFC3339))
	return nil
}

type restoreCmd struct {
	store
	File string `arg:"" type:"existingfile" help:"The backup to restore."`
}

// Help returns examples.
func (*restoreCmd) Help() string {
	return examples("snug restore snug-2026-11-29.tar --data /var/lib/snug", "Restore into an empty folder.")
}

// Run restores a backup. If that fails, a data folder that was missing or empty is so again.
func (c *restoreCmd) Run(w world) (err error) {
	log, err := logger(c.Log, w.err)
	if err != nil {
		return err
	}
	f, err := os.Open(c.File)
	if err != nil {
		return fmt.Errorf("can't read the backup: %w", err)
	}
	defer f.Close()
	if c.NATSURL == "" {
		undo, e := emptied(c.Data)
		if e != nil {
			return e
		}
		defer func() {
			if err != nil {
				err = errors.Join(err, undo())
			}
		}()
	}
	h, err := openHub(w.ctx, c.serve(), log, nil)
	if err != nil {
		return err
	}
	size := int64(-1)
	if info, err := f.Stat(); err == nil {
		size = info.Size()
	}
	bar := terminal.Bytes(w.err, size, "Restoring")
	err = h.Restore(w.ctx, io.TeeReader(f, bar))
	bar.Done()
	if err := errors.Join(err, h.Close(context.WithoutCancel(w.ctx))); err != nil {
		return err
	}
	fmt.Fprintf(w.out,
		"Restored %s. Start Snug with the session secret from the time of the backup. "+
			"Otherwise everyone has to sign in again.\n",
		c.File)
	return nil
}

// emptied returns a function that removes everything put into a folder from now on, if the folder is empty or missing.
// It does nothing to one that already has something in it.
func emptied(folder string) (undo func() error, err error) {
	path, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	if made := firstMissing(path); made != "" {
		return func() error { return os.RemoveAll(made) }, nil
	}
	inside := func() ([]os.DirEntry, error) { return os.ReadDir(path) }
	before, err := inside()
	if err != nil {
		return nil, fmt.Errorf("can't read the data folder: %w. Choose another with --data or SNUG_DATA", err)
	}
	if len(before) > 0 {
		return func() error { return nil }, nil
	}
	return func() error {
		all, err := inside()
		for _, e := range all {
			err = errors.Join(err, os.RemoveAll(filepath.Join(path, e.Name())))
		}
		return err
	}, nil
}

// firstMissing returns the outermost folder of a path that doesn't exist, or "" if all do.
func firstMissing(path string) (missing string) {
	for ; !isThere(path); path = filepath.Dir(path) {
		missing = path
	}
	return missing
}

func isThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
