package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/prometheus/client_golang/prometheus"

	"snug/dashboard/live"
	"snug/shared/access"
	"snug/shared/hub"
	"snug/shared/keyring"
	"snug/shared/room"
)

const guildID = snowflake.ID(1001)

func roomID(i int) snowflake.ID { return snowflake.ID(i+1) << 22 }

// liveSender is dashboard/live without a hub.
type liveSender struct {
	l *live.Live
	http.Handler
	stop context.CancelFunc
	ran  sync.WaitGroup
	f    hub.Follower[room.Live] // set once following has begun
	on   chan struct{}
	n    []uint64 // by room; used by one goroutine at a time
	rev  hub.Rev
	reg  *prometheus.Registry
}

func newLive(ctx context.Context) (*liveSender, error) {
	secret := make([]byte, keyring.MinSecret)
	_, _ = rand.Read(secret) // never fails
	keys, err := keyring.New(secret)
	if err != nil {
		return nil, err
	}
	s := &liveSender{on: make(chan struct{}), reg: prometheus.NewRegistry()}
	ctx, s.stop = context.WithCancel(ctx)
	s.l = live.New(live.Options{
		Keys: keys, Rosters: s, AllowNoOrigin: true,
		Standing: func(_ context.Context, guild, user snowflake.ID) (access.Standing, error) {
			return access.Standing{GuildID: guild, UserID: user, Member: true, Base: access.Enter}, nil
		},
		Log:        slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Registerer: s.reg,
		Limits:     live.Limits{PerUser: -1, PerAddress: -1, Total: -1},
	})
	s.Handler = s.l
	s.ran.Go(func() { _ = s.l.Run(ctx) }) // can't fail, because Follow below doesn't
	<-s.on
	return s, nil
}

// Follow implements live.Source: the sender is its own source.
func (s *liveSender) Follow(_ context.Context, f hub.Follower[room.Live]) (func(), error) {
	s.f = f
	f.Reset("load")
	f.Caught()
	close(s.on)
	return func() {}, nil
}

// Token opens the room, if it is a new one.
func (s *liveSender) Token(i int) (string, error) {
	for len(s.n) <= i {
		s.n = append(s.n, 0)
		s.change(len(s.n)-1, room.Opened{})
	}
	return s.l.Token(live.Ticket{
		UserID: roomID(i) + 1, GuildID: guildID, RoomID: roomID(i), SessionID: "load",
		SessionExpires: time.Now().Add(24 * time.Hour),
	})
}

func (s *liveSender) Publish(i int, mark []byte) {
	s.change(i, room.VoiceJoined{Person: room.Person{
		UserID: roomID(i) + 1, Username: string(mark), DisplayName: "Nelly",
		Avatar: "a_1269e74af4df7417b13759eae50c83dc", Since: time.Now(),
	}})
}

func (s *liveSender) change(i int, fact room.Fact) {
	s.n[i]++
	s.rev++
	id := roomID(i)
	s.f.Change(hub.Change[room.Live]{Key: guildID.String() + "." + id.String(), Epoch: "load", Rev: s.rev,
		Value: &room.Live{
			Room: room.Summary{
				ID: id, GuildID: guildID, Name: "Friday", Seats: 4, Access: room.Access{OwnerID: id + 1, Private: true},
			},
			N: s.n[i], Event: &room.Event{Fact: fact},
		}})
}

// Watchers reads Snug's own metric.
func (s *liveSender) Watchers() int {
	families, _ := s.reg.Gather() // whatever could be gathered
	for _, f := range families {
		if f.GetName() == "snug_live_watchers" {
			return int(f.GetMetric()[0].GetGauge().GetValue())
		}
	}
	return 0
}

func (s *liveSender) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = s.l.Close(ctx) // cuts off what is left
	s.stop()
	s.ran.Wait()
}
