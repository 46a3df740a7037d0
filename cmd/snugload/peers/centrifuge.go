package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/centrifugal/centrifuge"
)

// withCentrifuge has a channel for each room, in the memory of one node.
type withCentrifuge struct {
	node *centrifuge.Node
	http.Handler
}

func newCentrifuge() (*withCentrifuge, error) {
	node, err := centrifuge.New(centrifuge.Config{})
	if err != nil {
		return nil, err
	}
	node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{Credentials: &centrifuge.Credentials{UserID: "somebody"}}, nil
	})
	node.OnConnect(func(c *centrifuge.Client) {
		c.OnSubscribe(func(_ centrifuge.SubscribeEvent, done centrifuge.SubscribeCallback) {
			done(centrifuge.SubscribeReply{}, nil)
		})
	})
	if err := node.Run(); err != nil {
		return nil, err
	}
	web := centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{
		PingPongConfig: centrifuge.PingPongConfig{PingInterval: -1}, // the watchers don't know its pings
	})
	return &withCentrifuge{node, web}, nil
}

// Token returns a watcher's first message, in centrifuge's own protocol.
func (w *withCentrifuge) Token(n int) (string, error) {
	return fmt.Sprintf(`{"id":1,"connect":{}}`+"\n"+`{"id":2,"subscribe":{"channel":"%d"}}`, n), nil
}

func (w *withCentrifuge) Publish(n int, mark []byte) {
	_, _ = w.node.Publish(fmt.Sprint(n), message(mark)) // watchers notice what is missing
}

func (w *withCentrifuge) Watchers() int { return w.node.Hub().NumClients() }

func (w *withCentrifuge) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = w.node.Shutdown(ctx)
}
