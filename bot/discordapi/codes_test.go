package discordapi

import (
	"bufio"
	"errors"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/disgoorg/disgo/rest"

	"snug/bot/rooms"
	"snug/shared/errs"
)

// documented reads Discord's table of JSON error codes, as its documentation
// has it at c98d64bc (developers/topics/opcodes-and-status-codes.mdx).
func documented(t *testing.T) map[rest.JSONErrorCode]string {
	t.Helper()
	f, err := os.Open("testdata/codes.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[rest.JSONErrorCode]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		code, means, ok := strings.Cut(lines.Text(), "\t")
		n, err := strconv.Atoi(code)
		if !ok || err != nil || means == "" {
			t.Fatalf("line %q", lines.Text())
		}
		out[rest.JSONErrorCode(n)] = means
	}
	return out
}

func refusal(status int, code rest.JSONErrorCode, tree string) error {
	return &rest.Error{
		Response: &http.Response{StatusCode: status}, Code: code, Message: "no", RsBody: []byte(`{"message":"no"}`),
		Errors: []byte(tree),
	}
}

// Every code that Discord documents has a class, no other has, and each class is met.
func TestEveryCodeIsClassified(t *testing.T) {
	table, met := documented(t), map[class]int{}
	if len(table) < 240 {
		t.Fatalf("%d codes are documented", len(table))
	}
	for code, means := range table {
		c := classOf(code)
		met[c]++
		if c == classUnknown && code != 0 { // 0 says nothing: the status decides
			t.Errorf("%d %s has no class", code, means)
		}
		err := coded(refusal(400, code, `{}`), "rename it", "Manage Channels")
		if e, ok := errors.AsType[*errs.Error](err); !ok || e.Message == "" || e.Code == "" {
			t.Errorf("%d is said as %v", code, err)
		}
	}
	for code := rest.JSONErrorCode(1); code < 600_000; code++ {
		if _, known := table[code]; !known && classOf(code) != classUnknown && code != 20026 && code != 50240 {
			// both are known from reports alone
			t.Errorf("%d has a class and is not documented", code)
		}
	}
	for c := classUnknown; c <= classElsewhere; c++ {
		if met[c] == 0 {
			t.Errorf("no code is of class %d", c)
		}
	}
	t.Logf("%d codes in %d classes", len(table), len(met))
}

// What people are told follows the code, and where that says nothing the status.
func TestRefusalsHaveTheirCause(t *testing.T) {
	const badName = `{"name":{"_errors":[{"code":"INVALID_COMMUNITY_PROPERTY_NAME"}]}}`
	const full = `{"parent_id":{"_errors":[{"code":"CHANNEL_PARENT_MAX_CHANNELS"}]}}`
	page := func(status int, body string) error {
		return &rest.Error{Response: &http.Response{StatusCode: status}, RsBody: []byte(body)}
	}
	for name, c := range map[string]struct {
		err  error
		want errs.Code
		says string
	}{
		"no permission": {refusal(403, 50013, ""), errs.MissingPermission, "Manage Channels"},
		"not seen":      {refusal(403, 50001, ""), errs.MissingPermission, "Manage Channels"},
		"two-factor": {
			refusal(403, 60003, ""), errs.MissingPermission, "the Discord account that owns Snug's application",
		},
		"direct messages too fast":    {refusal(403, 40003, ""), errs.RateLimited, "anyone new"},
		"no server in common":         {refusal(403, 50278, ""), errs.Forbidden, "share no server"},
		"takes none":                  {refusal(403, 50007, ""), errs.Forbidden, "direct messages"},
		"old edit":                    {refusal(429, 30046, ""), errs.RateLimited, "slow down"},
		"channel names":               {refusal(400, 20031, ""), errs.Invalid, "words"},
		"name of a Discovery server":  {refusal(400, 50035, badName), errs.Invalid, "words"},
		"automatic moderation":        {refusal(400, 200000, ""), errs.Invalid, "AutoMod"},
		"a full category":             {refusal(400, 50035, full), errs.Invalid, "50"},
		"too many overwrites":         {refusal(400, 30060, ""), errs.RoomLimit, "1,000"},
		"too many channels":           {refusal(400, 30013, ""), errs.RoomLimit, "500"},
		"Entry Point":                 {refusal(400, 50240, ""), errs.Internal, "the person who hosts Snug"},
		"the bot's token":             {refusal(401, 0, ""), errs.Internal, "snug doctor"},
		"gone":                        {refusal(404, 10003, ""), errs.NotFound, "can't find it"},
		"unknown code, 403":           {refusal(403, 999999, ""), errs.MissingPermission, "Manage Channels"},
		"unknown code, 404":           {refusal(404, 999999, ""), errs.NotFound, "can't find it"},
		"unknown code, 429":           {refusal(429, 999999, ""), errs.RateLimited, "slow down"},
		"unknown code, 400":           {refusal(400, 999999, ""), errs.Internal, "the person who hosts Snug"},
		"unknown code, 409":           {refusal(409, 999999, ""), errs.Internal, "the person who hosts Snug"},
		"a page of Cloudflare's, 403": {page(403, "<html>error 1020"), errs.DiscordUnavailable, "didn't answer"},
		"a page of some proxy's, 404": {page(404, "<html>not found"), errs.DiscordUnavailable, "didn't answer"},
		"nothing at all with its 404": {page(404, ""), errs.DiscordUnavailable, "didn't answer"},
		"no answer":                   {errors.New("connection reset"), errs.DiscordUnavailable, "didn't answer"},
		"a status of 500":             {refusal(500, 0, ""), errs.DiscordUnavailable, "didn't answer"},
	} {
		t.Run(name, func(t *testing.T) {
			err := coded(c.err, "rename it", "Manage Channels")
			e, ok := errors.AsType[*errs.Error](err)
			if !ok || e.Code != c.want || !strings.Contains(e.Message, c.says) {
				t.Errorf("got %v", err)
			}
			if !errors.Is(err, c.err) {
				t.Error("the cause is lost")
			}
		})
	}
	for _, err := range []error{refusal(400, 20031, ""), refusal(400, 50035, badName)} {
		if !errors.Is(coded(err, "", ""), rooms.ErrNameNotAllowed) {
			t.Errorf("%v is not known for forbidden words", err)
		}
	}
}
