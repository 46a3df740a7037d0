package message

import (
	"strings"
	"testing"

	"github.com/disgoorg/snowflake/v2"
)

func TestCustomIDs(t *testing.T) {
	longest := snowflake.ID(1<<63 - 1)
	for _, id := range []CustomID{
		{Action: "lock", Guild: 1, Room: 2},
		{Action: "let-in", Guild: longest, Room: longest, Arg: longest.String()},
		{Action: "save", Guild: 7, Arg: "r12"},
	} {
		if got, ok := ParseCustomID(id.String()); !ok || got != id || len(id.String()) > maxCustomID {
			t.Errorf("%s came back as %+v, %v", id, got, ok)
		}
	}
	for _, bad := range []string{
		"", "snug1", "lock", "snug1/lock/1/2", "snug1/lock/1/2//", "snug2/lock/1/2/", "snug1//1/2/", "snug1/lock/0/2/",
		"snug1/lock/01/2/",
		"snug1/lock/+1/2/", "snug1/lock/1/-2/", "snug1/lock/1/2/a b", "snug1/LOCK/1/2/",
		"snug1/lock/1/99999999999999999999/", "snug1/lock/1/２/",
		"snug1/lock/1/2/" + strings.Repeat("a", 100), "snug1/lock/1/2/\x00",
	} {
		if got, ok := ParseCustomID(bad); ok {
			t.Errorf("%q was read as %+v", bad, got)
		}
	}
}

func FuzzCustomID(f *testing.F) {
	f.Add("snug1/lock/1/2/")
	f.Add("snug1/let-in/123/456/789")
	f.Fuzz(func(t *testing.T, s string) {
		if id, ok := ParseCustomID(s); ok && id.String() != s {
			t.Errorf("%q was read as %q", s, id)
		}
	})
}
