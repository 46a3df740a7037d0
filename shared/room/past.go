package room

import (
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/preset"
)

const (
	// PastTTL is how long a closed room can be opened again, unless the server keeps activity for less.
	PastTTL = 14 * 24 * time.Hour
	// MaxPast bounds the people of a closed room: guests come first, then those who were there last.
	MaxPast = 200
)

// Past is a closed room: what it takes to open it again with the same people and settings.
type Past struct {
	ID        snowflake.ID   `json:"id"` // of the channel it had
	GuildID   snowflake.ID   `json:"guild_id"`
	LobbyID   snowflake.ID   `json:"lobby_id,omitempty"`
	OwnerID   snowflake.ID   `json:"owner_id,omitempty"` // 0: they had their data erased
	OwnerName string         `json:"owner_name,omitempty"`
	Setup     preset.Setup   `json:"setup"`
	People    []PastPerson   `json:"people"` // owner, guests, and who sat in it and may enter without being a guest
	Banned    []snowflake.ID `json:"banned,omitempty"`
	OpenedAt  time.Time      `json:"opened_at"`
	ClosedAt  time.Time      `json:"closed_at"`
	// AgainOf is the closed room that this one was opened again from; 0: none.
	AgainOf snowflake.ID `json:"again_of,omitempty"`
	Until   time.Time    `json:"until"` // when the hub deletes the document
}

// PastPerson is somebody who belonged to a closed room.
type PastPerson struct {
	UserID snowflake.ID `json:"user_id"`
	Name   string       `json:"name,omitempty"`
	Avatar string       `json:"avatar,omitempty"`
	Bot    bool         `json:"bot,omitempty"`
	// LastIn is when they were in its voice channel last; zero: never, or not known any more.
	LastIn time.Time `json:"last_in,omitzero"`
	// KnowsSince is VisitsVisibleSince: whom they know to have been there.
	KnowsSince time.Time `json:"knows_since,omitzero"`
}

// ExpiresAt tells the hub when to delete the document.
func (p Past) ExpiresAt() time.Time { return p.Until }

// Over reports whether a closed room is no longer to be remembered: keep is how long the server keeps activity.
func (p *Past) Over(now time.Time, keep time.Duration) bool {
	return !now.Before(p.Until) || now.Sub(p.ClosedAt) >= min(keep, PastTTL)
}

// Past returns the room as it is remembered once it is closed. roster and visits say who was in it. Of those who
// only sat there, it keeps who could enter anyway: whoever was kicked from a closed circle is not part of it.
func (r *Room) Past(roster []Person, visits VisitLog, now time.Time, keep time.Duration) Past {
	p := Past{
		ID: r.ID, GuildID: r.GuildID, LobbyID: r.LobbyID, OwnerID: r.OwnerID, OwnerName: r.OwnerName,
		Setup:    r.Summary(false).Setup(),
		OpenedAt: r.OpenedAt, ClosedAt: now, AgainOf: r.AgainOf, Until: now.Add(min(keep, PastTTL)),
	}
	for _, b := range r.Bans {
		p.Banned = append(p.Banned, b.UserID)
	}
	p.add(r, PastPerson{UserID: r.OwnerID, Name: r.OwnerName})
	for _, g := range r.Guests {
		p.add(r, PastPerson{UserID: g.UserID, Name: g.Name, Avatar: g.Avatar, Bot: g.Bot})
	}
	circle := len(p.People)
	for _, v := range visits.List {
		p.saw(r, PastPerson{UserID: v.UserID, Name: v.Name, Bot: v.Bot, LastIn: v.At})
	}
	for _, in := range roster {
		p.saw(r, PastPerson{UserID: in.UserID, Name: in.DisplayName, Avatar: in.Avatar, Bot: in.Bot, LastIn: now})
	}
	slices.SortStableFunc(p.People[circle:], func(a, b PastPerson) int { return b.LastIn.Compare(a.LastIn) })
	p.People = p.People[:min(len(p.People), MaxPast)]
	return p
}

func (p *Past) add(r *Room, who PastPerson) {
	if p.Person(who.UserID) == nil && !r.Banned(who.UserID) {
		who.KnowsSince = r.VisitsVisibleSince(who.UserID)
		p.People = append(p.People, who)
	}
}

