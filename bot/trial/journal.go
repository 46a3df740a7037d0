package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// journal lists what a trial creates. It is saved before the creation with a unique name, and afterwards with the id.
type journal struct {
	Guild    snowflake.ID `json:"guild"`
	Marks    []string     `json:"marks"`              // names of channels about to be created
	Channels []string     `json:"channels,omitempty"` // ids of the created ones
	DM       string       `json:"dm,omitempty"`       // the DM channel, saved before the message is sent
	Message  string       `json:"message,omitempty"`
}

// save saves the journal so that it survives a crash.
func (t *trial) save() error {
	if t.o.Journal == "" {
		return nil
	}
	b, err := json.Marshal(t.made)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(t.o.Journal), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(t.o.Journal+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(t.o.Journal+".new", t.o.Journal)
}

// removeLeftovers removes what an earlier trial left behind, according to its journal.
func (t *trial) removeLeftovers(ctx context.Context) error {
	b, err := os.ReadFile(t.o.Journal)
	if errors.Is(err, os.ErrNotExist) || t.o.Journal == "" {
		return nil
	} else if err != nil {
		return err
	}
	before := t.made
	if err := json.Unmarshal(b, &t.made); err != nil {
		return fmt.Errorf("cannot parse %s: %w. Delete the channels named snug-trial-… in the server, then this file",
			t.o.Journal, err)
	}
	err = t.remove(ctx)
	t.made = before
	return err
}

// cleanUpTime limits the cleanup, which also happens after the trial was interrupted.
const cleanUpTime = 30 * time.Second

// cleanUp removes what this trial created.
func (t *trial) cleanUp(ctx context.Context) error {
	if t.gw != nil {
		t.gw.close()
	}
	return t.remove(ctx)
}

// remove removes what is in the journal: by id, or by name if a crash prevented saving the id.
func (t *trial) remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTime)
	defer cancel()
	ids := slices.Clone(t.made.Channels)
	if len(t.made.Marks) > 0 {
		var list []struct{ ID, Name string }
		if err := t.ask(ctx, "/guilds/"+t.made.Guild.String()+"/channels", &list); err != nil {
			return fmt.Errorf("channels named snug-trial-… may be left: %w. Run the command again to remove them", err)
		}
		for _, c := range list {
			if slices.Contains(t.made.Marks, c.Name) && !slices.Contains(ids, c.ID) {
				ids = append(ids, c.ID)
			}
		}
	}
	var failed error
	for _, id := range slices.Backward(ids) { // the category last
		failed = errors.Join(failed, t.removeOne(ctx, "/channels/"+id))
	}
	if t.made.DM != "" {
		failed = errors.Join(failed, t.removeMessages(ctx))
	}
	if failed != nil {
		return fmt.Errorf("cannot remove everything the trial created: %w. "+
			"Run the command again, or delete the channels named snug-trial-… yourself", failed)
	}
	t.made = journal{Guild: t.o.Guild}
	if err := os.Remove(t.o.Journal); err != nil && t.o.Journal != "" && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// removeMessages removes the direct message, by its text if a crash prevented saving its id.
func (t *trial) removeMessages(ctx context.Context) error {
	path := "/channels/" + t.made.DM + "/messages"
	if t.made.Message != "" {
		return t.removeOne(ctx, path+"/"+t.made.Message)
	}
	var list []struct {
		ID, Content string
		Author      struct{ ID string }
	}
	if err := t.ask(ctx, path+"?limit=10", &list); err != nil {
		return err
	}
	for _, m := range list {
		if m.Author.ID == t.me && m.Content == directText {
			if err := t.removeOne(ctx, path+"/"+m.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *trial) removeOne(ctx context.Context, path string) error {
	for {
		a, err := t.request(ctx, http.MethodDelete, path, nil)
		switch {
		case err != nil:
			return err
		case a.status < 300, a.status == http.StatusNotFound:
			return nil
		case a.status != http.StatusTooManyRequests:
			return fmt.Errorf("Discord answered %d (code %d)", a.status, codeOf(a.raw))
		}
		if err := a.wait(ctx); err != nil {
			return err
		}
	}
}
