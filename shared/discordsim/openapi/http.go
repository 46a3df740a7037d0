package openapi

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
)

// Exchange is a request and its response, as sent.
type Exchange struct {
	Method, Path string
	ContentType  string // of the request
	Body         []byte
	Status       int
	AnswerType   string // the response's content type
	Answer       []byte
}

// Check returns what the description doesn't allow in an exchange. It accepts a request that got a
// form error, because that response already reports the mistake.
func (d *Description) Check(x Exchange) error {
	var request error
	kind, _, _ := mime.ParseMediaType(x.ContentType)
	if x.Status != http.StatusBadRequest && (kind == "application/json" || kind == "" || len(x.Body) == 0) {
		request = d.Request(x.Method, x.Path, x.Body)
	}
	if k, _, _ := mime.ParseMediaType(x.AnswerType); len(x.Answer) > 0 && k != "application/json" {
		return request // the edge's own responses aren't described
	}
	return errors.Join(request, d.Answer(x.Method, x.Path, x.Status, x.Answer))
}

// Record wraps a server's handler and passes every exchange under /api/ to done, which is called on
// the request's goroutine after the response.
func Record(next http.Handler, done func(Exchange)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/") || r.Header.Get("Upgrade") != "" {
			next.ServeHTTP(w, r)
			return
		}
		x := Exchange{Method: r.Method, Path: r.URL.Path, ContentType: r.Header.Get("Content-Type")}
		body, err := io.ReadAll(r.Body)
		r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), r.Body)) // where reading failed, it fails again
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(rec, r)
		if rec.broken || err != nil {
			return // the connection was hijacked, or broke
		}
		x.Body, x.Status, x.AnswerType, x.Answer = body, rec.status, rec.Header().Get("Content-Type"), rec.body.Bytes()
		done(x)
	})
}

// recorder keeps a copy of the response.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
	broken bool
}

// WriteHeader records the status.
func (r *recorder) WriteHeader(status int) { r.status = status; r.ResponseWriter.WriteHeader(status) }

// Write records the body.
func (r *recorder) Write(b []byte) (int, error) { r.body.Write(b); return r.ResponseWriter.Write(b) }

// Unwrap lets http.ResponseController reach the real writer. A hijacked connection isn't recorded.
func (r *recorder) Unwrap() http.ResponseWriter { r.broken = true; return r.ResponseWriter }
