package actions

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"snug/dashboard/lastknown"
	"snug/dashboard/live"
	"snug/dashboard/session"
	"snug/shared/apitoken"
	"snug/shared/hub"
	"snug/shared/keyring"
	"snug/shared/push"
	"snug/shared/room"
)

// Options are what Actions need. All are needed unless said otherwise.
type Options struct {
	Hub      *hub.Hub
	Live     *live.Live
	Keys     *keyring.Keyring
	Sessions *session.Sessions
	// Ready says why the process cannot serve; nil: the hub and the live tables alone are asked.
	Ready func(context.Context) error
	Now   func() time.Time
	Log   *slog.Logger
}

// Actions is what people and programs can do with Snug: pages and API call the same. It knows nothing of HTTP.
// It is safe for concurrent use.
type Actions struct {
	o      Options
	log    *slog.Logger
	now    func() time.Time
	known  *lastknown.Standings
	guilds *hub.Table[room.GuildInfo]
	notify *hub.Table[push.Person]
	index  *index
	closed *closedIndex
	seen   seenRooms
	recent recentRooms
	names  names
	// histories are of the rooms whose pages were looked at lately.
	histories histories
	sightings sightings
	tokens    tokenStore

	stop context.CancelFunc
	deaf []func() // stop listening for notices
}

// New makes Actions, which serve after Follow.
func New(o Options) (*Actions, error) {
	a := &Actions{o: o, log: o.Log, now: o.Now, histories: histories{now: o.Now}}
	sockets := Sockets{Hub: o.Hub, Live: o.Live, Log: o.Log}
	a.tokens = tokenStore{Bucket: o.Hub.Tokens, Now: o.Now, Log: o.Log,
		Revoked: func(ctx context.Context, t apitoken.Token) {
			sockets.Close(ctx, tokenSession(t))
		}}
	var err error
	a.known, err = lastknown.New(o.Hub, o.Now)
	return a, err
}

// Follow begins to follow what the hub tells. Close ends it.
func (a *Actions) Follow() error {
	ctx, stop := context.WithCancel(context.Background())
	a.stop = stop
	guilds, err := a.o.Hub.Guilds.Table(ctx, hub.Follower[room.GuildInfo]{})
	if err != nil {
		stop()
		return err
	}
	a.guilds = guilds
	if a.notify, err = a.o.Hub.Notify.Table(ctx, hub.Follower[push.Person]{}); err != nil {
		stop()
		return err
	}
	if a.index, err = newIndex(ctx, a.o.Hub.Rooms); err != nil {
		stop()
		return err
	}
	if a.closed, err = newClosedIndex(ctx, a.o.Hub.Closed); err != nil {
		stop()
		return err
	}
	for _, listen := range []func() (func(), error){
		func() (func(), error) { return Sockets{Hub: a.o.Hub, Live: a.o.Live, Log: a.log}.listen(ctx) },
		func() (func(), error) {
			return hub.StandingChanged.Listen(ctx, a.o.Hub, func(m room.Member) {
				a.known.Forget(m.GuildID, m.UserID)
				a.o.Live.Recheck(m.GuildID, m.UserID)
			})
		},
		func() (func(), error) { return hub.ShardReports.Listen(ctx, a.o.Hub, a.o.Live.Heard) },
		func() (func(), error) {
			return a.o.Hub.Audit.Listen(ctx, a.entryHeard)
		},
		func() (func(), error) { return auditErased.Listen(ctx, a.o.Hub, a.histories.forget) },
	} {
		stop, err := listen()
		if err != nil {
			a.stop()
			return err
		}
		a.deaf = append(a.deaf, stop)
	}
	return nil
}

// Close stops following the hub and waits for it, no longer than ctx.
func (a *Actions) Close(ctx context.Context) error {
	for _, stop := range a.deaf {
		stop()
	}
	a.stop()
	ended := make(chan struct{})
	go func() { // ends when the followers have; Close does not wait longer than ctx
		defer close(ended)
		a.guilds.Wait()
		a.notify.Wait()
		a.index.wait()
		a.closed.wait()
	}()
	err := a.known.Close(ctx)
	select {
	case <-ended:
		return err
	case <-ctx.Done():
		return errors.Join(err, fmt.Errorf("dashboard: did not end in time: %w", ctx.Err()))
	}
}
