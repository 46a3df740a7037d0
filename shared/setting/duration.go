package setting

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/schema"
)

// units are what lengths of time are counted in, as guild.ParseDuration writes them, the smallest first.
var units = []struct {
	name   string
	length time.Duration
}{{"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}, {"d", 24 * time.Hour}}

// Units are the units in which a row's lengths of time are typed: from the largest that its shortest length is a
// multiple of, to the largest that its longest one holds. "never" is one too, where a row allows it.
func Units(row schema.Setting) (list []string) {
	_, least := Amount(guild.Duration(row.MinTime))
	for i, u := range units {
		if u.name == least || len(list) > 0 && u.length <= row.MaxTime || row.MinTime == 0 && i == 0 {
			list = append(list, u.name)
		}
	}
	if row.Never {
		list = append(list, guild.Never.String())
	}
	return list
}

// Amount gives a length of time as a number and the largest unit that it is a multiple of: 90m, 1h, 36h. Never is a
// unit without a number.
func Amount(d guild.Duration) (number, unit string) {
	if d == guild.Never {
		return "", guild.Never.String()
	}
	for _, u := range slices.Backward(units) {
		if d != 0 && d.Std()%u.length == 0 {
			return strconv.FormatInt(int64(d.Std()/u.length), 10), u.name
		}
	}
	return strconv.FormatInt(int64(d.Std()/time.Second), 10), "m"
}

// readAmount reads a length of time that was typed as a number and chosen as a unit.
func readAmount(row schema.Setting, number, unit string) (guild.Duration, error) {
	if number = strings.TrimSpace(number); unit == guild.Never.String() {
		return guild.Never, nil
	}
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return 0, errs.Field(row.Name, "“%s” isn't a whole number. Type one, like 4.", number)
	}
	for _, u := range units {
		if u.name == unit {
			n = min(n, uint64(maxAmount/u.length))
			return guild.Duration(time.Duration(n) * u.length), nil //nolint:gosec // small
		}
	}
	return 0, errs.Field(row.Name, "Snug couldn't read that choice. Choose again.")
}

// maxAmount is more than any setting may be, so that what is longer is refused with its limits.
const maxAmount = 100 * 365 * 24 * time.Hour
