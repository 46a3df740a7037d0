package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/sync/errgroup"

	"snug/cmd/snugload/internal/figures"
	"snug/shared/protocol"
)

// observe watches a running Snug with a user's session, and reports how long after their creation
// its messages arrived. Both clocks should be in sync.
func observe(ctx context.Context, o *options, out io.Writer) error {
	base, err := url.Parse(o.watch.url)
	if err != nil || base.Host == "" {
		return fmt.Errorf("-url %q is not an address; write it like http://127.0.0.1:8080", o.watch.url)
	}
	if o.watch.cookie == "" || o.watch.guild == "" {
		return fmt.Errorf("-url needs -cookie and -guild too: " +
			"sign in with a browser and take the session's cookie from there")
	}
	ctx, cancel := context.WithTimeout(ctx, o.watch.duration)
	defer cancel()
	seen := &tally{events: map[protocol.Name]int{}, ends: map[string]int{}}
	g, gctx := errgroup.WithContext(ctx)
	gate := make(chan struct{}, 16)
	for range o.watch.watchers {
		g.Go(func() error {
			gate <- struct{}{}
			ws, err := open(gctx, o, base)
			<-gate
			if err != nil {
				return err
			}
			seen.follow(gctx, ws)
			return nil
		})
	}
	err = g.Wait()
	fmt.Fprintf(out, "messages %v\nended by themselves %v\nlate p50 %v p95 %v p99 %v (to the millisecond)\n",
		seen.events, seen.ends, seen.late.Quantile(.5), seen.late.Quantile(.95), seen.late.Quantile(.99))
	return err
}

// open fetches a token, connects and authenticates.
func open(ctx context.Context, o *options, base *url.URL) (*websocket.Conn, error) {
	ask := map[string]string{"guild": o.watch.guild}
	if o.watch.room != "" {
		ask["room"] = o.watch.room
	}
	body, err := json.Marshal(ask)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base.JoinPath("/api/v1/live-token").String(),
		bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	origin := base.Scheme + "://" + base.Host
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Cookie", o.watch.cookie)
	req.Header.Set("Origin", origin)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var got struct{ Token string }
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&got); err != nil || got.Token == "" {
		return nil, fmt.Errorf("no live token: %s. Is the cookie still good, and may its owner see this?", res.Status)
	}
	ws, _, err := websocket.DefaultDialer.DialContext(ctx,
		"ws"+strings.TrimPrefix(base.JoinPath("/api/ws").String(), "http"),
		http.Header{"Origin": {origin}}) //nolint:bodyclose // a WebSocket has no body
	if err != nil {
		return nil, err
	}
	return ws, ws.WriteMessage(websocket.TextMessage, protocol.Auth{Token: got.Token}.Encode(time.Now()))
}

// tally is what all watchers received.
type tally struct {
	mu     sync.Mutex
	late   figures.Histogram
	events map[protocol.Name]int
	ends   map[string]int
}

// follow reads until ctx or the connection ends.
func (t *tally) follow(ctx context.Context, ws *websocket.Conn) {
	defer context.AfterFunc(ctx, func() { _ = ws.Close() })()
	defer ws.Close()
	for {
		_, b, err := ws.ReadMessage()
		now := time.Now()
		var m protocol.Message[json.RawMessage]
		if err == nil {
			err = json.Unmarshal(b, &m)
		}
		t.mu.Lock()
		switch {
		case ctx.Err() != nil:
		case err != nil:
			t.ends[err.Error()]++
		default:
			t.events[m.Event]++
			t.late.Add(int64(now.Sub(time.UnixMilli(m.TS))))
		}
		t.mu.Unlock()
		if err != nil || ctx.Err() != nil {
			return
		}
	}
}
