// Package stats is what Snug counts of a guild beside its audit log: how many
// people sit in rooms, when, and how long rooms take to fill. A Day is counted
// by the process that keeps the guild, from a look at every room each minute;
// a Report puts days and audit entries together.
//
// It does no I/O and reads no clock. Its values are plain data. No person is
// named in them, and days end at midnight UTC.
package stats

import (
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/room"
)

// Retention is how long days are kept at most; a guild's setting may be shorter.
const Retention = 90 * 24 * time.Hour

// maxFills bounds how many rooms of a day are told apart.
const maxFills = 500

// Day is what was counted of a guild on one day.
type Day struct {
	Hours [24]Hour  `json:"hours"`
	Fills []Fill    `json:"fills,omitempty"`
	Until time.Time `json:"until"` // when the hub forgets it
}

// Hour is what was counted in an hour.
type Hour struct {
	PersonMinutes int `json:"pm,omitempty"`    // minutes that people sat in rooms, added up
	People        int `json:"peak,omitempty"`  // most people at once
	Rooms         int `json:"rooms,omitempty"` // most rooms with somebody in them at once
}

// Fill is a room whose every seat was taken for the first time.
type Fill struct {
	RoomID  snowflake.ID `json:"room_id"`
	Seconds int          `json:"s"` // since it was opened
}

// ExpiresAt gives Until, to the hub.
func (d Day) ExpiresAt() time.Time { return d.Until }

// Date names a day in keys: guild.20260131.
func Date(t time.Time) string { return t.UTC().Format("20060102") }

// Key is where a guild's day is kept.
func Key(guild snowflake.ID, t time.Time) string { return guild.String() + "." + Date(t) }

// Minute counts one look at the guild's rooms.
func (d *Day) Minute(t time.Time, rooms []room.Live) {
	people, used := 0, 0
	for _, l := range rooms {
		if n := l.Occupied(); n > 0 && !l.Gone() {
			people += n
			used++
		}
	}
	h := &d.Hours[t.UTC().Hour()]
	h.PersonMinutes += people
	h.People = max(h.People, people)
	h.Rooms = max(h.Rooms, used)
}

// Filled counts a room that is full for the first time, once.
func (d *Day) Filled(id snowflake.ID, after time.Duration) {
	for _, f := range d.Fills {
		if f.RoomID == id {
			return
		}
	}
	if len(d.Fills) < maxFills {
		d.Fills = append(d.Fills, Fill{id, int(max(0, after).Seconds())})
	}
}

// Empty says whether nothing was counted.
func (d *Day) Empty() bool { return d.Hours == [24]Hour{} && len(d.Fills) == 0 }
