package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/disgoorg/snowflake/v2"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/keyring"
)

// Store stores the checkpoints of a process's shards. Make it with New and close it.
type Store struct {
	hub  *hub.Hub
	keys *keyring.Keyring
	pub  *hub.Publisher[hub.Sealed]
	enc  *zstd.Encoder
	dec  *zstd.Decoder
}

// most is how many guilds are written to the hub concurrently: a shard's first save contains all of them.
const most = 256

// maxInflated limits the decompressed size of a document.
const maxInflated = 64 << 20

// New makes a Store.
func New(h *hub.Hub, keys *keyring.Keyring) (*Store, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(256<<10), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxInflated))
	if err != nil {
		return nil, err
	}
	pub, err := h.Shards.Publisher(0)
	if err != nil {
		dec.Close()
		return nil, err
	}
	return &Store{hub: h, keys: keys, pub: pub, enc: enc, dec: dec}, nil
}

// Close waits until running saves are stored, or until ctx ends.
func (s *Store) Close(ctx context.Context) error {
	err := s.pub.Close(ctx)
	s.dec.Close()
	return errors.Join(err, s.enc.Close())
}

// Save writes the guilds that next returns, until it returns false, then list (all of the shard's
// guilds) unless it is nil, and last the head, which makes them valid; before the head it waits for stored,
// unless that is nil. Then it deletes the guilds in gone; leftovers, if that fails, are harmless.
func (s *Store) Save(
	ctx context.Context, shard int, next func() (Guild, bool), list []snowflake.ID, gone []snowflake.ID, head Head,
	stored func() error,
) error {
	key := keyOf(head.Shards, shard)
	if err := s.putGuilds(ctx, key, next); err != nil {
		return err
	}
	if list != nil {
		if err := s.put(ctx, key.list(), list); err != nil {
			return err
		}
	}
	if stored != nil {
		if err := stored(); err != nil {
			return err
		}
	}
	if err := s.put(ctx, key.head(), head); err != nil {
		return err
	}
	for _, id := range gone {
		if err := s.hub.Shards.Delete(ctx, key.guild(id)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) put(ctx context.Context, key string, v any) error {
	b, err := s.pack(key, v)
	if err == nil {
		_, err = s.hub.Shards.Put(ctx, key, hub.Sealed{Data: b})
	}
	return err
}

// putGuilds writes guilds concurrently and waits for all of them.
func (s *Store) putGuilds(ctx context.Context, of shardKey, next func() (Guild, bool)) error {
	var mu sync.Mutex
	var all error
	failed := func(err error) bool {
		mu.Lock()
		defer mu.Unlock()
		if err != nil && all == nil {
			all = err
		}
		return all != nil
	}
	slots := make(chan struct{}, most)
	for !failed(ctx.Err()) {
		g, more := next()
		if !more {
			break
		}
		key := of.guild(g.Guild.ID)
		b, err := s.pack(key, g.sorted())
		if failed(err) || !take(ctx, slots) {
			break
		}
		err = s.pub.Put(key, hub.Sealed{Data: b}, func(_ hub.Rev, err error) {
			failed(err)
			<-slots
		})
		if err != nil { // it isn't queued, so that function isn't called
			failed(err)
			<-slots
		}
	}
	for range most { // once all slots are free again, every write has ended
		if !take(ctx, slots) {
			break
		}
	}
	failed(ctx.Err())
	mu.Lock()
	defer mu.Unlock()
	return all
}

func take(ctx context.Context, slots chan<- struct{}) bool {
	select {
	case slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// Load returns the head and the guilds of a shard, out of shards. errs.NotFound means that there is no checkpoint; any
// other error that it can't be read completely.
func (s *Store) Load(ctx context.Context, shards, shard int) (head Head, guilds []Guild, err error) {
	key := keyOf(shards, shard)
	stored, err := s.hub.Shards.List(ctx, string(key))
	if err != nil {
		return head, nil, err
	}
	docs := make(map[string][]byte, len(stored))
	for _, e := range stored {
		docs[e.Key] = e.Value.Data
	}
	if docs[key.head()] == nil {
		return head, nil, errs.E(errs.NotFound, "There is no checkpoint of shard %d.", shard)
	}
	if err := s.unpack(key.head(), docs[key.head()], &head); err != nil {
		return head, nil, err
	}
	var list []snowflake.ID
	if err := s.unpack(key.list(), docs[key.list()], &list); err != nil {
		return head, nil, err
	}
	guilds = make([]Guild, len(list))
	var reading errgroup.Group
	reading.SetLimit(runtime.GOMAXPROCS(0)) // decoding takes most of the time
	for i, id := range slices.Sorted(slices.Values(list)) {
		doc := docs[key.guild(id)]
		if doc == nil {
			err = fmt.Errorf("checkpoint: guild %d of shard %d is missing", id, shard)
			break
		}
		reading.Go(func() error { return s.unpack(key.guild(id), doc, &guilds[i]) })
	}
	if err := errors.Join(err, reading.Wait()); err != nil {
		return head, nil, err
	}
	return head, guilds, nil
}

// RemoveOthers removes the checkpoints of all other numbers of shards.
func (s *Store) RemoveOthers(ctx context.Context, shards int) error {
	keys, err := s.hub.Shards.Keys(ctx, "")
	if err != nil {
		return err
	}
	own := strconv.Itoa(shards) + "."
	for _, key := range keys {
		if strings.HasPrefix(key, own) && strings.Count(key, ".") == 2 {
			continue
		}
		if err := s.hub.Shards.Delete(ctx, key); err != nil {
			return err
		}
	}
	return nil
}
