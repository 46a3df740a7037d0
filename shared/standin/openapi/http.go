package openapi

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// Handler wraps a server's handler and reports every answer that the
// description would not allow, and every request that was accepted although
// the description would not allow it. report may be called concurrently.
func (d *Description) Handler(next http.Handler, report func(error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/") || r.Header.Get("Upgrade") != "" {
			next.ServeHTTP(w, r)
			return
		}
		method, path := r.Method, r.URL.Path
		body, err := io.ReadAll(r.Body)
		if err != nil {
			report(fmt.Errorf("openapi: %s %s: %w", method, path, err))
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(rec, r)
		if rec.broken {
			return
		}
		d.both(method, path, r.Header.Get("Content-Type"), body, rec.status, rec.Header().Get("Content-Type"), rec.body.Bytes(), report)
	})
}

// Transport does the same on a client's side.
func (d *Description) Transport(next http.RoundTripper, report func(error)) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		var body []byte
		if r.Body != nil {
			var err error
			if body, err = io.ReadAll(r.Body); err != nil {
				return nil, err
			}
			_ = r.Body.Close()
			r = r.Clone(r.Context())
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		res, err := next.RoundTrip(r)
		if err != nil {
			return res, err
		}
		out, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil {
			return nil, err
		}
		res.Body = io.NopCloser(bytes.NewReader(out))
		d.both(r.Method, r.URL.Path, r.Header.Get("Content-Type"), body, res.StatusCode, res.Header.Get("Content-Type"), out, report)
		return res, nil
	})
}

func (d *Description) both(method, path, kind string, body []byte, status int, outKind string, out []byte, report func(error)) {
	in, _, _ := mime.ParseMediaType(kind)
	if status < 300 && (in == "application/json" || in == "" || len(body) == 0) {
		if err := d.Request(method, path, body); err != nil {
			report(err)
		}
	}
	if k, _, _ := mime.ParseMediaType(outKind); len(out) > 0 && k != "application/json" {
		return // the edge's own answers are not described
	}
	if err := d.Answer(method, path, status, out); err != nil {
		report(err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip sends one request.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// recorder keeps a copy of what is answered.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
	broken bool
}

// WriteHeader notes the status.
func (r *recorder) WriteHeader(status int) { r.status = status; r.ResponseWriter.WriteHeader(status) }

// Write notes the body.
func (r *recorder) Write(b []byte) (int, error) { r.body.Write(b); return r.ResponseWriter.Write(b) }

// Unwrap lets http.ResponseController reach the real writer; whoever takes the
// connection over answers on their own.
func (r *recorder) Unwrap() http.ResponseWriter { r.broken = true; return r.ResponseWriter }
