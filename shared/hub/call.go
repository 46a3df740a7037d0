package hub

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"snug/shared/errs"

	"github.com/disgoorg/snowflake/v2"
	"github.com/nats-io/nats.go"
)

// Method is a call that the process holding a guild answers. Declare one where
// both sides see it, Call it on one and Serve it on the other. Name is words of
// letters, digits, - and _, joined by dots; it is the method's identity on the wire.
type Method[Req, Resp any] struct{ Name string }

const (
	callPrefix  = "snug.call."
	callGroup   = "holder" // of two processes that hold a guild for a moment, one gets the call
	callTime    = 15 * time.Second
	headID      = "Snug-Call"
	headRequest = "Snug-Request"
	headTime    = "Snug-Milliseconds"
	headFailed  = "Snug-Error"
	headUnsure  = "Snug-Unknown" // the handler does not know either whether it happened
	busyMessage = "Snug has a lot to do right now. Please try again in a few seconds."
)

type callKey struct{}

type requestKey struct{}

// WithRequestID has calls made with the context say which request they serve
// (a browser's or a program's), so that the logs of both sides name the same one.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// RequestID gives the request that a call serves, or that WithRequestID set; "" for neither.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

// WithCallID has calls made with the context carry id, so that the serving
// side can recognise a repetition. Without it each call gets an id of its own.
func WithCallID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, callKey{}, id)
}

// CallID gives the id of the call that a handler serves, or that WithCallID set; "" for neither.
func CallID(ctx context.Context) string {
	id, _ := ctx.Value(callKey{}).(string)
	return id
}

// Call asks the process that holds the guild and waits for its answer, until
// ctx ends or for 15 s. The handler's coded errors come back as they are,
// without their cause, but still wrapping ErrUnknownOutcome where they did.
// Unavailable at once when nobody holds the guild; Unavailable wrapping
// ErrUnknownOutcome when no answer came: the handler may still be at it.
func (m Method[Req, Resp]) Call(ctx context.Context, h *Hub, guild snowflake.ID, req Req) (Resp, error) {
	begun := time.Now()
	resp, err := m.call(ctx, h, guild, req)
	h.o.Observe(Observation{Op: "call", Bucket: m.Name, Took: time.Since(begun), Err: err})
	return resp, err
}

func (m Method[Req, Resp]) call(ctx context.Context, h *Hub, guild snowflake.ID, req Req) (resp Resp, err error) {
	body, err := json.Marshal(req)
	if err != nil {
		return resp, fmt.Errorf("hub: call %s: encoding the request: %w", m.Name, err)
	}
	life := h.link.present()
	if life.Err() != nil {
		return resp, unavailable(context.Cause(life))
	}
	id := CallID(ctx)
	if id == "" {
		id = rand.Text()
	}
	ctx, cancel := within(ctx, callTime, life)
	defer cancel()
	deadline, _ := ctx.Deadline()
	left := time.Until(deadline).Milliseconds()
	header := nats.Header{headID: {id}, headTime: {strconv.FormatInt(left, 10)}}
	if request := RequestID(ctx); request != "" {
		header[headRequest] = []string{request}
	}
	answer, err := h.link.nc.RequestMsgWithContext(ctx, &nats.Msg{Subject: callPrefix + guild.String() + "." + m.Name, Data: body, Header: header})
	switch {
	case err == nil:
	case errors.Is(err, nats.ErrNoResponders):
		return resp, errs.E(errs.Unavailable, "Snug is not looking after this server right now. Please try again in a moment; if that goes on, check that the bot is still in the server.").
			Because(fmt.Errorf("hub: call %s: nobody holds guild %s", m.Name, guild))
	case errors.Is(err, nats.ErrReconnectBufExceeded):
		return resp, unavailable(err)
	case errors.Is(err, nats.ErrMaxPayload):
		return resp, tooLarge("call", m.Name, len(body), err)
	default:
		return resp, unknown(fmt.Errorf("hub: call %s: %w", m.Name, because(ctx, err)))
	}
	if len(answer.Header[headFailed]) > 0 {
		failure := new(errs.Error)
		if err := json.Unmarshal(answer.Data, failure); err != nil {
			return resp, fmt.Errorf("hub: call %s: an error that cannot be read: %w", m.Name, err)
		}
		if len(answer.Header[headUnsure]) > 0 {
			failure = failure.Because(ErrUnknownOutcome)
		}
		return resp, failure
	}
	if err := json.Unmarshal(answer.Data, &resp); err != nil {
		return resp, fmt.Errorf("hub: call %s: an answer that cannot be read: %w", m.Name, err)
	}
	return resp, nil
}
