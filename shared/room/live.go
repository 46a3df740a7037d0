package room

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/preset"
	"snug/shared/schema"
)

// Summary is what pages show of a room.
type Summary struct {
	ID        snowflake.ID `json:"id"`
	GuildID   snowflake.ID `json:"guild_id"`
	Name      string       `json:"name"`
	OwnerName string       `json:"owner_name"`
	Seats     int          `json:"seats"`
	OpenedAt  time.Time    `json:"opened_at"`
	// OpenedBy and OpenedName are as in Room.
	OpenedBy   snowflake.ID `json:"opened_by,omitempty"`
	OpenedName string       `json:"opened_name,omitempty"`
	ClosingAt  time.Time    `json:"closing_at,omitzero"` // announced end; zero: none
	Status     string       `json:"status,omitempty"`    // the voice channel's status
	Card       Card         `json:"card,omitzero"`
	Frame      schema.Frame `json:"frame,omitempty"` // see Room
	// the channel's voice_start_time; zero: nobody is in voice, or unknown
	LiveSince time.Time `json:"live_since,omitzero"`
	Knocking  int       `json:"knocking,omitempty"` // number of pending knocks
	Waiting   int       `json:"waiting,omitempty"`  // length of the waiting list
	// when the held seats are released, soonest first, without the users
	Held   []time.Time `json:"held,omitempty"`
	Access Access      `json:"access"`
}

// Setup returns how the room is, for a preset.
func (s Summary) Setup() preset.Setup {
	private := s.Access.Private
	return preset.Setup{
		RoomName: s.Frame.Part(s.Name), Seats: s.Seats, Private: &private, Locked: s.Access.Locked,
		Hidden: s.Access.Hidden, GuestsInvite: s.Access.GuestsInvite,
	}
}

// Person is somebody in a room's voice channel.
type Person struct {
	UserID      snowflake.ID `json:"user_id"`
	Username    string       `json:"username"`
	DisplayName string       `json:"display_name"`
	Avatar      string       `json:"avatar,omitempty"` // hash; "" for none
	Bot         bool         `json:"bot,omitempty"`    // bots take no seat
	Muted       bool         `json:"muted,omitempty"`
	Deafened    bool         `json:"deafened,omitempty"`
	Streaming   bool         `json:"streaming,omitempty"`
	Video       bool         `json:"video,omitempty"`
	Since       time.Time    `json:"since"`
	// Seat is the number of their seat, starting at 1: the lowest free one when they joined. 0: none yet, or a bot.
	Seat int `json:"seat,omitempty"`
}

// Live is a room as watchers see it: the room, its roster, and the event that led to this state. It
// is the value in the hub's rosters bucket; only the bot (bot/voice) writes it.
type Live struct {
	Room   Summary  `json:"room"`
	Roster []Person `json:"roster"` // in the order they joined
	// N counts the changes of this room within the bucket's epoch, starting at 1 and without gaps: a
	// follower that sees a gap has missed an event.
	N uint64 `json:"n"`
	// Event is what changed; nil when receivers should replace the whole state.
	Event *Event `json:"event,omitempty"`
	// Until is when the hub deletes the document: an hour after Closed, the room's last event, so that
	// late followers still get it. Zero while the room exists.
	Until time.Time `json:"until,omitzero"`
}

// ClosedTTL is how long a closed room's last event stays in the hub.
const ClosedTTL = time.Hour

// ExpiresAt tells the hub when to delete the document.
func (l Live) ExpiresAt() time.Time { return l.Until }

// Copy returns a copy that shares nothing with l that can be changed, as if l had been encoded and decoded. It
// implements hub.Copier.
func (l Live) Copy() Live {
	l.Roster = slices.Clone(l.Roster)
	l.Room.Held = slices.Clone(l.Room.Held)
	a := &l.Room.Access
	a.Guests, a.Banned, a.Channel = slices.Clone(a.Guests), slices.Clone(a.Banned), slices.Clone(a.Channel)
	a.Gates = slices.Clone(a.Gates)
	for i := range a.Gates {
		a.Gates[i] = slices.Clone(a.Gates[i])
	}
	if l.Event != nil {
		e := *l.Event // facts are values
		l.Event = &e
	}
	return l
}

// Gone reports whether the room is closed.
func (l *Live) Gone() bool { return !l.Until.IsZero() }

// Occupied counts the seats in use: the humans in voice.
func (l *Live) Occupied() int { return Occupied(l.Roster) }

