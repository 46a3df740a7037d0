package request

import (
	"errors"
	"testing"

	"snug/shared/errs"
)

func TestStatusOfEachCode(t *testing.T) {
	codes := map[errs.Code]int{
		errs.Invalid: 400, errs.Unauthorized: 401, errs.Forbidden: 403, errs.NotFound: 404, errs.Conflict: 409,
		errs.InProgress: 409, errs.RoomNotFound: 404, errs.RoomFull: 409,
		errs.RoomLimit: 409, errs.TokenInvalid: 400, errs.TokenExpired: 410, errs.TokenRevoked: 410,
		errs.TokenUsedUp: 410, errs.GuildJoinDenied: 403,
		errs.NotInVoice: 409, errs.MissingPermission: 409, errs.RateLimited: 429, errs.DiscordUnavailable: 503,
		errs.Unavailable: 503, errs.Internal: 500,
	}
	if len(codes) != len(answers) {
		t.Errorf("%d codes are answered, %d tested", len(answers), len(codes))
	}
	for code, want := range codes {
		if got := StatusOf(errs.E(code, "x")); got != want || answers[code].kind == "" {
			t.Errorf("%s: %d, want %d", code, got, want)
		}
	}
	if StatusOf(errors.New("x")) != 500 {
		t.Error("an error without a code")
	}
}
