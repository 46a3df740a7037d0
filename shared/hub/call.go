package hub

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/nats-io/nats.go"

	"snug/shared/errs"
)

// Method is a call that the process holding a guild answers. Declare it where both sides can see
// it; one side uses Call, the other Serve. Name consists of words of letters, digits, - and _,
// joined by dots, and identifies the method in the protocol.
type Method[Req, Resp any] struct {
	Name  string
	Reads bool // it changes nothing, so it can be repeated if the answer was lost
}

const (
	callPrefix  = "snug.call."
	callGroup   = "holder" // if two processes hold a guild, only one answers
	callTime    = 15 * time.Second
	answerTime  = time.Second // of that, what remains for the answer to arrive
	headID      = "Snug-Call"
	headRequest = "Snug-Request"
	headTime    = "Snug-Milliseconds"
	headFailed  = "Snug-Error"
	headUnsure  = "Snug-Unknown" // the handler does not know the outcome either
	busyMessage = "Snug is busy right now. Try again in a few seconds."
)

type callKey struct{}

type requestKey struct{}

// WithRequestID attaches the id of the request (of a browser or an API client) that calls made with
// the context serve, so that the logs of both sides name the same request.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// RequestID returns the id of the request that a call serves, or the one set by WithRequestID; ""
// if there is none.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

// WithCallID attaches an id to calls made with the context, so that the serving side can recognize
// repeated calls. Without it, each call gets an id of its own.
func WithCallID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, callKey{}, id)
}

// CallID returns the id of the call that a handler serves, or the one set by WithCallID; "" if
// there is none.
func CallID(ctx context.Context) string {
	id, _ := ctx.Value(callKey{}).(string)
	return id
}

// Call sends req to the process that holds the guild and waits for the answer, until ctx ends or
// for at most 15 s. It returns the handler's coded errors without their causes, but still wrapping
// ErrUnknownOutcome if they did. It fails with Unavailable if no process holds the guild:
// immediately, or after a moment if the guild is changing hands. It fails with Unavailable wrapping
// ErrUnknownOutcome if no answer came: the handler may still be running.
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
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	answer, err := h.deliver(ctx, guild, m.Name, body, m.Reads)
	if err != nil {
		return resp, err
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

// askAgain is how often a call is resent.
const askAgain = 3

// deliver sends a call to the process that holds the guild. It resends a call that certainly did
// not arrive, and a call that only reads also if the answer was lost with the connection or with
// the holder.
func (h *Hub) deliver(
	ctx context.Context, guild snowflake.ID, name string, body []byte, reads bool,
) (*nats.Msg, error) {
	id := CallID(ctx)
	if id == "" {
		id = rand.Text()
	}
	begun := time.Now()
	for tries := 1; ; tries++ {
		life, err := h.reachable(ctx)
		if err != nil {
			return nil, unavailable(err)
		}
		t, err := h.destination(ctx, guild)
		if err != nil {
			return nil, err
		}
		answer, err := h.request(ctx, life, t, guild, name, id, body)
		switch {
		case err == nil:
			return answer, nil
		case errors.Is(err, nats.ErrNoResponders):
			if tries == 1 && h.recheck(ctx, guild, t) {
				continue
			}
			// A process that has just taken the shard loads its rooms first.
			if t != nil && time.Since(t.since) < freshTime && time.Since(begun) < settleTime &&
				sleep(ctx, 20*time.Millisecond) {
				tries--
				continue
			}
			return nil, nobodyHolds(guild)
		case errors.Is(err, nats.ErrReconnectBufExceeded):
			return nil, unavailable(err)
		case errors.Is(err, nats.ErrMaxPayload):
			return nil, tooLarge("call", name, len(body), err)
		case reads && tries < askAgain && ctx.Err() == nil &&
			(errors.Is(err, errMoved) || errors.Is(err, errLost) && h.replicas > 1):
			continue
		}
		return nil, unknown(fmt.Errorf("hub: call %s: %w", name, err))
	}
}

// request sends a call to the holder of a tenure and waits for the answer, but no longer than the
// connection and the tenure last.
func (h *Hub) request(
	ctx, life context.Context, t *tenure, guild snowflake.ID, name, id string, body []byte,
) (*nats.Msg, error) {
	term, over := uint64(0), life
	if t != nil {
		term, over = t.term, t.over
	}
	ctx, cancel := within(ctx, callTime, life, over)
	defer cancel()
	deadline, _ := ctx.Deadline()
	left := time.Until(deadline).Milliseconds()
	header := nats.Header{headID: {id}, headTime: {strconv.FormatInt(left, 10)}}
	if request := RequestID(ctx); request != "" {
		header[headRequest] = []string{request}
	}
	answer, err := h.link.nc.RequestMsgWithContext(ctx,
		&nats.Msg{Subject: subject(guild, term) + name, Data: body, Header: header})
	if err != nil {
		return nil, because(ctx, err)
	}
	return answer, nil
}

// subject is the subject prefix of a guild's calls to the holder of a term.
func subject(guild snowflake.ID, term uint64) string {
	return callPrefix + guild.String() + "." + strconv.FormatUint(term, 10) + "."
}
