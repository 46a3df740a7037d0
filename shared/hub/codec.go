package hub

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
)

// codec turns values into bytes and back: JSON, or a type's own binary form
// where it has one, compressed when it is long. A zstd frame begins with a
// byte that neither JSON nor Sealed begins with, so no flag is needed.
type codec struct {
	make sync.Once
	enc  *zstd.Encoder
	dec  *zstd.Decoder
	err  error
}

const (
	compressFrom = 16 << 10 // bytes; shorter values are not worth the time
	maxInflated  = 64 << 20
)

var zstdMagic = []byte{0x28, 0xB5, 0x2F, 0xFD}

func newCodec() *codec { return &codec{} }

// zstd makes encoder and decoder when they are first needed: they cost megabytes.
func (c *codec) zstd() error {
	c.make.Do(func() {
		c.enc, c.err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(1<<20))
		if c.err == nil {
			c.dec, c.err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxInflated))
		}
	})
	return c.err
}

func (c *codec) close() {
	c.make.Do(func() { c.err = errClosed })
	if c.dec != nil {
		c.dec.Close()
	}
}

func (c *codec) encode(v any) (b []byte, err error) {
	if m, ok := v.(encoding.BinaryMarshaler); ok {
		b, err = m.MarshalBinary()
	} else {
		b, err = json.Marshal(v)
	}
	if err != nil || len(b) < compressFrom {
		return b, err
	}
	if err := c.zstd(); err != nil {
		return nil, err
	}
	return c.enc.EncodeAll(b, make([]byte, 0, len(b)/3)), nil
}

// decode reads b into what v points to.
func (c *codec) decode(b []byte, v any) (err error) {
	if bytes.HasPrefix(b, zstdMagic) {
		if err := c.zstd(); err != nil {
			return err
		}
		if b, err = c.dec.DecodeAll(b, nil); err != nil {
			return err
		}
	}
	if m, ok := v.(encoding.BinaryUnmarshaler); ok {
		return m.UnmarshalBinary(b)
	}
	return json.Unmarshal(b, v)
}

// Expiring is a value that says when it ends. Every write of it carries that
// to the server, which then removes the key, and reading it later gives
// NotFound also when the server has not come round to that yet.
type Expiring interface{ ExpiresAt() time.Time } // zero: never

// Sealed is an opaque value with an end: what only its writer can read.
type Sealed struct {
	Data    []byte
	Expires time.Time // to the millisecond; zero: never
}

// ExpiresAt gives s.Expires.
func (s Sealed) ExpiresAt() time.Time { return s.Expires }

const sealedForm = 1 // first byte of a stored Sealed

// MarshalBinary gives a form byte, the end in Unix milliseconds, and the data.
func (s Sealed) MarshalBinary() ([]byte, error) {
	b := make([]byte, 9, 9+len(s.Data))
	b[0] = sealedForm
	if !s.Expires.IsZero() {
		binary.BigEndian.PutUint64(b[1:], uint64(s.Expires.UnixMilli()))
	}
	return append(b, s.Data...), nil
}

// UnmarshalBinary is the inverse of MarshalBinary.
func (s *Sealed) UnmarshalBinary(b []byte) error {
	if len(b) < 9 {
		return errors.New("hub: a sealed value is cut short")
	}
	if b[0] != sealedForm {
		return fmt.Errorf("hub: a sealed value of form %d, which this version does not know", b[0])
	}
	*s = Sealed{Data: bytes.Clone(b[9:])}
	if ms := binary.BigEndian.Uint64(b[1:]); ms != 0 {
		s.Expires = time.UnixMilli(int64(ms))
	}
	return nil
}
