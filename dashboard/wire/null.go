package wire

import (
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// TimeOrNull is a time as JSON has it where there may be none.
func TimeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// IDOrNull is an id as JSON has it where there may be none.
func IDOrNull(id snowflake.ID) *snowflake.ID {
	if id == 0 {
		return nil
	}
	return &id
}
