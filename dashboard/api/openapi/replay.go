package openapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"snug/dashboard/request"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/keyring"
)

const (
	replayHeader = "Idempotency-Key"
	replayedSays = "Idempotency-Replayed"
	replayFor    = 24 * time.Hour
	// replayHold is how long a request may be at it before another with its key is taken for a new try,
	// unless the process that is at it has ended: then it is one at once.
	replayHold = time.Minute
	// replayWait is how long a repetition waits for the first request's answer.
	replayWait = 3 * time.Second
	replayPoll = 50 * time.Millisecond
)

// Replays remembers the answers to creations, sealed, for a day.
type Replays struct {
	Hub    *hub.Hub
	Bucket *hub.Bucket[hub.Sealed]
	Keys   *keyring.Keyring
	Now    func() time.Time
	Log    *slog.Logger
}

// answered is a remembered request and its answer.
type answered struct {
	Request  []byte            `json:"request"` // SHA-256 of what was asked
	Since    time.Time         `json:"since"`
	By       string            `json:"by"` // the process that is at it, or was
	Done     bool              `json:"done"`
	Status   int               `json:"status,omitempty"`
	Header   map[string]string `json:"header,omitempty"`
	Response []byte            `json:"response,omitempty"`

	again bool // it says when to try again
}

func (s *Replays) seal(key string, a answered) (hub.Sealed, error) {
	b, err := json.Marshal(a)
	return hub.Sealed{Data: s.Keys.Seal(b, "replay "+key), Expires: s.Now().Add(replayFor)}, err
}

// begin claims a key. It gives the answer that there is already, or nil if the
// request is to be done now. While another request with the key is being done it waits a moment for its answer.
func (s *Replays) begin(ctx context.Context, key string, request []byte) (*answered, error) {
	mine, err := s.seal(key, answered{Request: request, Since: s.Now(), By: s.Hub.Self()})
	if err != nil {
		return nil, err
	}
	patience := time.NewTimer(replayWait)
	defer patience.Stop()
	for tries := 0; tries < 4; tries++ {
		_, err := s.Bucket.Create(ctx, key, mine)
		if !errs.Has(err, errs.Conflict) {
			return nil, err
		}
		doc, rev, err := s.Bucket.Latest(ctx, key)
		if errs.Has(err, errs.NotFound) {
			continue // it was given up meanwhile
		}
		if err != nil {
			return nil, err
		}
		var have answered
		b, err := s.Keys.Open(doc.Data, "replay "+key)
		if err == nil {
			err = json.Unmarshal(b, &have)
		}
		switch {
		case err != nil: // sealed by a secret that is gone: it cannot be answered, so it is not held against anybody
		case !bytes.Equal(have.Request, request):
			return nil, errs.E(errs.Conflict,
				"This Idempotency-Key was used for a different request. Use a new one for each request.")
		case have.Done:
			return &have, nil
		case s.Now().Sub(have.Since) < replayHold && s.Hub.Alive(ctx, have.By):
			select {
			case <-time.After(replayPoll):
				tries = 0
				continue
			case <-patience.C:
				return nil,
					errs.E(errs.InProgress,
						"The same request is still in progress. Try again in a few seconds.").After(2 * time.Second)
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		if _, err := s.Bucket.Update(ctx, key, mine, rev); !errs.Has(err, errs.Conflict) {
			return nil, err
		}
	}
	return nil, errs.E(errs.Unavailable,
		"Too many requests used this Idempotency-Key at once. Try again in a moment.")
}

// end keeps an answer, or gives the key up if the request may be tried again.
func (s *Replays) end(ctx context.Context, key string, a answered) error {
	if a.Status >= 500 || a.Status == http.StatusUnauthorized || a.again {
		return s.Bucket.Delete(ctx, key)
	}
	a.Done = true
	doc, err := s.seal(key, a)
	if err == nil {
		_, err = s.Bucket.Put(ctx, key, doc)
	}
	return err
}

// repeat answers a repeated creation as the first was answered.
func (a *API) repeat(r Repeat) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) { a.repeated(r, ctx, next) }
}

