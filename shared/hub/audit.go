package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"snug/shared/errs"
)

// Audit is the stream of audit entries, stored for 90 days. It is safe for concurrent use.
type Audit struct {
	s *store

	newest   atomic.Uint64 // the newest entry that was noted
	sealed   atomic.Uint64 // stretches that the ledger has summed up
	sealing  atomic.Bool
	removing sync.Mutex // held while entries are removed or summed up
	first    uint64     // the stream's first entry at the last summing up
}

// auditRepeat is how long the server recognizes the id of an appended entry: long enough for a
// process that crashed between appending and recording that it did, and stayed down overnight.
const auditRepeat = 24 * time.Hour

// AuditEntry is a stored entry.
type AuditEntry struct {
	Seq     uint64 // position in the stream; newer entries have higher ones
	ID      string // the id passed to Append
	Guild   snowflake.ID
	Channel snowflake.ID // 0 if the entry is about the whole guild
	Kind    string
	At      time.Time       // when it was stored
	Data    json.RawMessage // the JSON of the appended value
}

// Append stores an entry. An id that was appended within the last 24 hours is not stored again, so
// it is safe to repeat an Append whose outcome is unknown. kind consists of lower-case words,
// digits, - and _, joined by dots.
func (a *Audit) Append(ctx context.Context, id string, guild, channel snowflake.ID, kind string, v any) error {
	_, err := a.AppendNew(ctx, id, guild, channel, kind, v)
	return err
}

// AppendNew is Append, and reports whether the entry was stored by this call.
func (a *Audit) AppendNew(
	ctx context.Context, id string, guild, channel snowflake.ID, kind string, v any,
) (added bool, err error) {
	if err := checkKey(kind); err != nil || id == "" {
		return false, errs.E(errs.Internal,
			"Snug couldn't store this. Try again in a moment.").Because(fmt.Errorf("hub: audit entry %q of kind %q",
			id, kind))
	}
	data, err := json.Marshal(v)
	if err != nil {
		return false, fmt.Errorf("hub: audit entry: %w", err)
	}
	begun := time.Now()
	key := guild.String() + "." + channel.String() + "." + kind
	err = a.s.h.o.Around(Write{Op: "append", Bucket: auditName, Key: key}, func() error {
		added, err = a.append(ctx, id, "audit."+key, data)
		return err
	})
	a.s.h.o.Observe(Observation{Op: "put", Bucket: auditName, Took: time.Since(begun), Err: err})
	return added && err == nil, err
}

func (a *Audit) append(ctx context.Context, id, subject string, data []byte) (added bool, err error) {
	h := a.s.h
	life, err := h.writable(a.s.spec)
	if err != nil {
		return false, err
	}
	ctx, cancel := within(ctx, h.o.WriteTimeout, life...)
	defer cancel()
	ack, err := h.link.js.PublishMsg(ctx, &nats.Msg{Subject: subject, Data: data}, jetstream.WithMsgID(id))
	if err == nil && a.s.lasts() && !ack.Duplicate { // a duplicate may have been removed since
		a.noteEntry(ack.Sequence, id, subject, data)
	}
	return err == nil && !ack.Duplicate, writeError(auditName, subject, len(data), because(ctx, err))
}

// scope is the subject filter for the entries of a guild, or of one of its channels. Guild 0 means
// all guilds.
func scope(guild, channel snowflake.ID) string {
	switch {
	case guild == 0:
		return "audit.>"
	case channel == 0:
		return "audit." + guild.String() + ".>"
	}
	return "audit." + guild.String() + "." + channel.String() + ".>"
}

// consumer configures a consumer that reads a scope's entries from the start of the stream.
func (a *Audit) consumer(guild, channel snowflake.ID) jetstream.ConsumerConfig {
	c := latest(scope(guild, channel))
	c.DeliverPolicy = deliverAll
	return c
}

// Page returns up to limit entries of a guild, newest first. Channel 0 means all of the guild's
// channels. Only entries before the position before are returned; 0 starts with the newest.
func (a *Audit) Page(ctx context.Context, guild, channel snowflake.ID, before uint64, limit int) ([]AuditEntry, error) {
	info, err := a.s.h.info(ctx, a.s.stream, "")
	if err != nil {
		return nil, err
	}
	state := info.State
	if before == 0 || before > state.LastSeq {
		before = state.LastSeq + 1
	}
	if limit <= 0 || state.Msgs == 0 || before <= state.FirstSeq {
		return nil, nil
	}
	// A stream can only be read forwards. So read a window before the position, and a wider one if
	// it has too few entries; the server skips entries that do not match.
	for width := uint64(4 * limit); ; width *= 8 {
		from := state.FirstSeq
		if before > from+width {
			from = before - width
		}
		c := a.consumer(guild, channel)
		c.DeliverPolicy, c.OptStartSeq = jetstream.DeliverByStartSequencePolicy, from
		var found []AuditEntry
		err := a.s.h.scan(ctx, a.s.stream, c, func(i item) (bool, error) {
			if i.seq >= before {
				return false, nil
			}
			if found = append(found, a.entry(i)); len(found) >= 2*limit {
				found = append(found[:0], found[len(found)-limit:]...)
			}
			return true, nil
		})
		if err != nil {
			return nil, err
		}
		if len(found) < limit && from > state.FirstSeq {
			continue
		}
		found = found[max(0, len(found)-limit):]
		for i, j := 0, len(found)-1; i < j; i, j = i+1, j-1 {
			found[i], found[j] = found[j], found[i]
		}
		return found, nil
	}
}

