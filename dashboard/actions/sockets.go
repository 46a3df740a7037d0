package actions

import (
	"context"
	"log/slog"

	"snug/dashboard/live"
	"snug/shared/hub"
)

// sessionsEnded tells every process which sessions are gone, so that their sockets close.
var sessionsEnded = hub.Notice[[]string]{Name: "sessions-ended"}

// Sockets closes the live connections of sessions that ended, in every process.
type Sockets struct {
	Hub  *hub.Hub
	Live *live.Live
	Log  *slog.Logger
}

// Close closes the sockets of ended sessions, here and everywhere; here also when the hub is unreachable.
func (s Sockets) Close(ctx context.Context, keys ...string) {
	for _, k := range keys {
		s.Live.EndSession(k)
	}
	if err := sessionsEnded.Send(s.Hub, keys); err != nil {
		s.Log.WarnContext(ctx, "other processes were not told of ended sessions", "err", err)
	}
}

// listen closes sockets whose sessions ended elsewhere, until stop.
func (s Sockets) listen(ctx context.Context) (stop func(), err error) {
	return sessionsEnded.Listen(ctx, s.Hub, func(keys []string) {
		for _, k := range keys {
			s.Live.EndSession(k)
		}
	})
}
