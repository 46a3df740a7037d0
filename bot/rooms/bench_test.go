package rooms_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/rooms/roomstest"
	"snug/shared/access"
	"snug/shared/hub"
	"snug/shared/keyring"
	"snug/shared/room"
	"snug/shared/testkit"
)

// BenchmarkComings measures a join or leave in one of a server's 25 rooms, each with somebody who stays: the tracker,
// the rooms, and the hub with its disk.
func BenchmarkComings(b *testing.B) {
	const guild, n = snowflake.ID(9), 25
	log := slog.New(slog.DiscardHandler)
	h, err := hub.Open(context.Background(), hub.Options{Dir: b.TempDir(), Log: log})
	testkit.NoError(b, err)
	b.Cleanup(func() { testkit.NoError(b, h.Close(context.Background())) })
	keys, err := keyring.New([]byte(strings.Repeat("k", 32)))
	testkit.NoError(b, err)
	d := roomstest.NewDiscord(guild, time.Now)
	for i := range snowflake.ID(2 * n) {
		d.SetMember(1+i, "member", "Member")
	}
	bot := roomstest.Start(b, d, roomstest.Options{Hub: h, Keys: keys, Now: time.Now, Log: log})
	bot.LoadGuild("Friends")
	testkit.Eventually(b, "the server is ready", func() bool { return bot.Snapshot(guild).Ready })
	public, rooms := false, make([]snowflake.ID, n)
	for i := range rooms {
		owner := snowflake.ID(1 + i)
		out, err := bot.Open(b.Context(), guild, "", room.OpenRequest{
			Actor: access.Actor{UserID: owner, Via: access.ViaWeb}, Name: "Den", Seats: 4, Private: &public,
		})
		testkit.NoError(b, err)
		rooms[i] = out.Room.ID
		testkit.NoError(b, d.Join(owner, rooms[i]))
	}
	bot.Sync()
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if guest := snowflake.ID(1 + n + i%n); i/n%2 == 0 {
			testkit.NoError(b, d.Join(guest, rooms[i%n]))
		} else {
			d.Leave(guest)
		}
		if i%n == n-1 { // as a gateway that waits for its socket
			bot.Sync()
		}
	}
	testkit.NoError(b, bot.Stored(b.Context(), []snowflake.ID{guild}, false))
}
