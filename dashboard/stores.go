package dashboard

import (
	"context"

	"snug/dashboard/session"
	"snug/shared/hub"
)

// sealed lets package session keep its documents in a bucket of the hub.
type sealed struct {
	b     *hub.Bucket[hub.Sealed]
	exact bool // a copy that lags will not do
}

func (s sealed) Get(ctx context.Context, key string) (session.Doc, uint64, error) {
	get := s.b.Get
	if s.exact {
		get = s.b.Latest
	}
	v, rev, err := get(ctx, key)
	return session.Doc(v), uint64(rev), err
}

func (s sealed) Create(ctx context.Context, key string, d session.Doc) error {
	_, err := s.b.Create(ctx, key, hub.Sealed(d))
	return err
}

func (s sealed) Update(ctx context.Context, key string, d session.Doc, rev uint64) error {
	_, err := s.b.Update(ctx, key, hub.Sealed(d), hub.Rev(rev))
	return err
}

func (s sealed) Delete(ctx context.Context, key string, rev uint64) error {
	if rev == 0 {
		return s.b.Delete(ctx, key)
	}
	return s.b.DeleteAt(ctx, key, hub.Rev(rev))
}
