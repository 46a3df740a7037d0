package wire_test

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"snug/dashboard/wire"
	"snug/shared/errs"
	"snug/shared/room"
	"snug/shared/schema"
)

func TestInviteInput(t *testing.T) {
	most := schema.MaxInviteLifetime.Hours()
	for _, x := range []struct {
		name     string
		hours    float64
		lifetime time.Duration
		bad      bool
	}{
		{"left out", 0, 0, false}, {"half an hour", .5, 30 * time.Minute, false},
		{"the longest", most, schema.MaxInviteLifetime, false}, {"longer", most + .1, 0, true},
		{"past what a duration holds", 1e300, 0, true}, {"negative", -1, 0, true}, {"no number", math.NaN(), 0, true},
		{"less than a minute", .001, 0, true},
	} {
		t.Run(x.name, func(t *testing.T) {
			q, err := wire.InviteInput{Hours: x.hours}.Request(room.Request{}, "")
			if (err != nil) != x.bad || err == nil && q.Lifetime != x.lifetime {
				t.Errorf("it lives for %v: %v", q.Lifetime, err)
			}
			if x.bad && errs.Public(err).Field != "hours" {
				t.Errorf("what is wrong: %v", err)
			}
		})
	}
	doc, _ := reflect.TypeFor[wire.InviteInput]().FieldByName("Hours")
	if want := fmt.Sprintf("up to %g.", most); !strings.Contains(doc.Tag.Get("doc"), want) {
		t.Errorf("the API's description does not say %q", want)
	}
}
