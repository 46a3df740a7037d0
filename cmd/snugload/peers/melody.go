package main

import (
	"net/http"

	"github.com/olahol/melody"
)

// withMelody is what melody's documentation shows: BroadcastFilter, and its defaults.
type withMelody struct{ m *melody.Melody }

func newMelody() withMelody {
	m := melody.New()
	m.HandleMessage(func(s *melody.Session, b []byte) {
		if n, err := room(b); err == nil {
			s.Set("room", n)
			_ = s.Write([]byte("{}")) // it is connected
		}
	})
	return withMelody{m}
}

func (w withMelody) ServeHTTP(rw http.ResponseWriter, r *http.Request) { _ = w.m.HandleRequest(rw, r) }

func (w withMelody) Token(n int) (string, error) { return token(n) }

func (w withMelody) Publish(n int, mark []byte) {
	_ = w.m.BroadcastFilter(message(mark), func(s *melody.Session) bool {
		of, _ := s.Get("room")
		return of == n
	})
}

func (w withMelody) Watchers() int { return w.m.Len() }

func (w withMelody) Close() { _ = w.m.Close() }
