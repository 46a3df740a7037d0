package trial

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of the requests themselves.
const (
	maxPause = 10 * time.Second
	maxBody  = 4 << 20
)

// answer is an HTTP response.
type answer struct {
	status int
	raw    []byte
	header http.Header
}

// id returns the answer's id.
func (a answer) id() string { return a.text("id") }

func (a answer) text(field string) string {
	var m map[string]json.RawMessage
	_ = json.Unmarshal(a.raw, &m) // a body that isn't an object has no fields
	var s string
	_ = json.Unmarshal(m[field], &s)
	return s
}

// call makes a request and adds it to the outcome. args fill the placeholders of the route. With
// own, the response is about something the trial created, and its shape is recorded. It waits when
// it is rate limited for at most maxPause.
func (t *trial) call(
	ctx context.Context, out *Outcome, own bool, method, route string, body any, args ...string,
) (answer, error) {
	for {
		a, err := t.request(ctx, method, fill(route, args), body)
		if err != nil {
			out.err = err
			return a, err
		}
		x := Exchange{Method: method, Route: route, Status: a.status, Limit: limitOf(a)}
		if a.status >= 400 {
			x.Code = codeOf(a.raw)
		} else if own {
			x.Body = shapeOf(a.raw)
		}
		if wait := x.pause(); a.status == http.StatusTooManyRequests && wait > 0 && wait <= maxPause {
			if err := sleep(ctx, wait); err != nil {
				return a, err
			}
			continue
		}
		out.Exchanges = append(out.Exchanges, x)
		if x.Limit != nil && a.status < 400 && x.Limit.Limit > 0 && x.Limit.Remaining == 0 {
			return a, sleep(ctx, min(maxPause, time.Duration(x.Limit.ResetAfter*float64(time.Second))))
		}
		return a, nil
	}
}

func (x *Exchange) pause() time.Duration {
	if x.Limit == nil {
		return 0
	}
	return time.Duration(x.Limit.RetryAfter * float64(time.Second))
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func fill(route string, args []string) string {
	for _, a := range args {
		from, to := strings.IndexByte(route, '{'), strings.IndexByte(route, '}')
		route = route[:from] + url.PathEscape(a) + route[to+1:]
	}
	return route
}

func (t *trial) request(ctx context.Context, method, path string, body any) (answer, error) {
	var send io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return answer{}, err
		}
		send = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, t.o.URL+"/api/v10"+path, send)
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Authorization", "Bot "+t.o.Token)
	r.Header.Set("User-Agent", "DiscordBot ("+t.o.Site+", 1)") // reference.mdx#user-agent: URL and version
	r.Header.Set("X-Audit-Log-Reason", "Snug: trial")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := t.o.HTTP.Do(r)
	if err != nil {
		return answer{}, errors.New("no answer")
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return answer{}, errors.New("the answer broke off")
	}
	return answer{res.StatusCode, raw, res.Header}, nil
}

func codeOf(raw []byte) int {
	var e struct {
		Code int `json:"code"`
	}
	_ = json.Unmarshal(raw, &e) // an HTML page has none
	if e.Code < 0 || e.Code > 1_000_000 {
		return 0
	}
	return e.Code
}

// limitOf reads the rate limit headers; nil if there are none.
func limitOf(a answer) *Limit {
	num := func(name string) float64 {
		n, err := strconv.ParseFloat(a.header.Get(name), 64)
		if err != nil || n < 0 || n > 1e7 { // a date, or not a number
			return 0
		}
		return n
	}
	l := Limit{
		Limit: num("X-RateLimit-Limit"), Remaining: num("X-RateLimit-Remaining"),
		ResetAfter: num("X-RateLimit-Reset-After"), RetryAfter: num("Retry-After"),
	}
	if s := a.header.Get("X-RateLimit-Scope"); slices.Contains([]string{"user", "global", "shared"}, s) {
		l.Scope = s
	}
	if l == (Limit{}) {
		return nil
	}
	return &l
}

// ask reads something the trial needs to know to continue.
func (t *trial) ask(ctx context.Context, path string, into any) error {
	for {
		a, err := t.request(ctx, http.MethodGet, path, nil)
		switch {
		case err != nil:
			return fmt.Errorf("%s does not answer", t.o.URL)
		case a.status == http.StatusOK:
			return json.Unmarshal(a.raw, into)
		case a.status != http.StatusTooManyRequests:
			return fmt.Errorf("Discord answered %d to GET %s", a.status, path)
		}
		if err := a.wait(ctx); err != nil {
			return err
		}
	}
}

// wait waits as long as a 429 response asks for, a second if it doesn't say.
func (a answer) wait(ctx context.Context) error {
	l := limitOf(a)
	if l == nil || l.RetryAfter == 0 {
		l = &Limit{RetryAfter: 1}
	}
	return sleep(ctx, time.Duration(l.RetryAfter*float64(time.Second)))
}
