package figures

import (
	"math/bits"
	"time"
)

// Histogram counts durations with a resolution of about 6 %. Not safe for concurrent use.
type Histogram [64 * 16]uint64

// Add counts a duration in nanoseconds; below 0 it is 0.
func (h *Histogram) Add(ns int64) { h[slot(uint64(max(ns, 0)))]++ }

func slot(v uint64) int {
	if v < 16 {
		return int(v)
	}
	top := bits.Len64(v) - 5 // the four bits after the highest say which part
	return (top+1)*16 + int(v>>top)&15
}

// upper is the highest value of a slot.
func upper(i int) int64 {
	if i < 16 {
		return int64(i)
	}
	top := i/16 - 1
	return int64((uint64(16+i%16)+1)<<top - 1)
}

// Quantile returns the duration below which the share q of the counts lies; 0 if there are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	var all, sum uint64
	for _, n := range h {
		all += n
	}
	for i, n := range h {
		if sum += n; n > 0 && float64(sum) >= q*float64(all) {
			return time.Duration(upper(i))
		}
	}
	return 0
}