// UserLimit is the voice channel's limit as Discord shows it: the seats, plus one for each bot in it.
func (l *Live) UserLimit() int {
	return min(l.Room.Seats+len(l.Roster)-l.Occupied(), schema.MaxSeats)
}

// Occupied counts the humans in a roster.
func Occupied(roster []Person) int {
	n := 0
	for _, p := range roster {
		if !p.Bot {
			n++
		}
	}
	return n
}

// In reports whether a user is in the roster.
func In(roster []Person, user snowflake.ID) bool {
	return slices.ContainsFunc(roster, func(p Person) bool { return p.UserID == user })
}

// GuildInfo describes a guild to the dashboard; it is the value in the hub's guilds bucket.
type GuildInfo struct {
	ID   snowflake.ID `json:"id"`
	Name string       `json:"name"`
	Icon string       `json:"icon,omitempty"` // hash; "" for none
	// Locale is the server's preferred language in Discord's notation: "de", "pt-BR"; "" if unknown.
	Locale string `json:"locale,omitempty"`
	// Access is the part of the server's data that permissions depend on.
	Access access.Guild `json:"access,omitzero"`
	// Ready is false while Discord reports the guild as unavailable, or its rooms are being compared after a start.
	Ready bool `json:"ready"`
}

// Fact is something that happened to a room.
type Fact interface{ kind() string }

// The facts.
type (
	// VoiceJoined means that somebody joined the room's voice channel.
	VoiceJoined struct {
		Person Person `json:"person"`
	}
	// VoiceLeft means that somebody left it. Where they went isn't published.
	VoiceLeft struct {
		UserID snowflake.ID `json:"user_id"`
	}
	// VoiceUpdated means that somebody muted, deafened, streamed, or changed their name.
	VoiceUpdated struct {
		Person Person `json:"person"`
	}
	// Opened means that the room now exists.
	Opened struct{}
	// Changed means that its name, seats, privacy, guests or owner changed; Summary has the new values.
	Changed struct{}
	// ClosingAnnounced means that it will close at the given time unless somebody keeps it open.
	ClosingAnnounced struct {
		At     time.Time   `json:"at"`
		Reason CloseReason `json:"reason"`
	}
	// ClosingCancelled means that an announced closing was called off.
	ClosingCancelled struct {
		By snowflake.ID `json:"by,omitempty"` // 0: somebody came back
	}
	// Closed means that it no longer exists.
	Closed struct {
		Reason CloseReason `json:"reason"`
	}
)

func (VoiceJoined) kind() string      { return "voice_joined" }
func (VoiceLeft) kind() string        { return "voice_left" }
func (VoiceUpdated) kind() string     { return "voice_updated" }
func (Opened) kind() string           { return "opened" }
func (Changed) kind() string          { return "changed" }
func (ClosingAnnounced) kind() string { return "closing_announced" }
func (ClosingCancelled) kind() string { return "kept" }
func (Closed) kind() string           { return "closed" }

// Event is a fact and when it happened. Its JSON contains the kind of fact.
type Event struct {
	Fact Fact
	At   time.Time
}

type eventJSON struct {
	Kind string          `json:"kind"`
	At   time.Time       `json:"at"`
	Fact json.RawMessage `json:"fact"`
}

// MarshalJSON returns kind, time and fact.
func (e Event) MarshalJSON() ([]byte, error) {
	f, err := json.Marshal(e.Fact)
	if err != nil {
		return nil, err
	}
	return json.Marshal(eventJSON{e.Fact.kind(), e.At, f})
}

// UnmarshalJSON is the inverse of MarshalJSON; an unknown kind is an error.
func (e *Event) UnmarshalJSON(b []byte) error {
	var w eventJSON
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	for _, decode := range []func() (Fact, error){
		as[VoiceJoined](w), as[VoiceLeft](w), as[VoiceUpdated](w), as[Opened](w),
		as[Changed](w), as[ClosingAnnounced](w), as[ClosingCancelled](w), as[Closed](w),
	} {
		if f, err := decode(); f != nil || err != nil {
			e.Fact, e.At = f, w.At
			return err
		}
	}
	return fmt.Errorf("room: unknown kind of event %q", w.Kind)
}

// as decodes w into F if it is of that kind; otherwise it returns nil.
func as[F Fact](w eventJSON) func() (Fact, error) {
	return func() (Fact, error) {
		var f F
		if f.kind() != w.Kind {
			return nil, nil
		}
		err := json.Unmarshal(w.Fact, &f)
		return f, err
	}
}