func (a *API) repeated(r Repeat, ctx huma.Context, next func(huma.Context)) {
	c := humagin.Unwrap(ctx)
	given := c.GetHeader(replayHeader)
	cl, ok := ctx.Context().Value(callKey{}).(*call)
	if given == "" || !ok || cl.who == nil {
		next(ctx)
		return
	}
	if len(given) > 200 {
		a.o.Problem(c,
			errs.Field(replayHeader,
				"An Idempotency-Key can have up to 200 characters. Use a shorter one.")).Write(c)
		return
	}
	body, err := io.ReadAll(c.Request.Body)
	if err != nil {
		a.o.Problem(c, tooLarge(err)).Write(c)
		return
	}
	c.Request.Body = io.NopCloser(bytes.NewReader(body))
	key := digest(cl.who.User.ID.String(), c.Request.Method, c.Request.URL.Path, given)
	request := sha256.Sum256(body)
	old, err := a.o.Replays.begin(c.Request.Context(), key, request[:])
	if err != nil {
		a.o.Problem(c, err).Write(c)
		return
	}
	if old != nil {
		if err := r.Still(ctx.Context(), cl.who, ctx.Param); err != nil {
			a.o.Problem(c, err).Write(c)
			return
		}
		for k, v := range old.Header {
			c.Header(k, v)
		}
		c.Header(replayedSays, "true")
		c.Status(old.Status)
		_, _ = c.Writer.Write(old.Response) // who asked may have gone
		return
	}
	rec := &recorder{ResponseWriter: c.Writer}
	c.Writer = rec
	done := false
	defer func() {
		c.Writer = rec.ResponseWriter
		out := answered{
			Request: request[:], Since: a.o.Replays.Now(), Status: rec.Status(), Response: r.kept(rec.body.Bytes()),
			Header: map[string]string{},
		}
		out.again = rec.Header().Get("Retry-After") != ""
		if !done { // it panicked
			out.Status = http.StatusInternalServerError
		}
		for _, h := range []string{"Content-Type", "Location", "Etag"} {
			if v := rec.Header().Get(h); v != "" {
				out.Header[h] = v
			}
		}
		end, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), 5*time.Second)
		defer cancel()
		if err := a.o.Replays.end(end, key, out); err != nil {
			a.o.Replays.Log.WarnContext(end, "an answer was not kept for repetitions", "err", err)
		}
	}()
	// An earlier try whose outcome nobody knows is recognised by the call's id.
	next(huma.WithContext(ctx, hub.WithCallID(ctx.Context(), "api-"+key[:40])))
	done = true
}

// kept gives what of an answer is kept. One that cannot be read is kept as nothing rather than with its secrets.
func (r Repeat) kept(answer []byte) []byte {
	if len(r.Secrets) == 0 {
		return answer
	}
	var whole map[string]any
	d := json.NewDecoder(bytes.NewReader(answer))
	d.UseNumber()
	if d.Decode(&whole) != nil {
		return nil
	}
	for _, path := range r.Secrets {
		in, steps := whole, strings.Split(path, ".")
		for _, step := range steps[:len(steps)-1] {
			in, _ = in[step].(map[string]any) // a nil map has nothing to take out
		}
		delete(in, steps[len(steps)-1])
	}
	b, err := json.Marshal(whole)
	if err != nil {
		return nil
	}
	return b
}

// RepeatID gives the id of what a repeatable request makes: the same for each
// repetition; "" where the caller sent no Idempotency-Key.
func RepeatID(ctx context.Context) string {
	id, ok := strings.CutPrefix(hub.CallID(ctx), "api-")
	if !ok {
		return ""
	}
	sum := sha256.Sum256([]byte("id " + id))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:26]
}

func tooLarge(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &request.StatusError{
			Status: http.StatusRequestEntityTooLarge,
			Err:    errs.E(errs.Invalid, "That's too large. Send less at once.").Because(err),
		}
	}
	return errs.E(errs.Invalid, "Snug couldn't read that. Try again.").Because(err)
}

// digest makes a key of several texts.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		sum := sha256.Sum256([]byte(p))
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// recorder keeps a copy of an answer.
type recorder struct {
	gin.ResponseWriter
	body bytes.Buffer
}

// Write writes and copies.
func (r *recorder) Write(b []byte) (int, error) {
	r.body.Write(b)
	return r.ResponseWriter.Write(b)
}

// WriteString writes and copies.
func (r *recorder) WriteString(s string) (int, error) {
	r.body.WriteString(s)
	return r.ResponseWriter.WriteString(s)
}
