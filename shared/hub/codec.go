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

// codec encodes and decodes values: as JSON, or in a type's own binary form if it has one,
// compressed if it is long. No flag is needed: a zstd frame starts with a byte that neither JSON
// nor Sealed starts with.
type codec struct {
	make sync.Once
	enc  *zstd.Encoder
	dec  *zstd.Decoder
	err  error
}

const (
	compressFrom = 16 << 10 // bytes; compressing shorter values is not worth the time
	maxInflated  = 64 << 20
)

var zstdMagic = []byte{0x28, 0xB5, 0x2F, 0xFD}

func newCodec() *codec { return &codec{} }

// zstd creates encoder and decoder on first use, because they take megabytes of memory.
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

// jsonAppender is a value that encodes itself as encoding/json would, but faster.
type jsonAppender interface {
	AppendJSON([]byte) ([]byte, error)
}

func (c *codec) encode(v any) (b []byte, err error) {
	switch m := v.(type) {
	case encoding.BinaryMarshaler:
		b, err = m.MarshalBinary()
	case jsonAppender:
		b, err = m.AppendJSON(make([]byte, 0, 1<<10))
	default:
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

// decode decodes b into the value that v points to.
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

// Expiring is a value with an expiry time. Every write passes the time to the server, which then
// removes the key. Reading an expired value gives NotFound even if the server has not removed it
// yet.
type Expiring interface{ ExpiresAt() time.Time } // the zero time means never

// Sealed is an opaque value with an expiry time. Only its writer can read the data.
type Sealed struct {
	Data    []byte
	Expires time.Time // with millisecond precision; zero means never
}

// ExpiresAt returns s.Expires.
func (s Sealed) ExpiresAt() time.Time { return s.Expires }

const sealedForm = 1 // the first byte of an encoded Sealed

// MarshalBinary encodes a version byte, the expiry in Unix milliseconds, and the data.
func (s Sealed) MarshalBinary() ([]byte, error) {
	b := make([]byte, 9, 9+len(s.Data))
	b[0] = sealedForm
	if !s.Expires.IsZero() {
		binary.BigEndian.PutUint64(b[1:], uint64(s.Expires.UnixMilli()))
	}
	return append(b, s.Data...), nil
}

// UnmarshalBinary decodes what MarshalBinary encoded.
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
