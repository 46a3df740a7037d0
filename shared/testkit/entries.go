package testkit

import (
	"slices"
	"time"

	"snug/shared/access"
	"snug/shared/audit"
)

// Entries gives an audit entry for each sentence there is: of each kind in audit.Table the plain one and each variant.
func Entries() []audit.Entry {
	var out []audit.Entry
	seen := map[string]bool{}
	for _, r := range audit.Table() {
		words := append([]string{"x", ""}, r.Variants...)
		for _, detail := range words {
			for _, now := range words {
				for _, e := range []audit.Entry{{By: 1, Target: 2}, {By: 1}, {Target: 2}} {
					e.Kind, e.Detail, e.Old, e.New = r.Kind, detail, "y", now
					e.ID, e.GuildID, e.RoomID, e.Via, e.At = "1", 3, 4, access.ViaWeb, time.Unix(1_700_000_000, 0)
					if id := e.Message(); !seen[id] {
						seen[id] = true
						out = append(out, e)
					}
				}
			}
		}
	}
	return slices.Clip(out)
}
