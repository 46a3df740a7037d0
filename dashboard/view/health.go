package view

import (
	"strconv"
	"time"

	"snug/shared/guild"
)

// Health is the page at /admin/{guild}/health. Its form posts there, with the findings to mend as only.
type Health struct {
	AdminTab
	Preflight *guild.Preflight    // nil: not known
	Keeper    *guild.Health       // nil: not known
	Report    *guild.RepairReport // nil: not known
	Applied   bool                // Report tells what was mended
	Connected bool                // Discord's gateway tells of this server
	Events    int                 // that latencies were measured of
	P50, P95  int64               // milliseconds from gateway to browser
}

// Tab is the page's own.
func (*Health) Tab() string { return "health" }

func (*Health) name() string { return "admin-health" }

// Millis tells a short time in milliseconds, "–" for none.
func (*Health) Millis(d time.Duration) string {
	if d <= 0 {
		return "–"
	}
	return strconv.FormatInt(max(d.Milliseconds(), 1), 10) + " ms"
}
