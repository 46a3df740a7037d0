package ratelimit

import "time"

// rate limits the number of starts in any second. Not safe for concurrent use.
type rate struct {
	last []time.Time // a ring of the last starts
	n    int
}

// ratePeriod is a second plus a margin, because requests may arrive closer together than they started.
const ratePeriod = time.Second + 25*time.Millisecond

func newRate(perSecond int) *rate { return &rate{last: make([]time.Time, perSecond)} }

// leastRate is the smallest share of requests a second.
const leastRate = 1. / 600

// next returns when the next request may start, if share of them may in a second: the zero time means now. With less
// than one a second, one may start in a longer period.
func (r *rate) next(share float64) time.Time {
	n, period := min(max(int(share), 1), len(r.last)), ratePeriod
	if share < 1 {
		period = time.Duration(float64(ratePeriod) / max(share, leastRate))
	}
	if r.n < n {
		return time.Time{}
	}
	return r.last[(r.n-n)%len(r.last)].Add(period)
}

func (r *rate) start(now time.Time) {
	r.last[r.n%len(r.last)] = now
	r.n++
}

const (
	invalidPeriod = 10 * time.Minute
	invalidSlots  = 60
	invalidSlot   = invalidPeriod / invalidSlots
)

// invalids counts invalid requests over ten minutes plus one slot. Not safe for concurrent use.
type invalids struct {
	slots  [invalidSlots + 1]int
	newest int64 // number of the newest slot since the Unix epoch
	total  int
}

// advance removes slots older than ten minutes.
func (v *invalids) advance(now time.Time) {
	n := now.UnixNano() / int64(invalidSlot)
	if n-v.newest > int64(len(v.slots)) {
		v.newest = n - int64(len(v.slots))
	}
	for v.newest < n {
		v.newest++
		s := &v.slots[v.newest%int64(len(v.slots))]
		v.total -= *s
		*s = 0
	}
}

func (v *invalids) add(now time.Time) {
	v.advance(now)
	v.slots[v.newest%int64(len(v.slots))]++
	v.total++
}

// count returns how many there were in the last ten minutes, or slightly longer.
func (v *invalids) count(now time.Time) int {
	v.advance(now)
	return v.total
}

// below returns when the count will be less than most if no more are added: the zero time means it already is.
func (v *invalids) below(now time.Time, most int) time.Time {
	left := v.count(now)
	if left < most {
		return time.Time{}
	}
	size := int64(len(v.slots))
	for old := v.newest - size + 1; old <= v.newest; old++ {
		if left -= v.slots[old%size]; left < most {
			return time.Unix(0, (old+size)*int64(invalidSlot))
		}
	}
	return now.Add(invalidPeriod)
}
