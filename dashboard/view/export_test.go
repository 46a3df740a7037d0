package view

import (
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// What scripts have to agree with.
func Words(now time.Time, d time.Duration) [3]string {
	return [3]string{until(now, now.Add(d)), clock(now, now.Add(d)), ago(now, now.Add(-d))}
}
func Letter(name string) string { return letter(name) }
func Tint(id snowflake.ID) int  { return tint(id) }
