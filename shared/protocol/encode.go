package protocol

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/room"
)

// EncodeEvent encodes the event that tells clients what l.Event changed. It is the only place that
// maps events to their names in the protocol. Without an event it encodes the whole room as
// room.snapshot.
//
// It fails for an unknown event; use EncodeSnapshot then.
func EncodeEvent(l *room.Live, epoch string, now time.Time) ([]byte, error) {
	g, c, rev := l.Room.GuildID, l.Room.ID, &Rev{epoch, l.N}
	if l.Event == nil {
		return event(RoomSnapshot, snapshot(l), rev, now), nil
	}
	switch f := l.Event.Fact.(type) {
	case room.VoiceJoined:
		return event(VoiceJoined, voice(l, &f.Person), rev, now), nil
	case room.VoiceUpdated:
		return event(VoiceUpdated, voice(l, &f.Person), rev, now), nil
	case room.VoiceLeft:
		return event(VoiceLeft, Left{g, nil, f.UserID, c, l.Room.Waiting, held(l)}, rev, now), nil
	case room.Opened:
		return event(RoomCreated, snapshot(l), rev, now), nil
	case room.Changed:
		return event(RoomUpdated, describe(l), rev, now), nil
	case room.ClosingAnnounced:
		return event(RoomClosing, Closing{g, c, f.At.UnixMilli(), string(f.Reason)}, rev, now), nil
	case room.ClosingCancelled:
		return event(RoomKept, Kept{g, c, orNull(f.By)}, rev, now), nil
	case room.Closed:
		return event(RoomDeleted, Deleted{g, c, string(f.Reason)}, rev, now), nil
	default:
		return nil, fmt.Errorf("protocol: no message tells of %T", l.Event.Fact)
	}
}

// EncodeSnapshot encodes room.snapshot: the whole room, whatever its event.
func EncodeSnapshot(l *room.Live, epoch string, now time.Time) []byte {
	return event(RoomSnapshot, snapshot(l), &Rev{epoch, l.N}, now)
}

// EncodeHidden encodes room.hidden. It has no revision, so it always applies.
func EncodeHidden(guild, channel snowflake.ID, now time.Time) []byte {
	return event(RoomHidden, Hidden{guild, channel}, nil, now)
}

// EncodeHistoryUpdated encodes room.history_updated: the room's history has new entries. It has no
// revision and does not include the entries.
func EncodeHistoryUpdated(guild, channel snowflake.ID, now time.Time) []byte {
	return event(RoomHistoryUpdated, HistoryUpdated{guild, channel}, nil, now)
}

// EncodeHeartbeat encodes server.heartbeat: whether Discord can be heard, and when it was last
// heard. It has no revision.
func EncodeHeartbeat(ok bool, heardAt, now time.Time) []byte {
	h := Heartbeat{"ok", heardAt.UnixMilli()}
	if !ok {
		h.Discord = "unheard"
	}
	return event(Beat, h, nil, now)
}

// EncodeDeleted encodes room.deleted without a revision, for a room that disappeared without a
// deletion event.
func EncodeDeleted(guild, channel snowflake.ID, reason room.CloseReason, now time.Time) []byte {
	return event(RoomDeleted, Deleted{guild, channel, string(reason)}, nil, now)
}

// EncodeWelcome encodes auth.ok. epoch is "" if there is none yet.
func EncodeWelcome(w Welcome, epoch string, now time.Time) []byte {
	if w.Rooms == nil {
		w.Rooms = []snowflake.ID{}
	}
	m := Message[Welcome]{V: Version, Type: TypeAck, Event: AuthOK, Payload: w, GuildID: w.GuildID, TS: now.UnixMilli()}
	if epoch != "" {
		m.Rev = &Rev{Epoch: epoch}
	}
	return marshal(m)
}

// EncodeError encodes an error message with the public part of err.
func EncodeError(err error, now time.Time) []byte {
	e := errs.Public(err)
	return marshal(Message[json.RawMessage]{
		V: Version, Type: TypeError, Error: &Fault{e.Code, e.Message, e.Field}, TS: now.UnixMilli(),
	})
}

func event[P any](name Name, p P, rev *Rev, now time.Time) []byte {
	if a, ok := any(p).(appender); ok {
		return appendEvent(name, a, rev, now.UnixMilli())
	}
	return marshal(Message[P]{V: Version, Type: TypeEvent, Event: name, Payload: p, Rev: rev, TS: now.UnixMilli()})
}

// marshal cannot fail: every type in this package can be encoded as JSON.
func marshal(m any) []byte {
	b, err := json.Marshal(m)
	if err != nil {
		panic("protocol: " + err.Error())
	}
	return b
}

func describe(l *room.Live) Room {
	r := Room{
		GuildID: l.Room.GuildID, ChannelID: l.Room.ID, Name: l.Room.Name,
		UserLimit: l.UserLimit(), Seats: l.Room.Seats, Taken: l.Occupied(),
		Private: l.Room.Access.Private, Locked: l.Room.Access.Locked, Hidden: l.Room.Access.Hidden,
		OwnerID: l.Room.Access.OwnerID, OpenedAt: l.Room.OpenedAt.UnixMilli(),
		Status: l.Room.Status, Headline: l.Room.Card.Headline, Knocking: l.Room.Knocking, Waiting: l.Room.Waiting,
		Held: held(l),
	}
	if at := l.Room.ClosingAt; !at.IsZero() {
		ms := at.UnixMilli()
		r.ClosingAt = &ms
	}
	return r
}

func held(l *room.Live) []int64 {
	until := make([]int64, len(l.Room.Held))
	for i, t := range l.Room.Held {
		until[i] = t.UnixMilli()
	}
	return until
}

func snapshot(l *room.Live) Snapshot {
	s := Snapshot{Room: describe(l), Roster: make([]Person, len(l.Roster))}
	for i := range l.Roster {
		p := &l.Roster[i]
		s.Roster[i] = Person{
			UserID: p.UserID, Username: p.Username, DisplayName: p.DisplayName, Avatar: orNull(p.Avatar), Bot: p.Bot,
			Muted: p.Muted, Deafened: p.Deafened, Streaming: p.Streaming, Video: p.Video, Since: p.Since.UnixMilli(),
			Seat: p.Seat,
		}
	}
	return s
}

func voice(l *room.Live, p *room.Person) Voice {
	return Voice{
		GuildID: l.Room.GuildID, ChannelID: l.Room.ID, UserID: p.UserID, Username: p.Username, Avatar: orNull(p.Avatar),
		DisplayName: p.DisplayName, Bot: p.Bot, Muted: p.Muted, Deafened: p.Deafened, Streaming: p.Streaming,
		Video: p.Video, Since: p.Since.UnixMilli(), Seat: p.Seat, Waiting: l.Room.Waiting, Held: held(l),
	}
}

// orNull returns nil, which JSON encodes as null, for a zero value.
func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