// saw notes that somebody was in voice.
func (p *Past) saw(r *Room, who PastPerson) {
	if known := p.Person(who.UserID); known != nil {
		known.LastIn = later(known.LastIn, who.LastIn)
		if who.Avatar != "" {
			known.Name, known.Avatar = who.Name, who.Avatar
		}
		return
	}
	if !who.Bot && r.Privacy() == (Privacy{}) {
		p.add(r, who)
	}
}

// Person returns the entry of somebody who belonged to the room, or nil.
func (p *Past) Person(user snowflake.ID) *PastPerson {
	if i := slices.IndexFunc(p.People, func(o PastPerson) bool { return o.UserID == user }); i >= 0 {
		return &p.People[i]
	}
	return nil
}

// KnownTo returns the people of the room that somebody may know of, without themselves: its owner knows all. Others
// know the owner and, as on the room's page, who was in voice since they could see it. They are let in when the viewer
// opens the room again. It returns nil for whoever didn't belong to the room.
func (p *Past) KnownTo(viewer snowflake.ID) (list []PastPerson) {
	me := p.Person(viewer)
	if me == nil {
		return nil
	}
	for _, o := range p.People {
		sat := !o.LastIn.IsZero() && !o.LastIn.Before(me.KnowsSince)
		if o.UserID != viewer && (viewer == p.OwnerID || o.UserID == p.OwnerID || sat) {
			list = append(list, o)
		}
	}
	slices.SortStableFunc(list, func(a, b PastPerson) int { return b.LastIn.Compare(a.LastIn) })
	return list
}

// Parts lists a user's relations to the closed room.
func (p *Past) Parts(user snowflake.ID) (as []Part) {
	who := p.Person(user)
	if p.OwnerID == user && user != 0 {
		as = append(as, PartOwner)
	} else if who != nil {
		as = append(as, PartGuest)
	}
	if who != nil && !who.LastIn.IsZero() {
		as = append(as, PartInside)
	}
	if slices.Contains(p.Banned, user) {
		as = append(as, PartBanned)
	}
	return as
}

// Forget removes a user's data. A ban stays, by id.
func (p *Past) Forget(user snowflake.ID) {
	p.People = slices.DeleteFunc(slices.Clone(p.People), func(o PastPerson) bool { return o.UserID == user })
	if p.OwnerID == user {
		p.OwnerID, p.OwnerName = 0, ""
	}
}

// The closed rooms of a person, as the dashboard asks for them.
type (
	// CircleRequest asks for the closed rooms that the actor belonged to, and whom they are close to.
	CircleRequest struct {
		Actor access.Actor `json:"actor"`
	}

	// Circle is what CircleRequest asks for.
	Circle struct {
		// Closed are the rooms that the actor can open again, the newest first.
		Closed []ClosedRoom `json:"closed,omitempty"`
		// Trusted are people whom the actor let in by name for their last room here.
		Trusted []snowflake.ID `json:"trusted,omitempty"`
		// Recent is when the actor was last in a room with somebody, as far as it is remembered.
		Recent map[snowflake.ID]time.Time `json:"recent,omitempty"`
	}

	// ClosedRoom is a Past as one of its people may see it.
	ClosedRoom struct {
		ID        snowflake.ID `json:"id"`
		GuildID   snowflake.ID `json:"guild_id"`
		OwnerName string       `json:"owner_name,omitempty"`
		Mine      bool         `json:"mine,omitempty"` // the person owned it
		Setup     preset.Setup `json:"setup"`
		People    []PastPerson `json:"people,omitempty"` // as KnownTo
		OpenedAt  time.Time    `json:"opened_at"`
		ClosedAt  time.Time    `json:"closed_at"`
		Until     time.Time    `json:"until"` // until when it can be opened again
		// Again is the room that somebody opened from it and that the person may see; 0: none.
		Again snowflake.ID `json:"again,omitempty"`
	}

	// Cut is what a room was opened without, though a preset or the closed room has it, and why.
	Cut struct {
		Field string      `json:"field"` // of preset.Setup
		Why   *errs.Error `json:"why"`
	}
)

// SeenBy returns the room as one of its people may see it.
func (p *Past) SeenBy(viewer snowflake.ID) ClosedRoom {
	return ClosedRoom{
		ID: p.ID, GuildID: p.GuildID, OwnerName: p.OwnerName, Mine: p.OwnerID == viewer, Setup: p.Setup,
		People: p.KnownTo(viewer), OpenedAt: p.OpenedAt, ClosedAt: p.ClosedAt, Until: p.Until,
	}
}
