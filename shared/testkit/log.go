package testkit

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
)

// Log keeps what is written to it, and can be read meanwhile. The zero value
// is empty. It is safe for concurrent use and not to be copied.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write adds to the log. It never fails.
func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// String gives all that was written.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Line gives the first line that contains a text, with its end; "" if there is none.
func (l *Log) Line(text string) string {
	for line := range strings.Lines(l.String()) {
		if strings.Contains(line, text) {
			return line
		}
	}
	return ""
}

// Logger gives a logger that writes to the log, everything from slog.LevelDebug on as text.
func (l *Log) Logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
