package hub

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/testkit"
)

type question struct {
	Text string
	Size int
}

var ask = Method[question, string]{Name: "test.ask"}

func TestCalls(t *testing.T) {
	t.Parallel()
	h, ctx := openHub(t, Options{}), t.Context()
	calls := must(h.Calls(2))(t)
	release, running := make(chan struct{}), make(chan struct{}, 8)
	ask.Serve(calls, func(ctx context.Context, g snowflake.ID, q question) (string, error) {
		switch q.Text {
		case "wait":
			running <- struct{}{}
			select {
			case <-release:
			case <-ctx.Done():
				return "", ctx.Err()
			}
		case "panic":
			panic("secret of the panic")
		case "plain":
			return "", errors.New("secret cause")
		case "coded":
			return "", fmt.Errorf("wrapped: %w",
				errs.E(errs.RoomFull, "Full. Ask for a seat.").After(time.Second).Because(errors.New("secret cause")))
		case "big":
			return strings.Repeat("x", q.Size), nil
		case "deadline":
			d, ok := ctx.Deadline()
			return fmt.Sprint(ok && time.Until(d) < 3*time.Second), nil
		}
		return g.String() + " " + q.Text + " " + CallID(ctx), nil
	})

	begun := time.Now()
	_, err := ask.Call(ctx, h, testGuild, question{})
	wantCode(t, err, errs.Unavailable)
	if errors.Is(err, ErrUnknownOutcome) || time.Since(begun) > time.Second {
		t.Error("nobody holds the guild, but", err, time.Since(begun))
	}
	if err := calls.Hold(ctx, testGuild, testGuild+1); err != nil {
		t.Fatal(err)
	}
	if got, err := ask.Call(WithCallID(ctx, "id-1"), h, testGuild, question{Text: "hi"}); err != nil ||
		got != testGuild.String()+" hi id-1" {
		t.Error(got, err)
	}
	a, b := must(ask.Call(ctx, h, testGuild+1, question{}))(t), must(ask.Call(ctx, h, testGuild+1, question{}))(t)
	if a == b || len(strings.Fields(a)) != 2 {
		t.Error("calls have no ids of their own:", a, b)
	}
	for text, code := range map[string]errs.Code{
		"panic": errs.Internal, "plain": errs.Internal, "coded": errs.RoomFull,
	} {
		_, err := ask.Call(ctx, h, testGuild, question{Text: text})
		wantCode(t, err, code)
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the cause travels: %v", text, err)
		}
		var e *errs.Error
		if errors.As(err, &e); code == errs.RoomFull &&
			(e.Message != "Full. Ask for a seat." || e.RetryAfter != time.Second) {
			t.Errorf("%+v", e)
		}
	}
	if _, err := ask.Call(ctx, h, testGuild, question{Text: "big", Size: 9 << 20}); !errs.Has(err, errs.Internal) {
		t.Error(err)
	}
	_, err = ask.Call(ctx, h, testGuild, question{Text: strings.Repeat("x", 9<<20)})
	wantCode(t, err, errs.Invalid)
	_, err = Method[question, string]{Name: "test.unknown"}.Call(ctx, h, testGuild, question{})
	wantCode(t, err, errs.Unavailable)

	short, cancel := context.WithTimeout(ctx, 2*time.Second)
	if got, err := ask.Call(short, h, testGuild, question{Text: "deadline"}); err != nil || got != "true" {
		t.Error("the deadline does not travel:", got, err)
	}
	cancel()

	// The caller's deadline, and its cancellation.
	short, cancel = context.WithTimeout(ctx, 50*time.Millisecond)
	_, err = ask.Call(short, h, testGuild, question{Text: "wait"})
	cancel()
	wantCode(t, err, errs.Unavailable)
	if !errors.Is(err, ErrUnknownOutcome) { // reported by the handler or by the caller's clock, whichever was first
		t.Error(err)
	}
	<-running
	testkit.Eventually(t, "the handler's end", func() bool { return len(calls.slots) == 0 })
	short, cancel = context.WithCancel(ctx)
	go func() { <-running; cancel() }()
	if _, err = ask.Call(short, h, testGuild, question{Text: "wait"}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}

	// More calls than may run.
	var wg sync.WaitGroup
	wg.Go(func() { _, err := ask.Call(ctx, h, testGuild, question{Text: "wait"}); wantNil(t, err) })
	<-running
	_, err = ask.Call(ctx, h, testGuild, question{})
	wantCode(t, err, errs.Unavailable)
	if errors.Is(err, ErrUnknownOutcome) {
		t.Error("refused, but:", err)
	}
	close(release)
	wg.Wait()

	calls.Drop(testGuild)
	_, err = ask.Call(ctx, h, testGuild, question{})
	wantCode(t, err, errs.Unavailable)
	if calls.Held() != 1 {
		t.Error(calls.Held())
	}
}

