package schema

import (
	"time"
	"unicode/utf8"

	"snug/shared/errs"
)

// Limits of an invite link. Zero stands for the server's setting, which keeps to the same limits.
const (
	MinInviteLifetime = time.Minute
	MaxInviteLifetime = 30 * 24 * time.Hour
	MaxInviteUses     = 1000 // people one link lets in
	MaxInviteLabel    = 40   // characters
)

// CleanInviteLabel returns the label of an invite as it is stored, by the rules of names; "" is none. It fails with
// errs.Invalid, naming "label".
func CleanInviteLabel(label string) (string, error) {
	label, err := cleanText("label", label)
	if n := utf8.RuneCountInString(label); err == nil && n > MaxInviteLabel {
		return "", errs.Field("label", "That label has %d characters, and it can have up to %d. Shorten it.", n,
			MaxInviteLabel)
	}
	return label, err
}

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
