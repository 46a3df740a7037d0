package main

import (
	"errors"
	"fmt"
	"os"

	"snug/shared/config"
	"snug/shared/hub"
)

// store says which hub a backup is of.
type store struct {
	Data      string `env:"SNUG_DATA" default:"data" help:"The data folder."`
	NATSURL   string `name:"nats-url" env:"SNUG_NATS_URL" placeholder:"URL" help:"The NATS server or cluster, instead of a data folder."`
	Replicas  int    `name:"nats-replicas" env:"SNUG_NATS_REPLICAS" default:"0" help:"How many servers of the cluster keep a copy, 1 to 5; 0: three in a cluster."`
	NATSCreds string `name:"nats-creds" env:"SNUG_NATS_CREDS" type:"path" placeholder:"FILE" help:"Credentials file for it."`
	config.Log
}

func (s store) serve() config.Serve {
	return config.Serve{Data: s.Data, NATSURL: s.NATSURL, NATSCreds: s.NATSCreds, NATSReplicas: s.Replicas}
}

type backupCmd struct {
	store
	File string `arg:"" help:"The file to write, which must not exist; - for standard output."`
}

// Run writes a backup; a file that is not complete does not stay.
func (c *backupCmd) Run(w world) (err error) {
	if c.File == "-" {
		return hub.BackupOf(w.ctx, hubOptions(c.serve(), logger(c.Log, w.err)), w.out)
	}
	f, err := os.OpenFile(c.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("the backup cannot be written: %w. Choose a file that does not exist", err)
	}
	if err := errors.Join(hub.BackupOf(w.ctx, hubOptions(c.serve(), logger(c.Log, w.err)), f), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(c.File))
	}
	fmt.Fprintf(w.out, "Wrote %s. It holds sealed logins: keep it, and the session secret, where only you can read them.\n", c.File)
	return nil
}

type restoreCmd struct {
	store
	File string `arg:"" type:"existingfile" help:"The backup to read."`
}

// Run reads a backup.
func (c *restoreCmd) Run(w world) (err error) {
	f, err := os.Open(c.File)
	if err != nil {
		return fmt.Errorf("the backup cannot be read: %w", err)
	}
	defer f.Close()
	h, err := openHub(w.ctx, c.serve(), logger(c.Log, w.err), nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close(w.ctx)) }()
	if err := h.Restore(w.ctx, f); err != nil {
		return err
	}
	fmt.Fprintf(w.out, "Restored %s. Start Snug with the session secret of the time of the backup, or everybody has to sign in again.\n", c.File)
	return nil
}