// Since calls each for every entry of a guild that was stored at or after since, oldest first,
// until each returns an error. Channel 0 means all of the guild's channels.
func (a *Audit) Since(
	ctx context.Context, guild, channel snowflake.ID, since time.Time, each func(AuditEntry) error,
) error {
	c := a.consumer(guild, channel)
	c.DeliverPolicy, c.OptStartTime = jetstream.DeliverByStartTimePolicy, &since
	var failed error
	err := a.s.h.scan(ctx, a.s.stream, c, func(i item) (bool, error) {
		failed = each(a.entry(i))
		return failed == nil, nil
	})
	return errors.Join(failed, err)
}

// After returns up to limit entries after the position seq, oldest first. Guild 0 means all guilds.
func (a *Audit) After(ctx context.Context, guild snowflake.ID, seq uint64, limit int) ([]AuditEntry, error) {
	c := a.consumer(guild, 0)
	c.DeliverPolicy, c.OptStartSeq = jetstream.DeliverByStartSequencePolicy, seq+1
	var found []AuditEntry
	err := a.s.h.scan(ctx, a.s.stream, c, func(i item) (bool, error) {
		found = append(found, a.entry(i))
		return len(found) < limit, nil
	})
	return found, err
}

// Newest returns the position of the newest entry of all guilds.
func (a *Audit) Newest(ctx context.Context) (uint64, error) {
	info, err := a.s.h.info(ctx, a.s.stream, "")
	if err != nil {
		return 0, err
	}
	return info.State.LastSeq, nil
}

// Trim removes a guild's entries that were stored before the given time, for guilds that store
// theirs for less than 90 days, and returns how many it removed. The zero time removes none.
func (a *Audit) Trim(ctx context.Context, guild snowflake.ID, before time.Time) (uint64, error) {
	st, err := a.s.h.link.js.Stream(ctx, a.s.stream)
	if err != nil {
		return 0, readError(auditName, err)
	}
	end := st.CachedInfo().State.LastSeq
	var old []uint64
	if err := a.s.h.scan(ctx, a.s.stream, a.consumer(guild, 0), func(i item) (bool, error) {
		if i.seq > end || !i.at.Before(before) {
			return false, nil
		}
		old = append(old, i.seq)
		return true, nil
	}); err != nil || len(old) == 0 {
		return 0, err
	}
	err = a.remove(ctx, old, func() error {
		return st.Purge(ctx, jetstream.WithPurgeSubject(scope(guild, 0)),
			jetstream.WithPurgeSequence(old[len(old)-1]+1))
	})
	if err != nil {
		return 0, unavailable(fmt.Errorf("hub: trimming the audit: %w", err))
	}
	return uint64(len(old)), nil
}

// Erase removes the entries of a guild for which match returns true, so that no trace of them is
// left on disk, and returns how many it removed. It does not look at entries appended in the
// meantime.
func (a *Audit) Erase(ctx context.Context, guild snowflake.ID, match func(AuditEntry) bool) (n int, err error) {
	st, err := a.s.h.link.js.Stream(ctx, a.s.stream)
	if err != nil {
		return 0, readError(auditName, err)
	}
	var found []uint64
	if err := a.s.h.scan(ctx, a.s.stream, a.consumer(guild, 0), func(i item) (bool, error) {
		if match(a.entry(i)) {
			found = append(found, i.seq)
		}
		return true, nil
	}); err != nil {
		return 0, err
	}
	err = a.remove(ctx, found, func() error {
		for _, seq := range found {
			err := st.SecureDeleteMsg(ctx, seq)
			switch {
			case errors.Is(err, jetstream.ErrMsgDeleteUnsuccessful), errors.Is(err, jetstream.ErrMsgNotFound):
				// already removed by somebody else
			case err != nil:
				return err
			default:
				n++
			}
		}
		return nil
	})
	if err != nil {
		return n, unavailable(fmt.Errorf("hub: erasing of the audit: %w", err))
	}
	return n, nil
}

// entry reads an entry's guild, channel and kind from its subject, audit.guild.channel.kind.
func (a *Audit) entry(i item) AuditEntry {
	e := AuditEntry{Seq: i.seq, ID: i.header.Get(jetstream.MsgIDHeader), At: i.at, Data: i.data}
	if t := strings.SplitN(i.subject, ".", 4); len(t) == 4 {
		e.Guild, _ = snowflake.Parse(t[1]) // always valid, because Append wrote it
		e.Channel, _ = snowflake.Parse(t[2])
		e.Kind = t[3]
	}
	return e
}

// Listen calls f for each entry as it is appended by any process, one call at a time, until the hub
// is closed or stop is called, which waits for f. Treat it only as a hint that Page has something
// to read: the entry may not be stored yet (Seq and At are zero), and a listener that was
// disconnected or is 4,096 entries behind misses some.
func (a *Audit) Listen(ctx context.Context, f func(AuditEntry)) (stop func(), err error) {
	return a.s.h.listen(ctx, "audit.>", func(m *nats.Msg) {
		f(a.entry(item{subject: m.Subject, header: m.Header, data: m.Data}))
	})
}
