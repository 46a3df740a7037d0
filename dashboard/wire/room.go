package wire

import (
	"encoding/json"
	"log/slog"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/protocol"
	"snug/shared/room"
)

// Encoder makes what JSON answers say of rooms. It is safe for concurrent use.
type Encoder struct {
	Links Links
	Now   func() time.Time
	Log   *slog.Logger
}

// The JSON API's answers. A room is what room.snapshot says of it, with its
// addresses and revision. Times of a room and its people are Unix
// milliseconds, as in the live protocol; others are RFC 3339.
type (
	// Room is a room as room.snapshot has it.
	Room struct {
		protocol.Snapshot
		Rev      protocol.Rev `json:"rev"`
		URL      string       `json:"url"`
		DeepLink string       `json:"deep_link"` // opens the channel in Discord
	}

	// Opened is a room that was opened just now, with its first invite.
	Opened struct {
		Room
		Invite *Invite `json:"invite,omitempty"`
	}

	// View is a room and what a person may do there.
	View struct {
		Room
		MayEnter    bool     `json:"mayEnter"`
		MayControl  bool     `json:"mayControl"`
		MayOverfill bool     `json:"mayOverfill" doc:"You can come in though all seats are taken, as Discord lets you."`
		Invites     []Invite `json:"invites"`
		// when it closes if nobody comes back; null: somebody is in, or never
		IdleDeadline *time.Time   `json:"idleDeadline"`
		VoiceIn      snowflake.ID `json:"voiceIn"` // the voice channel of this server the person is in; null for none
		Deadline     *time.Time   `json:"deadline,omitempty" doc:"When it closes at the latest, even if people are in it."`
		MayClaim     bool         `json:"mayClaim" doc:"You may take the room over now."`
		ClaimAt      *time.Time   `json:"claimAt,omitempty" doc:"From when on who is inside may take it over; left out while its owner is there."`
		Place        int          `json:"place" doc:"Your place in the waiting list, from 1; 0: you do not wait."`
		HeldUntil    *time.Time   `json:"heldUntil,omitempty" doc:"Until when a seat is held for you."`
	}

	// Invite is an invite that who controls the room sees.
	Invite struct {
		ID        string    `json:"id"`
		URL       string    `json:"url,omitempty" doc:"API tokens need the scope rooms:write to see it."`
		ExpiresAt time.Time `json:"expires_at"`
		MaxUses   int       `json:"maxUses"`
		Left      int       `json:"left"`
	}

	// Joined says how somebody comes into a room: moved by the bot, or by the link.
	Joined struct {
		Moved     bool       `json:"moved"`
		HeldUntil *time.Time `json:"held_until,omitempty"` // until when a seat is kept for who opens the link
		DeepLink  string     `json:"deep_link"`
	}
)

// Room gives a room as the live protocol describes it.
func (e Encoder) Room(l room.Live, rev protocol.Rev) Room {
	out := Room{Rev: rev, URL: e.Links.Room(l.Room.ID), DeepLink: e.Links.Channel(l.Room.GuildID, l.Room.ID)}
	var m protocol.Message[protocol.Snapshot]
	if err := json.Unmarshal(protocol.EncodeSnapshot(&l, rev.Epoch, e.Now()), &m); err != nil {
		e.Log.Error("a snapshot cannot be read back", "room_id", l.Room.ID, "err", err)
	}
	out.Snapshot = m.Payload
	return out
}

// Opened gives a room that was opened just now.
func (e Encoder) Opened(o room.OpenedRoom) Opened {
	out := Opened{Room: e.Room(room.Live{Room: o.Room}, protocol.Rev{})}
	if o.Invite.Token != "" {
		v := e.Invite(o.Room.ID, o.Invite)
		out.Invite = &v
	}
	return out
}

// View gives a room and what a person may do there.
func (e Encoder) View(l room.Live, rev protocol.Rev, v room.View) View {
	out := View{
		Room: e.Room(l, rev), MayEnter: v.MayEnter, MayControl: v.MayControl, MayOverfill: v.MayOverfill,
		Invites: []Invite{}, VoiceIn: v.VoiceIn,
	}
	for _, i := range v.Invites {
		out.Invites = append(out.Invites, e.Invite(v.Room.ID, i))
	}
	out.IdleDeadline, out.Deadline, out.MayClaim, out.ClaimAt, out.Place, out.HeldUntil = TimeOrNull(v.IdleDeadline), TimeOrNull(v.Deadline), v.MayClaim, TimeOrNull(v.ClaimAt), v.Place, TimeOrNull(v.HeldUntil)
	return out
}

// Invite gives an invite to a room.
func (e Encoder) Invite(id snowflake.ID, l room.InviteLink) Invite {
	return Invite{l.Invite.ID, e.Links.Invite(id, l.Token), l.Invite.ExpiresAt, l.Invite.MaxUses, l.Invite.Left()}
}
