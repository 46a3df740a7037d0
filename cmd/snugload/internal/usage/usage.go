// Package usage reads what processes, this thread and the whole machine have used, from /proc. Elsewhere than on Linux
// everything is unknown.
package usage

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Time is what threads have used up to a moment.
type Time struct {
	At   time.Time
	CPU  time.Duration // they ran
	Wait time.Duration // they could have run, but others had the processor
	OK   bool          // this is known
}

// BusySince returns how much CPU time was used since before, as a share of the time in which the threads weren't kept
// waiting: 1 is a whole core. It is -1 if that is unknown.
func (t Time) BusySince(before Time) float64 {
	wall := t.At.Sub(before.At) - (t.Wait - before.Wait)
	if !t.OK || !before.OK || wall <= 0 {
		return -1
	}
	return float64(t.CPU-before.CPU) / float64(wall)
}

// Thread returns this thread's time; lock the goroutine to it.
func Thread() Time { return read(fmt.Sprintf("/proc/self/task/%d/schedstat", tid())) }

// Process returns the time of all threads of a process that are there now.
func Process(pid int) Time {
	all, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid)) // the pattern is fine
	return read(all...)
}

func read(files ...string) Time {
	t := Time{At: time.Now()}
	for _, f := range files {
		b, err := os.ReadFile(f)
		fields := bytes.Fields(b)
		if err != nil || len(fields) < 2 {
			continue // the thread has ended
		}
		ran, err1 := strconv.ParseInt(string(fields[0]), 10, 64)
		waited, err2 := strconv.ParseInt(string(fields[1]), 10, 64)
		if err1 == nil && err2 == nil {
			t.CPU, t.Wait, t.OK = t.CPU+time.Duration(ran), t.Wait+time.Duration(waited), true
		}
	}
	return t
}

// Machine returns the CPU time that the whole machine has used since it started, without idling.
func Machine() time.Duration {
	b, _ := os.ReadFile("/proc/stat") // "" without /proc
	line, _, _ := strings.Cut(string(b), "\n")
	fields := strings.Fields(line)
	var ticks int64
	for i, f := range fields {
		if i == 0 || i == 4 || i == 5 || i > 8 { // the name, idle, iowait; guests count as user already
			continue
		}
		n, _ := strconv.ParseInt(f, 10, 64)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// Memory returns a process's resident memory, and the most it had, in bytes.
func Memory(pid int) (now, peak int64) {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // "" without /proc
	for line := range strings.Lines(string(b)) {
		name, rest, _ := strings.Cut(line, ":")
		kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		switch name {
		case "VmHWM":
			peak = kb << 10
		case "VmRSS":
			now = kb << 10
		}
	}
	return now, peak
}
