package hub

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Lease records which process holds a shard, under the key that LeaseKey returns. The holder renews it by writing it
// again: another process that sees the same revision for long enough may take the shard over.
//
// Two other kinds of keys are in the same bucket, so that whoever can write one can write all. Under a key that begins
// with Attending, a process records that it is running. Under Generation, Shards is how many shards the bot has at
// present: processes that count differently may not take any.
type Lease struct {
	Holder  string   `json:"holder"`            // random for each process; "" if nobody holds the shard
	Name    string   `json:"name"`              // where it runs, for people to read
	Term    uint64   `json:"term,omitempty"`    // the holder's term; it increases each time a shard is taken
	Shards  int      `json:"shards,omitempty"`  // total number of the bot's shards
	Process *Process `json:"process,omitempty"` // only under a key that begins with Attending
}

const (
	// Attending is the prefix of the keys of processes in the bucket of leases.
	Attending = "process."
	// Generation is the key of how many shards the bot has.
	Generation = "generation"
)

// Process is what a process says about itself.
type Process struct {
	Roles   []string  `json:"roles"`
	Version string    `json:"version,omitempty"`
	Started time.Time `json:"started,omitzero"`
	Takes   []int     `json:"takes,omitempty"`   // the only shards it may hold; empty: any
	Refused int       `json:"refused,omitempty"` // requests that Discord refused in the last ten minutes
	Bot     bool      `json:"bot"`               // it may hold shards
}

// Where says on which machine this process runs, and which one there it is, for people to read.
func Where() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return fmt.Sprintf("%s, process %d", host, os.Getpid())
}

// LeaseKey returns the key of a shard's lease. It carries the number of shards, because shard 1 of 2 and shard 1 of 4
// have different servers.
func LeaseKey(shards, shard int) string { return strconv.Itoa(shards) + "." + strconv.Itoa(shard) }

// ParseLeaseKey is the inverse of LeaseKey; false for any other key.
func ParseLeaseKey(key string) (shards, shard int, ok bool) {
	first, second, ok := strings.Cut(key, ".")
	if !ok {
		return 0, 0, false
	}
	shards, err := strconv.Atoi(first)
	if err != nil {
		return 0, 0, false
	}
	shard, err = strconv.Atoi(second)
	return shards, shard, err == nil && shard >= 0 && shard < shards
}

const (
	attendEvery = 3 * time.Second
	attendFor   = 24 * time.Second // as long as a process that has died is remembered
)

// Attend announces a process that holds no shards, until ctx ends. One that may hold them is announced by its leases.
func (h *Hub) Attend(ctx context.Context, name string, p Process) {
	key := Attending + h.Self()
	tick := time.NewTicker(attendEvery)
	defer tick.Stop()
	for {
		// A failure needs no message: the hub's readiness tells of it, and the next tick repeats the write.
		_, _ = h.Leases.Put(ctx, key, Lease{Holder: h.Self(), Name: name, Process: &p}, TTL(attendFor))
		select {
		case <-tick.C:
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			_ = h.Leases.Delete(ctx, key) // otherwise it expires
			return
		}
	}
}
