package hangup_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"snug/shared/hangup"
	"snug/shared/testkit"
)

// TestNotice: the request of a client that hangs up ends, whatever it sent and whoever reads it.
func TestNotice(t *testing.T) {
	const most = 1000
	came, ended := make(chan struct{}), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		r = hangup.Notice(r, most)
		came <- struct{}{}
		<-r.Context().Done()
		ended <- struct{}{}
	}))
	defer srv.Close()
	const post = "POST / HTTP/1.1\r\nHost: x\r\n"
	for _, c := range []struct{ name, request string }{
		{"no body", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"a body", post + "Content-Length: 4\r\n\r\nbody"},
		{"as much as may be", post + "Content-Length: 1000\r\n\r\n" + strings.Repeat("x", most)},
		{"chunks", post + "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"},
		{"a GET's body", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"},
		{"a body that breaks off", post + "Content-Length: 4\r\n\r\nbo"},
	} {
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, c.request); err != nil {
			t.Fatal(err)
		}
		if c.name == "a body that breaks off" { // it does with the connection
			conn.Close()
			<-came
		} else {
			<-came
			conn.Close()
		}
		select {
		case <-ended:
		case <-time.After(testkit.Patience):
			t.Fatalf("%s: it was not noticed", c.name)
		}
	}
}

// TestNoticeKeepsTheBody: handlers read what was sent, errors included.
func TestNoticeKeepsTheBody(t *testing.T) {
	lost := errors.New("lost")
	for _, c := range []struct {
		name string
		body io.Reader
		want string
		err  error
	}{
		{"short", strings.NewReader("abc"), "abc", nil},
		{"as much as may be", strings.NewReader("abcd"), "abcd", nil},
		{"more", strings.NewReader("abcdefghij"), "abcdefghij", nil},
		{"broken off", io.MultiReader(strings.NewReader("ab"), iotest.ErrReader(lost)), "ab", lost},
		{"broken off beyond", io.MultiReader(strings.NewReader("abcdefgh"), iotest.ErrReader(lost)), "abcdefgh", lost},
	} {
		got, err := io.ReadAll(hangup.Notice(httptest.NewRequest("POST", "/", c.body), 4).Body)
		if string(got) != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
}
