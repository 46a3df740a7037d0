package wire

import (
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/preset"
	"snug/shared/protocol"
	"snug/shared/room"
)

// Encoder makes what JSON answers say of rooms. It is safe for concurrent use.
type Encoder struct{ Links Links }

// The JSON API's answers about rooms. The live protocol tells the same in fields of its own.
type (
	// Person is somebody in a room's voice channel.
	Person struct {
		UserID      snowflake.ID `json:"user_id"`
		Username    string       `json:"username"`
		DisplayName string       `json:"display_name"`
		Avatar      *string      `json:"avatar" doc:"Hash of the picture; null for none."`
		Bot         bool         `json:"bot" doc:"Bots take no seat."`
		Muted       bool         `json:"muted"`
		Deafened    bool         `json:"deafened"`
		Streaming   bool         `json:"streaming"`
		Video       bool         `json:"video"`
		Since       time.Time    `json:"since"`
		Seat        int          `json:"seat" doc:"From 1; 0 for bots."`
	}

	// Room is a room with the people in it, its addresses and its revision.
	Room struct {
		GuildID   snowflake.ID `json:"guild_id"`
		ChannelID snowflake.ID `json:"channel_id"`
		Name      string       `json:"name"`
		UserLimit int          `json:"user_limit" doc:"As in Discord: the seats, plus one for each bot inside."`
		Seats     int          `json:"seats"`
		Taken     int          `json:"taken"`
		Private   bool         `json:"private"`
		Locked    bool         `json:"locked"`
		Hidden    bool         `json:"hidden"`
		OwnerID   snowflake.ID `json:"owner_id"`
		OpenedAt  time.Time    `json:"opened_at"`
		ClosingAt *time.Time   `json:"closing_at" doc:"null: no closing is announced."`
		Status    string       `json:"status"`
		Card      Card         `json:"card" doc:"What its owner tells of it."`
		LiveSince *time.Time   `json:"live_since" doc:"Since when somebody is in voice. null: nobody is."`
		Knocking  int          `json:"knocking" doc:"How many people ask to be let in."`
		Waiting   int          `json:"waiting" doc:"How many people wait for a seat."`
		Held      []time.Time  `json:"held" nullable:"false" doc:"When held seats expire, the earliest first."`
		Roster    []Person     `json:"roster" nullable:"false"`
		Rev       protocol.Rev `json:"rev" doc:"The revision, as the live protocol counts it."`
		URL       string       `json:"url"`
		DeepLink  string       `json:"deep_link" doc:"Opens the channel in Discord."`
	}

	// Card is a room's card.
	Card struct {
		Headline string `json:"headline"`
		Link     string `json:"link" doc:"An https address; empty for none."`
		Note     string `json:"note"`
	}

	// Opened is a room that was opened just now, with its first invite.
	Opened struct {
		Room
		Invite *Invite `json:"invite,omitempty"`
		Cut    []Cut   `json:"cut,omitempty" doc:"What of the preset or the closed room isn't allowed, and why."`
	}

	// Cut is what a room was opened without.
	Cut struct {
		Field  string `json:"field"`
		Detail string `json:"detail"`
	}

	// Closed is a closed room that its people can open again.
	Closed struct {
		ChannelID snowflake.ID   `json:"channel_id"`
		GuildID   snowflake.ID   `json:"guild_id"`
		Mine      bool           `json:"mine" doc:"You owned it."`
		Setup     RoomSetup      `json:"setup"`
		People    []ClosedPerson `json:"people" nullable:"false" doc:"Who you know to have been in it, the last first."`
		OpenedAt  time.Time      `json:"opened_at"`
		ClosedAt  time.Time      `json:"closed_at"`
		Until     time.Time      `json:"until" doc:"It can be opened again until then."`
		Again     *snowflake.ID  `json:"again" doc:"The room that was opened from it. null: none."`
	}

	// RoomSetup is how a room was.
	RoomSetup preset.Setup

	// ClosedPerson is somebody who belonged to a closed room.
	ClosedPerson struct {
		UserID      snowflake.ID `json:"user_id"`
		DisplayName string       `json:"display_name"`
		LastIn      *time.Time   `json:"last_in" doc:"When they were in voice last. null: never."`
	}

	// View is a room and what a person may do there.
	View struct {
		Room
		MayEnter     bool         `json:"may_enter"`
		MayControl   bool         `json:"may_control"`
		MayOverfill  bool         `json:"may_overfill" doc:"Discord lets you in even if all seats are taken."`
		Invites      []Invite     `json:"invites"`
		IdleDeadline *time.Time   `json:"idle_deadline" doc:"When the empty room closes. null: it doesn't."`
		VoiceIn      snowflake.ID `json:"voice_in" doc:"The voice channel that you are in. null: none in this server."`
		Deadline     *time.Time   `json:"deadline,omitempty" doc:"When it closes even if people are in it."`
		MayClaim     bool         `json:"may_claim" doc:"You may claim the room now."`
		ClaimAt      *time.Time   `json:"claim_at,omitempty" doc:"When it can be claimed. Missing: its owner is there."`
		PassesAt     *time.Time   `json:"passes_at,omitempty" doc:"When it passes to who has been in it longest."`
		Place        int          `json:"place" doc:"Your place on the waiting list, from 1. 0: you aren't on it."`
		HeldUntil    *time.Time   `json:"held_until,omitempty" doc:"A seat is held for you until then."`
		Holders      []Holder     `json:"holders" nullable:"false" doc:"Who seats are held for, if you may know."`
	}

	// Holder is somebody for whom a seat is held.
	Holder struct {
		UserID snowflake.ID `json:"user_id"`
		Name   string       `json:"name"`
		Until  time.Time    `json:"until"`
	}

	// Invite is an invite that who controls the room sees.
	Invite struct {
		ID        string    `json:"id"`
		URL       string    `json:"url,omitempty" doc:"API tokens need the scope rooms:write to see it."`
		ExpiresAt time.Time `json:"expires_at"`
		MaxUses   int       `json:"max_uses"`
		Left      int       `json:"left"`
	}
)

