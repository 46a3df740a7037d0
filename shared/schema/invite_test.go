package schema_test

import (
	"testing"
	"time"

	"snug/shared/errs"
	"snug/shared/schema"
)

func TestCheckInvite(t *testing.T) {
	for _, x := range []struct {
		name     string
		lifetime time.Duration
		uses     int
		field    string
	}{
		{"the server's settings", 0, 0, ""},
		{"the shortest", schema.MinInviteLifetime, 1, ""},
		{"the longest", schema.MaxInviteLifetime, schema.MaxInviteUses, ""},
		{"too short", schema.MinInviteLifetime - 1, 1, "hours"},
		{"before now", -time.Hour, 1, "hours"},
		{"too long", schema.MaxInviteLifetime + 1, 1, "hours"},
		{"too many", time.Hour, schema.MaxInviteUses + 1, "uses"},
		{"fewer than none", time.Hour, -1, "uses"},
	} {
		t.Run(x.name, func(t *testing.T) {
			err := schema.CheckInvite(x.lifetime, x.uses)
			field := ""
			if err != nil {
				field = errs.Public(err).Field
			}
			if field != x.field {
				t.Errorf("wrong is %q, want %q: %v", field, x.field, err)
			}
		})
	}
}
