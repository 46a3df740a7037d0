package dashboard

import (
	"encoding/json"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/protocol"
	"snug/shared/room"
)

// The JSON API's answers. A room is what room.snapshot says of it, with its
// addresses and revision. Times of a room and its people are Unix
// milliseconds, as in the live protocol; others are RFC 3339.
type (
	// RoomJSON is exported because the description is made of exported parts alone.
	RoomJSON struct {
		protocol.Snapshot
		Rev      protocol.Rev `json:"rev"`
		URL      string       `json:"url"`
		DeepLink string       `json:"deep_link"` // opens the channel in Discord
	}

	openedJSON struct {
		RoomJSON
		Invite *inviteJSON `json:"invite,omitempty"`
	}

	viewJSON struct {
		RoomJSON
		MayEnter    bool         `json:"mayEnter"`
		MayControl  bool         `json:"mayControl"`
		MayOverfill bool         `json:"mayOverfill" doc:"You can come in though all seats are taken, as Discord lets you."`
		Invites     []inviteJSON `json:"invites"`
		// when it closes if nobody comes back; null: somebody is in, or never
		IdleDeadline *time.Time   `json:"idleDeadline"`
		VoiceIn      snowflake.ID `json:"voiceIn"` // the voice channel of this server the person is in; null for none
		Deadline     *time.Time   `json:"deadline,omitempty" doc:"When it closes at the latest, whoever is in."`
		MayClaim     bool         `json:"mayClaim" doc:"You may take the room over now."`
		ClaimAt      *time.Time   `json:"claimAt,omitempty" doc:"From when on who is inside may take it over; left out while its owner is there."`
		Place        int          `json:"place" doc:"Your place in the waiting list, from 1; 0: you do not wait."`
		HeldUntil    *time.Time   `json:"heldUntil,omitempty" doc:"Until when a seat is held for you."`
	}

	inviteJSON struct {
		ID        string    `json:"id"`
		URL       string    `json:"url,omitempty" doc:"API tokens are told it with the scope rooms:write alone."`
		ExpiresAt time.Time `json:"expires_at"`
		MaxUses   int       `json:"maxUses"`
		Left      int       `json:"left"`
	}

	joinedJSON struct {
		Moved     bool       `json:"moved"`
		HeldUntil *time.Time `json:"held_until,omitempty"` // until when a seat is kept for who opens the link
		DeepLink  string     `json:"deep_link"`
	}

	redeemedJSON struct {
		GuildID   snowflake.ID `json:"guildId"`
		ChannelID snowflake.ID `json:"channelId"`
		URL       string       `json:"url"`
		OnTheWay  bool         `json:"on_the_way" doc:"You are not in the server, or have not accepted its rules: your place is kept, and arrive-at-room says what is next."`
	}

	arrivingJSON struct {
		Step      room.Step `json:"step" doc:"join: accept Discord's invite; rules: accept the server's rules in Discord; wait: detail says what keeps you out; in: you are let in."`
		InviteURL string    `json:"invite_url,omitempty" doc:"Discord's invite to the server, for you alone."`
		Detail    string    `json:"detail,omitempty"`
		Until     time.Time `json:"kept_until" doc:"Your place is kept until then."`
		URL       string    `json:"url"`
	}
)

// roomJSON gives a room as the live protocol describes it.
func (s *Server) roomJSON(l liveRoom) RoomJSON {
	out := RoomJSON{Rev: l.rev, URL: s.roomURL(l.Room.ID), DeepLink: s.deepLink(l.Room.GuildID, l.Room.ID)}
	var m protocol.Message[protocol.Snapshot]
	if err := json.Unmarshal(protocol.EncodeSnapshot(&l.Live, l.rev.Epoch, s.now()), &m); err != nil {
		s.log.Error("a snapshot cannot be read back", "room_id", l.Room.ID, "err", err)
	}
	out.Snapshot = m.Payload
	return out
}

func (s *Server) viewJSON(l liveRoom, v room.View) viewJSON {
	out := viewJSON{
		RoomJSON: s.roomJSON(l), MayEnter: v.MayEnter, MayControl: v.MayControl, MayOverfill: v.MayOverfill,
		Invites: []inviteJSON{}, VoiceIn: v.VoiceIn,
	}
	for _, i := range v.Invites {
		out.Invites = append(out.Invites, s.inviteJSON(v.Room.ID, i))
	}
	out.IdleDeadline, out.Deadline, out.MayClaim, out.ClaimAt, out.Place, out.HeldUntil = moment(v.IdleDeadline), moment(v.Deadline), v.MayClaim, moment(v.ClaimAt), v.Place, moment(v.HeldUntil)
	return out
}

func (s *Server) inviteJSON(id snowflake.ID, l room.InviteLink) inviteJSON {
	return inviteJSON{l.Invite.ID, s.inviteURL(id, l.Token), l.Invite.ExpiresAt, l.Invite.MaxUses, l.Invite.Left()}
}

// moment is a time as JSON has it where there may be none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// someone is an id as JSON has it where there may be none.
func someone(id snowflake.ID) *snowflake.ID {
	if id == 0 {
		return nil
	}
	return &id
}
