package room

import "time"

// Shift moves the times that the room's durations are measured from, after the wall clock jumped by d,
// so that the durations stay the same. Invites keep their times, because the hub forgets their codes by them.
func (r *Room) Shift(d time.Duration) {
	if d == 0 {
		return
	}
	times := []*time.Time{
		&r.OpenedAt, &r.ShownAt, &r.ClosingAt, &r.OwnerLeftAt, &r.Idle.EmptySince, &r.Idle.SeenAt, &r.Idle.KeptAt,
		&r.Renames.NotBefore,
	}
	for i := range r.Renames.At {
		times = append(times, &r.Renames.At[i])
	}
	for i := range r.Knocks {
		times = append(times, &r.Knocks[i].At, &r.Knocks[i].RefusedAt)
	}
	for i := range r.Waiting {
		times = append(times, &r.Waiting[i].Since)
	}
	for i := range r.Holds {
		times = append(times, &r.Holds[i].Until)
	}
	for _, t := range times {
		if !t.IsZero() {
			*t = t.Add(d)
		}
	}
	r.Shifted += d
}
