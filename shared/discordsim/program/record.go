package program

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"snug/shared/discordsim"
	"snug/shared/discordsim/record"
)

// records are what the program records and replays, if it does.
type records struct {
	file     *os.File
	recorder *record.Recorder
	player   *record.Player
}

// openRecords opens the files of --record and --replay, and makes a simulator with these options tell what happens.
func (f *Flags) openRecords(o *discordsim.Options) (*records, error) {
	r := &records{}
	if f.ReplayFast && f.Replay == "" {
		return nil, errors.New("--replay-fast says how to replay; add --replay FILE, or leave it out")
	}
	if f.Replay != "" {
		file, err := os.Open(f.Replay)
		if err != nil {
			return nil, fmt.Errorf("--replay: %w", err)
		}
		r.player, err = record.Read(file)
		if err = errors.Join(err, file.Close()); err != nil {
			return nil, fmt.Errorf("--replay: %s: %w", f.Replay, err)
		}
		r.player.Follow(o)
	}
	if f.Record != "" {
		var err error
		if r.file, err = os.OpenFile(f.Record, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600); err != nil {
			return nil, fmt.Errorf("--record: %w", err)
		}
		r.recorder = record.NewRecorder(r.file)
		r.recorder.Follow(o)
	}
	return r, nil
}

// begin is called once the world is built.
func (r *records) begin(s *discordsim.Server) error {
	if r.recorder != nil {
		r.recorder.Begin(s)
	}
	if r.player == nil {
		return nil
	}
	if err := r.player.Begin(s); err != nil {
		return fmt.Errorf("--replay: %w", err)
	}
	return nil
}

// close ends the record, and returns what went wrong with it.
func (r *records) close() error {
	if r.recorder == nil {
		return nil
	}
	return errors.Join(r.recorder.Err(), r.file.Close())
}

// replay does what the record says, and prints how it differs. Differences are an error.
func (f *Flags) replay(ctx context.Context, s *discordsim.Server, p *record.Player, out, errw io.Writer) error {
	report, err := p.Play(ctx, s, record.PlayOptions{Fast: f.ReplayFast, Patience: f.ReplayWait,
		Waiting: func(bot string) {
			fmt.Fprintf(errw, "waiting for the bot %q, which the record has: start it\n", bot)
		}})
	if err != nil {
		return fmt.Errorf("--replay: %w", err)
	}
	if f.JSON {
		err = json.NewEncoder(out).Encode(map[string]*record.Report{"replay": report})
	} else {
		err = report.Print(out)
	}
	if n := len(report.Differences); err == nil && n > 0 {
		err = fmt.Errorf("the replay has %d differences from the record", n)
	}
	return err
}
