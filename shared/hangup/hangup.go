// Package hangup lets a server notice that a client went away.
package hangup

import (
	"bytes"
	"io"
	"net/http"
)

// Notice gives the request with its body taken in, as long as that has no more
// than most bytes. net/http looks whether the client is still there, and ends
// the request's context when it is not, only once the body was read to its
// end; a handler that waits without reading would go on for nobody. What the
// handler reads, and the error it comes to, are what they were.
func Notice(r *http.Request, most int64) *http.Request {
	if r.Body == nil || r.Body == http.NoBody {
		return r
	}
	taken, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	rest := io.Reader(r.Body)
	if err != nil {
		rest = broken{err}
	}
	noticed := *r
	noticed.Body = body{io.MultiReader(bytes.NewReader(taken), rest), r.Body}
	return &noticed
}

// body is one that was taken in, and what is left of it.
type body struct {
	io.Reader
	io.Closer
}

// broken is what follows where reading failed.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }
