package hub

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"snug/shared/errs"
)

var (
	// ErrUnknownOutcome is wrapped by the errors of writes and calls that may or may not have
	// happened, because no answer came. Read the value before deciding, or repeat the same
	// operation.
	ErrUnknownOutcome = errors.New("hub: the outcome is unknown")

	// ErrFull is wrapped by the errors of writes that a full bucket refused. These writes did not
	// happen.
	ErrFull = errors.New("hub: the bucket is full")

	// Unchanged ends Edit without a write or an error, if the function passed to Edit returns it.
	Unchanged = errors.New("hub: nothing to change") //nolint:staticcheck // a signal like io.EOF, not a failure

	errLost   = errors.New("hub: the connection to the hub was lost")
	errClosed = errors.New("hub: closed")
)

// JetStream error codes that the client library does not define.
// https://github.com/nats-io/nats-server/blob/main/server/errors.json
const (
	codeNoPeers      jetstream.ErrorCode = 10005
	codeInsufficient jetstream.ErrorCode = 10023
	codeAccountFull  jetstream.ErrorCode = 10002
	codeStreams      jetstream.ErrorCode = 10027
	codeStreamSize   jetstream.ErrorCode = 10122
	codeMemoryFull   jetstream.ErrorCode = 10028
	codeStorageFull  jetstream.ErrorCode = 10047
	codeTooLarge     jetstream.ErrorCode = 10054
	codeWrongSeq     jetstream.ErrorCode = 10071
	codeReplicas     jetstream.ErrorCode = 10074
	codeStoreFailed  jetstream.ErrorCode = 10077
	codeWrongSeqRaft jetstream.ErrorCode = 10164
)

func unavailable(cause error) error {
	return errs.E(errs.Unavailable,
		"Snug can't reach its data right now. Try again in a moment.").Because(cause)
}

func unknown(cause error) error {
	return errs.E(errs.Unavailable,
		"Snug didn't get an answer in time. Check whether it happened before you try again.").
		Because(fmt.Errorf("%w: %w", ErrUnknownOutcome, cause))
}

func missing(bucket, key string) error {
	return errs.E(errs.NotFound, "That no longer exists. Reload the page.").
		Because(fmt.Errorf("hub: no key %q in %s", key, bucket))
}

func conflict(bucket, key string) error {
	return errs.E(errs.Conflict, "Somebody else changed this at the same moment. Reload the page, then try again.").
		Because(fmt.Errorf("hub: key %q in %s was changed meanwhile", key, bucket))
}

func tooLarge(bucket, key string, size int, cause error) error {
	return errs.E(errs.Invalid, "This is too large to store. Make it smaller.").
		Because(fmt.Errorf("hub: value of %d bytes for %q in %s: %w", size, key, bucket, cause))
}

// apiCode returns the JetStream code of an error sent by the server, 0 for any other error.
func apiCode(err error) jetstream.ErrorCode {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.ErrorCode
	}
	return 0
}

// writeError converts the error of a publish into a coded error that tells whether the write may
// have happened.
func writeError(bucket, key string, size int, err error) error {
	if err == nil {
		return nil
	}
	switch code := apiCode(err); {
	case code == codeWrongSeq || code == codeWrongSeqRaft:
		return conflict(bucket, key)
	case code == codeTooLarge || errors.Is(err, nats.ErrMaxPayload):
		return tooLarge(bucket, key, size, err)
	case code == codeInsufficient || code == codeMemoryFull || code == codeStorageFull ||
		code == codeStoreFailed && strings.Contains(err.Error(), "maximum bytes"):
		return full(bucket, err)
	case code == codeStoreFailed:
		return unknown(err)
	case code != 0, // the server answered and refused
		errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, nats.ErrNoResponders),
		errors.Is(err, nats.ErrReconnectBufExceeded): // never sent
		return unavailable(fmt.Errorf("hub: %s: %w", bucket, err))
	}
	return unknown(fmt.Errorf("hub: writing %q in %s: %w", key, bucket, err))
}

func full(bucket string, cause error) error {
	return errs.E(errs.Unavailable, "Snug's storage is full. The person who hosts Snug has to make room.").
		Because(fmt.Errorf("hub: bucket %s is at its limit (raise its MaxBytes or remove data): %w: %w", bucket,
			ErrFull, cause))
}

// readError converts the error of a read into a coded error.
func readError(bucket string, err error) error {
	var coded *errs.Error
	if err == nil || errors.As(err, &coded) {
		return err
	}
	return unavailable(fmt.Errorf("hub: reading %s: %w", bucket, err))
}

// because adds the cause with which a context ended to its error, if it has one.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("%w (%w)", err, cause)
	}
	return err
}
