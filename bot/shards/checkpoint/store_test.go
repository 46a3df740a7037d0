package checkpoint_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"
	"go.uber.org/goleak"

	"snug/bot/eventjson"
	"snug/bot/gateway"
	"snug/bot/shards/checkpoint"
	"snug/bot/voice"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/keyring"
	"snug/shared/room"
	"snug/shared/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const session = "a-session-id-that-is-secret"

func open(t testing.TB) (*hub.Hub, *checkpoint.Store) {
	t.Helper()
	h, err := hub.Open(context.Background(), hub.Options{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	testkit.NoError(t, err)
	keys, err := keyring.New([]byte(strings.Repeat("k", 32)))
	testkit.NoError(t, err)
	s, err := checkpoint.New(h, keys)
	testkit.NoError(t, err)
	t.Cleanup(func() {
		testkit.NoError(t, s.Close(context.Background()))
		testkit.NoError(t, h.Close(context.Background()))
	})
	return h, s
}

// guild makes a server with many channels, roles and people in voice, from what Discord sends.
func guild(t testing.TB, n int) checkpoint.Guild {
	t.Helper()
	id := snowflake.ID(1_000_000_000_000 + n*1000)
	var g checkpoint.Guild
	doc := map[string]any{
		"guild": map[string]any{
			"id": id, "name": fmt.Sprint("Server ", n), "owner_id": id + 1, "preferred_locale": "de",
			"features": []string{"COMMUNITY"},
		},
	}
	var roles, channels, voices []map[string]any
	for i := range 20 {
		roles = append(roles,
			map[string]any{
				"id": id + snowflake.ID(i), "name": fmt.Sprint("Role ", i), "permissions": "1071698660928",
				"position": i,
			})
	}
	for i := range 20 {
		c := map[string]any{"id": id + 100 + snowflake.ID(i), "guild_id": id, "type": 2,
			"name": fmt.Sprint("Voice ", i), "position": i, "bitrate": 64000, "user_limit": 4,
			"permission_overwrites": []map[string]any{
				{"id": id, "type": 0, "allow": "0", "deny": "1049600"},
				{"id": id + 1, "type": 1, "allow": "1049600", "deny": "0"},
			}}
		if i%4 == 0 {
			c["type"], c["name"] = 4, fmt.Sprint("Category ", i)
		}
		channels = append(channels, c)
	}
	for i := range 5 {
		voices = append(voices,
			map[string]any{
				"channel": id + 101,
				"person": room.Person{
					UserID: id + 200 + snowflake.ID(i), Username: fmt.Sprint("user", i),
					DisplayName: fmt.Sprint("User ", i), Since: time.Unix(1_800_000_000, 0).UTC(),
				},
			})
	}
	doc["roles"], doc["channels"], doc["voices"] = roles, channels, voices
	b, err := json.Marshal(doc)
	testkit.NoError(t, err)
	testkit.NoError(t, json.Unmarshal(b, &g))
	return g
}

func each(list []checkpoint.Guild) func() (checkpoint.Guild, bool) {
	return func() (g checkpoint.Guild, ok bool) {
		if len(list) == 0 {
			return g, false
		}
		g, list = list[0], list[1:]
		return g, true
	}
}

func head(seq int) checkpoint.Head {
	return checkpoint.Head{Session: gateway.Checkpoint{SessionID: session, ResumeURL: "wss://gateway.test", Seq: seq},
		Shards: 1, Intents: 129, Application: 5,
		Self:    &discord.OAuth2User{User: discord.User{ID: 5, Username: "snug"}},
		SavedAt: time.Unix(1_800_000_000, 0).UTC()}
}

func TestWhatIsSavedComesBack(t *testing.T) {
	h, s := open(t)
	ctx := context.Background()
	if _, _, err := s.Load(ctx, 1, 0); !errs.Has(err, errs.NotFound) {
		t.Fatalf("an empty hub gives %v", err)
	}
	a, b := guild(t, 1), guild(t, 2)
	ids := []snowflake.ID{a.Guild.ID, b.Guild.ID}
	testkit.NoError(t, s.Save(ctx, 0, each([]checkpoint.Guild{a, b}), ids, nil, head(7), nil))
	// another shard is another matter
	testkit.NoError(t, s.Save(ctx, 10, each(nil), []snowflake.ID{}, nil, head(9), nil))
	// and so is the same of another number of shards
	other := head(11)
	other.Shards = 2
	testkit.NoError(t, s.Save(ctx, 0, each(nil), []snowflake.ID{}, nil, other, nil))

	got, guilds, err := s.Load(ctx, 1, 0)
	testkit.NoError(t, err)
	if !reflect.DeepEqual(got, head(7)) || !reflect.DeepEqual(guilds, []checkpoint.Guild{a, b}) {
		t.Errorf("came back as %+v\n%+v\nwant\n%+v", got, guilds, []checkpoint.Guild{a, b})
	}
	c := guilds[0].Channels[1]
	if eventjson.UserLimit(c) != 4 || len(c.PermissionOverwrites()) != 2 || c.GuildID() != a.Guild.ID {
		t.Errorf("a voice channel came back as %+v", guilds[0].Channels[1])
	}

	stored, err := h.Shards.List(ctx, "")
	testkit.NoError(t, err)
	for _, e := range stored {
		if bytes.Contains(e.Value.Data, []byte(session)) || bytes.Contains(e.Value.Data, []byte("Server 1")) {
			t.Errorf("%s can be read by whoever has the disk", e.Key)
		}
	}

	// One server changed, the other was left: one write, and the head counts.
	b.Voices = []voice.Occupant{}
	testkit.NoError(t, s.Save(ctx, 0, each([]checkpoint.Guild{b}), ids[1:], ids[:1], head(8), nil))
	got, guilds, err = s.Load(ctx, 1, 0)
	testkit.NoError(t, err)
	if got.Session.Seq != 8 || len(guilds) != 1 || len(guilds[0].Voices) != 0 {
		t.Errorf("came back as %+v %+v", got, guilds)
	}
	if keys, err := h.Shards.Keys(ctx, "1.0"); err != nil || len(keys) != 3 {
		t.Errorf("stored are %v %v", keys, err)
	}
	testkit.NoError(t, h.Shards.Delete(ctx, fmt.Sprint("1.0.", b.Guild.ID)))
	if _, _, err = s.Load(ctx, 1, 0); err == nil {
		t.Error("half a checkpoint was taken for a whole one")
	}
}

// TestOtherNumbersOfShards removes what the bot saved when it had another number of shards, and in an older form.
func TestOtherNumbersOfShards(t *testing.T) {
	h, s := open(t)
	ctx := t.Context()
	for _, shards := range []int{1, 2, 12} {
		own := head(7)
		own.Shards = shards
		testkit.NoError(t, s.Save(ctx, 0, each(nil), []snowflake.ID{}, nil, own, nil))
	}
	for _, key := range []string{"0.head", "1.head", "1.1000"} {
		_, err := h.Shards.Put(ctx, key, hub.Sealed{Data: []byte("x")})
		testkit.NoError(t, err)
	}
	testkit.NoError(t, s.RemoveOthers(ctx, 1))
	keys, err := h.Shards.Keys(ctx, "")
	testkit.NoError(t, err)
	if slices.Sort(keys); !slices.Equal(keys, []string{"1.0.guilds", "1.0.head"}) {
		t.Errorf("left are %v", keys)
	}
	if _, _, err := s.Load(ctx, 1, 0); err != nil {
		t.Errorf("what counts can't be read: %v", err)
	}
}

// TestWritesThatFail has writes fail while others are being queued, in all the orders that come about. Each save ends.
func TestWritesThatFail(t *testing.T) {
	h, s := open(t)
	refused := errors.New("refused")
	h.SetFence(hub.Fence{Shard: func(int, int) error { return refused }})
	var guilds []checkpoint.Guild
	for n := range 3 {
		guilds = append(guilds, guild(t, n))
	}
	for range 1000 {
		ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
		ended := make(chan error, 1)
		go func() { ended <- s.Save(ctx, 0, each(guilds), nil, nil, head(7), nil) }()
		select {
		case err := <-ended:
			if !errors.Is(err, refused) {
				t.Fatalf("the save ends with %v", err)
			}
		case <-ctx.Done():
			t.Fatal("the save doesn't end")
		}
		cancel()
	}
}

// A shard's most guilds: what a first save, a save of a busy second and a load cost.
func TestSizeAndTime(t *testing.T) {
	n := 100
	if os.Getenv("SNUG_SOAK") != "" {
		n = 5000
	}
	h, s := open(t)
	ctx := context.Background()
	list, ids := make([]checkpoint.Guild, n), make([]snowflake.ID, n)
	for i := range list {
		list[i] = guild(t, i)
		ids[i] = list[i].Guild.ID
	}
	timed := func(f func() error) time.Duration {
		began := time.Now()
		testkit.NoError(t, f())
		return time.Since(began)
	}
	first := timed(func() error { return s.Save(ctx, 0, each(list), ids, nil, head(1), nil) })
	busy := timed(func() error { return s.Save(ctx, 0, each(list[:100]), nil, nil, head(2), nil) })
	quiet := timed(func() error { return s.Save(ctx, 0, each(nil), nil, nil, head(3), nil) })
	var guilds []checkpoint.Guild
	load := timed(func() (err error) { _, guilds, err = s.Load(ctx, 1, 0); return err })
	if len(guilds) != n {
		t.Fatalf("%d of %d came back", len(guilds), n)
	}
	stored, err := h.Shards.List(ctx, "")
	testkit.NoError(t, err)
	bytes, largest := 0, 0
	for _, e := range stored {
		bytes += len(e.Value.Data)
		largest = max(largest, len(e.Value.Data))
	}
	t.Logf("%d servers: %d bytes each, %d in all, largest document %d; "+
		"first save %v, 100 changed %v, none changed %v, load %v",
		n, bytes/n, bytes, largest, first, busy, quiet, load)
	if most := 8 << 10; bytes/n > most {
		t.Errorf("a server takes %d bytes, more than %d", bytes/n, most)
	}
}
