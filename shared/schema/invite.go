package schema

import (
	"time"

	"snug/shared/errs"
)

// Limits of an invite link. Zero stands for the server's setting, which keeps to the same limits.
const (
	MinInviteLifetime = time.Minute
	MaxInviteLifetime = 30 * 24 * time.Hour
	MaxInviteUses     = 1000 // people one link lets in
)

// CheckInvite fails with errs.Invalid, naming "hours" or "uses", unless an invite can have this lifetime and this
// many uses. Zero is fine for both.
func CheckInvite(lifetime time.Duration, uses int) error {
	switch {
	case lifetime != 0 && (lifetime < MinInviteLifetime || lifetime > MaxInviteLifetime):
		return errs.Field("hours", "An invite can last from %s to %s.", MinInviteLifetime, MaxInviteLifetime)
	case uses < 0 || uses > MaxInviteUses:
		return errs.Field("uses", "An invite link can work for 1 to %d people.", MaxInviteUses)
	}
	return nil
}
