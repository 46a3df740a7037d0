package main

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// histogram counts durations with a resolution of about 6 %. Only one goroutine may add; reading concurrently is safe.
type histogram struct{ n [64 * 16]atomic.Uint32 }

func (h *histogram) add(ns int64) {
	h.n[slot(uint64(max(ns, 0)))].Add(1)
}

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

// drain moves what was counted into counts.
func (h *histogram) drain(counts []uint64) {
	for i := range h.n {
		counts[i] += uint64(h.n[i].Swap(0))
	}
}

// quantile returns the value below which the share q of the counts lies; 0 if there are none.
func quantile(counts []uint64, q float64) time.Duration {
	var all, sum uint64
	for _, n := range counts {
		all += n
	}
	for i, n := range counts {
		if sum += n; n > 0 && float64(sum) >= q*float64(all) {
			return time.Duration(upper(i))
		}
	}
	return 0
}
