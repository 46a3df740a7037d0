package errs_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"snug/shared/errs"
)

func TestPublicHidesTheCause(t *testing.T) {
	secret := errors.New("dial tcp 10.0.0.7: token abc")
	for _, err := range []error{
		errs.E(errs.DiscordUnavailable, "Discord did not answer.").Because(secret),
		fmt.Errorf("opening: %w", errs.E(errs.RoomFull, "Full.").Because(secret)),
		secret,
	} {
		b, e := json.Marshal(errs.Public(err))
		if e != nil {
			t.Fatal(e)
		}
		if strings.Contains(string(b), "abc") || strings.Contains(errs.Public(err).Error(), "abc") {
			t.Errorf("the cause of %v is visible in %s", err, b)
		}
	}
}

func TestCodeSurvivesWrappingAndJSON(t *testing.T) {
	err := fmt.Errorf("outer: %w", errs.E(errs.RateLimited, "Wait a minute.").After(1500*time.Millisecond))
	if got := errs.CodeOf(err); got != errs.RateLimited {
		t.Fatalf("CodeOf = %q", got)
	}
	if !errors.Is(err, &errs.Error{Code: errs.RateLimited}) || errors.Is(err, &errs.Error{Code: errs.RoomFull}) {
		t.Fatal("errors.Is does not follow the code")
	}
	b, e := json.Marshal(errs.Public(err))
	if e != nil {
		t.Fatal(e)
	}
	var back errs.Error
	if e := json.Unmarshal(b, &back); e != nil {
		t.Fatal(e)
	}
	if back.Code != errs.RateLimited || back.Message != "Wait a minute." || back.RetryAfter != 1500*time.Millisecond {
		t.Fatalf("after a round trip: %+v", back)
	}
	if errs.CodeOf(errors.New("plain")) != errs.Internal || errs.CodeOf(nil) != "" {
		t.Fatal("codes of plain and nil errors")
	}
}

// What a translation needs crosses the hub: the format, and arguments that print the same.
func TestArgumentsSurviveJSON(t *testing.T) {
	e := errs.E(errs.Forbidden, "%s: only %d of %s can %s in %s (%q, %s)", "Friday", 4, time.Minute,
		errs.Term("close it"), fmt.Errorf("x"), "100%", errs.Label("setting.log_channel_id"))
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var back errs.Error
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if again := fmt.Sprintf(back.Format, back.Args...); again != e.Message || back.Message != e.Message {
		t.Errorf("%q became %q", e.Message, again)
	}
	if !strings.HasSuffix(e.Message, ", log channel)") {
		t.Errorf("a label is not in plain words: %q", e.Message)
	}
	if back.Args[3] != errs.Term("close it") || back.Args[0] != "Friday" ||
		back.Args[6] != errs.Label("setting.log_channel_id") {
		t.Errorf("the kinds of arguments are lost: %#v", back.Args)
	}
}