func wantNil(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// What is registered before handlers refuses calls, and gives handlers their context.
// TestLateAnswer: a handler that works until its ctx ends still answers in time, and its error reaches the caller.
func TestLateAnswer(t *testing.T) {
	t.Parallel()
	h := openHub(t, Options{})
	calls := must(h.Calls(1))(t)
	ask.Serve(calls, func(ctx context.Context, _ snowflake.ID, _ question) (string, error) {
		<-ctx.Done()
		return "", errs.E(errs.DiscordUnavailable, "Discord did not answer.").Because(ctx.Err())
	})
	if err := calls.Hold(t.Context(), testGuild); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	_, err := ask.Call(ctx, h, testGuild, question{})
	wantCode(t, err, errs.DiscordUnavailable)
}

func TestCallsBefore(t *testing.T) {
	t.Parallel()
	h, ctx := openHub(t, Options{}), t.Context()
	calls := must(h.Calls(0))(t)
	calls.Before(func(ctx context.Context, g snowflake.ID, method string) (context.Context, error) {
		if g != testGuild {
			return nil, errs.E(errs.Forbidden, "Not here.")
		}
		return WithRequestID(ctx, method), nil
	})
	ask.Serve(calls, func(ctx context.Context, _ snowflake.ID, _ question) (string, error) {
		return RequestID(ctx), nil
	})
	if err := calls.Hold(ctx, testGuild, testGuild+1); err != nil {
		t.Fatal(err)
	}
	if got, err := ask.Call(ctx, h, testGuild, question{}); err != nil || got != ask.Name {
		t.Errorf("the handler's context holds %q, %v", got, err)
	}
	_, err := ask.Call(ctx, h, testGuild+1, question{})
	wantCode(t, err, errs.Forbidden)
}

func TestCallsCloseWaits(t *testing.T) {
	t.Parallel()
	h, ctx := openHub(t, Options{}), t.Context()
	calls := must(h.Calls(0))(t)
	running, release := make(chan struct{}), make(chan struct{})
	ask.Serve(calls, func(ctx context.Context, _ snowflake.ID, q question) (string, error) {
		running <- struct{}{}
		<-release
		return "done", nil
	})
	if err := calls.Hold(ctx, 1); err != nil {
		t.Fatal(err)
	}
	answers := make(chan string, 1)
	go func() { s, _ := ask.Call(ctx, h, 1, question{}); answers <- s }()
	<-running
	closed := make(chan error, 1)
	go func() { closed <- calls.Close(ctx) }()
	testkit.Eventually(t, "closing", func() bool { return calls.Held() == 0 })
	close(release)
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if s := <-answers; s != "done" {
		t.Error("the running call was not finished:", s)
	}
	if err := calls.Hold(ctx, 1); !errs.Has(err, errs.Unavailable) {
		t.Error(err)
	}

	calls = must(h.Calls(0))(t)
	ask.Serve(calls, func(ctx context.Context, _ snowflake.ID, _ question) (string, error) {
		close(running)
		<-ctx.Done()
		return "", context.Cause(ctx)
	})
	if err := calls.Hold(ctx, 1); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = ask.Call(ctx, h, 1, question{}); answers <- "" }()
	<-running
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if err := calls.Close(short); err == nil {
		t.Error("Close does not say that it cut calls off")
	}
	<-answers
}

// Thousands of guilds are cheap, and calls reach the process that holds the guild.
func TestManyGuilds(t *testing.T) {
	t.Parallel()
	s := startOutside(t, nil)
	ctx := t.Context()
	var hubs [2]*Hub
	for i := range hubs {
		hubs[i] = openHub(t, Options{URL: s.url})
		calls := must(hubs[i].Calls(0))(t)
		ask.Serve(calls, func(context.Context, snowflake.ID, question) (string, error) { return fmt.Sprint(i), nil })
		var guilds []snowflake.ID
		for g := range 2500 {
			guilds = append(guilds, snowflake.ID(2*g+i))
		}
		begun := time.Now()
		if err := calls.Hold(ctx, guilds...); err != nil {
			t.Fatal(err)
		}
		t.Logf("%d guilds held in %v", calls.Held(), time.Since(begun))
	}
	for g := range 500 {
		if got, err := ask.Call(ctx, hubs[0], snowflake.ID(g), question{}); err != nil || got != fmt.Sprint(g%2) {
			t.Fatal(g, got, err)
		}
	}
	s.stop()
	s.start()
	testkit.Eventually(t, "calls after a restart of the server", func() bool {
		got, err := ask.Call(ctx, hubs[0], 4999, question{})
		return err == nil && got == "1"
	})
}

func TestNotices(t *testing.T) {
	t.Parallel()
	s := startOutside(t, nil)
	ctx := t.Context()
	a, b := openHub(t, Options{URL: s.url}), openHub(t, Options{URL: s.url})
	ended := Notice[string]{Name: "session-ended"}
	got := make(chan string, 8)
	stopA := must(ended.Listen(ctx, a, func(s string) { got <- "a " + s }))(t)
	must(ended.Listen(ctx, b, func(s string) {
		got <- "b " + s
		if s == "one" {
			panic("a listener that fails")
		}
	}))(t)
	if err := ended.Send(a, "one"); err != nil {
		t.Fatal(err)
	}
	set := map[string]bool{<-got: true, <-got: true}
	if !set["a one"] || !set["b one"] {
		t.Fatal(set)
	}
	stopA()
	stopA()
	if err := ended.Send(a, "two"); err != nil {
		t.Fatal(err)
	}
	if s := <-got; s != "b two" {
		t.Fatal(s)
	}
	closeHub(t, b)
	_, err := ended.Listen(ctx, b, func(string) {})
	wantCode(t, err, errs.Unavailable)
}
