package access

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/disgoorg/snowflake/v2"
)

// Overwrite allows and denies permissions in a channel, for a role or a member.
type Overwrite struct {
	ID          snowflake.ID
	Member      bool // of a member; otherwise of a role
	Allow, Deny Permissions
}

// MarshalText encodes an overwrite briefly, because every event with a roster contains it: id,
// allowed bits and denied bits in hexadecimal, with an m before a member's.
func (o Overwrite) MarshalText() ([]byte, error) {
	var b []byte
	if o.Member {
		b = append(b, 'm')
	}
	b = strconv.AppendUint(b, uint64(o.ID), 10)
	b = strconv.AppendUint(append(b, ':'), uint64(o.Allow), 16)
	return strconv.AppendUint(append(b, ':'), uint64(o.Deny), 16), nil
}

// UnmarshalText is the inverse of MarshalText.
func (o *Overwrite) UnmarshalText(b []byte) error {
	text, member := strings.CutPrefix(string(b), "m")
	part := strings.Split(text, ":")
	if len(part) != 3 {
		return fmt.Errorf("access: %q is not an overwrite", b)
	}
	var n [3]uint64
	for i, base := range []int{10, 16, 16} {
		var err error
		if n[i], err = strconv.ParseUint(part[i], base, 64); err != nil {
			return fmt.Errorf("access: %q is not an overwrite: %w", b, err)
		}
	}
	*o = Overwrite{ID: snowflake.ID(n[0]), Member: member, Allow: Permissions(n[1]), Deny: Permissions(n[2])}
	return nil
}

// Compact returns the overwrites that affect the permissions in mask, limited to mask, sorted by id.
func Compact(list []Overwrite, mask Permissions) []Overwrite {
	var out []Overwrite
	for _, o := range list {
		o.Allow, o.Deny = o.Allow&mask, o.Deny&mask
		if o.Allow|o.Deny != 0 {
			out = append(out, o)
		}
	}
	slices.SortFunc(out, func(a, b Overwrite) int {
		switch {
		case a.ID < b.ID:
			return -1
		case a.ID > b.ID:
			return 1
		}
		return 0
	})
	return out
}
