package hub

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// serverLog passes the embedded server's log to slog and reports the lines that mean that the disk
// refused a write: the server gives no other signal, it just stops answering.
type serverLog struct {
	log   *slog.Logger
	fault func(string)

	mu    sync.Mutex
	fatal string
}

// Signs of broken file storage, as logged by server/stream.go, jetstream.go and filestore.go of
// v2.15.
var diskSigns = [...]string{
	"critical write error", "failed to store a msg", "resources, will be DISABLED", "Filesystem permission denied",
}

func (l *serverLog) report(text string) {
	for _, sign := range diskSigns {
		if strings.Contains(text, sign) {
			l.fault(text)
			return
		}
	}
}

// died reports whether a fatal line was logged.
func (l *serverLog) died() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fatal != ""
}

// last returns the fatal line, if there was one.
func (l *serverLog) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fatal == "" {
		return "not ready in time"
	}
	return l.fatal
}

func (l *serverLog) Noticef(format string, v ...any) {
	l.log.Debug("hub server: " + fmt.Sprintf(format, v...))
}

func (l *serverLog) Warnf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.log.Warn("hub server: " + text)
	l.report(text)
}

func (l *serverLog) Errorf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.log.Error("hub server: " + text)
	l.report(text)
}

// Fatalf stores the text for the error that start returns; the server continues to its shutdown.
func (l *serverLog) Fatalf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.log.Error("hub server: " + text)
	l.mu.Lock()
	l.fatal = text
	l.mu.Unlock()
}

func (l *serverLog) Debugf(string, ...any) {}
func (l *serverLog) Tracef(string, ...any) {}
