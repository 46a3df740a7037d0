package view

import (
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/text"
)

// What scripts have to agree with.
func Words(t text.Texts, now time.Time, d time.Duration) [3]string {
	w := wordsOf(t)
	return [3]string{w.until(now, now.Add(d)), clock(now, now.Add(d)), w.ago(now, now.Add(-d))}
}
func Letter(name string) string { return letter(name) }
func Tint(id snowflake.ID) int  { return tint(id) }