// Room gives a room and the people in it.
func (e Encoder) Room(l room.Live, rev protocol.Rev) Room {
	return Room{
		GuildID: l.Room.GuildID, ChannelID: l.Room.ID, Name: l.Room.Name, UserLimit: l.UserLimit(), Seats: l.Room.Seats,
		Taken: l.Occupied(), Private: l.Room.Access.Private, Locked: l.Room.Access.Locked, Hidden: l.Room.Access.Hidden,
		OwnerID: l.Room.Access.OwnerID, OpenedAt: l.Room.OpenedAt, ClosingAt: TimeOrNull(l.Room.ClosingAt),
		Status: l.Room.Status, LiveSince: TimeOrNull(l.Room.LiveSince), Knocking: l.Room.Knocking,
		Waiting: l.Room.Waiting, Card: Card(l.Room.Card),
		Held: append([]time.Time{}, l.Room.Held...), Roster: People(l.Roster),
		Rev: rev, URL: e.Links.Room(l.Room.ID), DeepLink: e.Links.Channel(l.Room.GuildID, l.Room.ID),
	}
}

// People gives the people in a voice channel, in the order they came.
func People(roster []room.Person) []Person {
	out := make([]Person, 0, len(roster))
	for _, p := range roster {
		v := Person{
			UserID: p.UserID, Username: p.Username, DisplayName: p.DisplayName, Bot: p.Bot, Muted: p.Muted,
			Deafened: p.Deafened, Streaming: p.Streaming, Video: p.Video, Since: p.Since, Seat: p.Seat,
		}
		if p.Avatar != "" {
			v.Avatar = &p.Avatar
		}
		out = append(out, v)
	}
	return out
}

// Opened gives a room that was opened just now.
func (e Encoder) Opened(o room.OpenedRoom) Opened {
	out := Opened{Room: e.Room(room.Live{Room: o.Room}, protocol.Rev{})}
	if o.Invite.Code != "" {
		v := e.Invite(o.Invite)
		out.Invite = &v
	}
	for _, c := range o.Cut {
		out.Cut = append(out.Cut, Cut{c.Field, c.Why.Message})
	}
	return out
}

// NewClosed gives a closed room.
func NewClosed(c room.ClosedRoom) Closed {
	out := Closed{
		ChannelID: c.ID, GuildID: c.GuildID, Mine: c.Mine, Setup: RoomSetup(c.Setup),
		People: []ClosedPerson{}, OpenedAt: c.OpenedAt, ClosedAt: c.ClosedAt, Until: c.Until, Again: IDOrNull(c.Again),
	}
	for _, p := range c.People {
		out.People = append(out.People, ClosedPerson{p.UserID, p.Name, TimeOrNull(p.LastIn)})
	}
	return out
}

// View gives a room and what a person may do there.
func (e Encoder) View(l room.Live, rev protocol.Rev, v room.View) View {
	out := View{
		Room: e.Room(l, rev), MayEnter: v.MayEnter, MayControl: v.MayControl, MayOverfill: v.MayOverfill,
		Invites: []Invite{}, IdleDeadline: TimeOrNull(v.IdleDeadline), VoiceIn: v.VoiceIn,
		Deadline: TimeOrNull(v.Deadline), MayClaim: v.MayClaim, ClaimAt: TimeOrNull(v.ClaimAt),
		PassesAt: TimeOrNull(v.PassesAt), Place: v.Place,
		HeldUntil: TimeOrNull(v.HeldUntil), Holders: []Holder{},
	}
	for _, h := range v.Holders {
		out.Holders = append(out.Holders, Holder{h.UserID, h.Name, h.Until})
	}
	for _, i := range v.Invites {
		out.Invites = append(out.Invites, e.Invite(i))
	}
	return out
}

// Invite gives an invite to a room.
func (e Encoder) Invite(l room.InviteLink) Invite {
	return Invite{l.Invite.ID, e.Links.Invite(l.Code), l.Invite.ExpiresAt, l.Invite.MaxUses, l.Invite.Left()}
}
