package discordsim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Act is a request to the control interface that changes something.
type Act struct {
	Time   time.Time // when it arrived
	Took   time.Duration
	Method string
	Path   string // below /_sim/
	Query  string
	Type   string // the body's
	Body   []byte // nil for PUT /_sim/snapshot, which has tokens
	Status int
	Answer []byte
}

const restoring = "/_sim/snapshot"

// acted tells a hook what was done, unless it is nil.
func acted(next http.Handler, hook func(Act)) http.Handler {
	if hook == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || !strings.HasPrefix(r.URL.Path, "/_sim/") || r.URL.Path == "/_sim/wait" {
			next.ServeHTTP(w, r)
			return
		}
		a := Act{Time: time.Now(), Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery,
			Type: r.Header.Get("Content-Type")}
		var body bytes.Buffer
		if r.URL.Path != restoring && r.Body != nil {
			read := *r
			read.Body = struct {
				io.Reader
				io.Closer
			}{io.TeeReader(r.Body, &body), r.Body}
			r = &read
		}
		reply := &reply{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(reply, r)
		a.Took, a.Body, a.Status, a.Answer = time.Since(a.Time), body.Bytes(), reply.status, reply.body.Bytes()
		hook(a)
	})
}

// reply is a response that is also kept.
type reply struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader keeps the status, too.
func (r *reply) WriteHeader(status int) { r.status = status; r.ResponseWriter.WriteHeader(status) }

// Write keeps the body, too.
func (r *reply) Write(b []byte) (int, error) { r.body.Write(b); return r.ResponseWriter.Write(b) }

// nobody is the client of an act that happens in this process.
type nobody struct{ header http.Header }

func (n nobody) Header() http.Header          { return n.header }
func (nobody) WriteHeader(int)                {}
func (nobody) Write(data []byte) (int, error) { return len(data), nil }

// Do does what an act says: its method, path, query, type and body. It returns the act with what came of it.
func (s *Server) Do(ctx context.Context, a Act) (Act, error) {
	if !strings.HasPrefix(a.Path, "/_sim/") {
		return a, fmt.Errorf("discordsim: %q is not below /_sim/, where acts are", a.Path)
	}
	if a.Method == http.MethodGet {
		return a, errors.New("discordsim: a GET changes nothing; ask State, or the handler")
	}
	r, err := http.NewRequestWithContext(ctx, a.Method, a.Path+"?"+a.Query, bytes.NewReader(a.Body))
	if err != nil {
		return a, fmt.Errorf("discordsim: %w", err)
	}
	if a.Type != "" {
		r.Header.Set("Content-Type", a.Type)
	}
	a.Time = time.Now()
	reply := &reply{ResponseWriter: nobody{http.Header{}}, status: http.StatusOK}
	s.acting.ServeHTTP(reply, r)
	a.Took, a.Status, a.Answer = time.Since(a.Time), reply.status, reply.body.Bytes()
	return a, nil
}
