// Package stats collects a guild's statistics beyond its audit log: how many people are in rooms,
// when, and how long rooms take to fill. The process that holds the guild's shard updates a Day by
// looking at every room once a minute; a Report combines days and audit entries.
//
// The package does no I/O and does not read the clock. Its values are plain data. They identify no
// person, and days end at midnight UTC.
package stats

import (
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/room"
)

// Retention is how long days are stored at most; a guild can choose a shorter time.
const Retention = 90 * 24 * time.Hour

// maxFills limits how many filled rooms a day records.
const maxFills = 500

// Day is a guild's statistics for one day.
type Day struct {
	Hours [24]Hour  `json:"hours"`
	Fills []Fill    `json:"fills,omitempty"`
	Until time.Time `json:"until"` // when the hub removes it
}

// Hour is a guild's statistics for one hour.
type Hour struct {
	PersonMinutes int `json:"pm,omitempty"`    // minutes that people spent in rooms, added up
	People        int `json:"peak,omitempty"`  // most people at the same time
	Rooms         int `json:"rooms,omitempty"` // most occupied rooms at the same time
}

// Fill records that every seat of a room was taken for the first time.
type Fill struct {
	RoomID  snowflake.ID `json:"room_id"`
	Seconds int          `json:"s"` // from opening the room to full
}

// ExpiresAt returns Until. It implements hub.Expiring.
func (d Day) ExpiresAt() time.Time { return d.Until }

// Date formats a day for use in keys, such as 20260131.
func Date(t time.Time) string { return t.UTC().Format("20060102") }

// Key is the key of a guild's day in its bucket, such as guild.20260131.
func Key(guild snowflake.ID, t time.Time) string { return guild.String() + "." + Date(t) }

// Minute adds one observation of the guild's rooms. Call it once a minute.
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

// Filled records that a room became full for the first time. Later calls for the same room do
// nothing.
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

// Empty reports whether the day has no data.
func (d *Day) Empty() bool { return d.Hours == [24]Hour{} && len(d.Fills) == 0 }
