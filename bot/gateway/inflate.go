package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/klauspost/compress/zstd"
)

const (
	maxFrame   = 64 << 20  // bytes of one WebSocket message
	maxMessage = 256 << 20 // bytes of one message, decompressed
	keepBuffer = 1 << 20   // a larger buffer is released after its message
)

// inflater decompresses zstd-stream: one zstd stream for the whole connection, flushed after each
// message. The decoder wants to read on whenever it likes and remembers its first error, so it must never
// see the end of the input so far. It therefore runs as a coroutine that is suspended whenever it asks
// for more than there is; by then everything available has been decoded. Not safe for concurrent use.
type inflater struct {
	in   bytes.Reader
	out  []byte
	err  error
	next func() (struct{}, bool)
	stop func()
}

func newInflater() (*inflater, error) {
	z := &inflater{}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(128<<20))
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	z.next, z.stop = iter.Pull(func(yield func(struct{}) bool) {
		defer dec.Close()
		z.decode(dec, yield)
	})
	return z, nil
}

// decode is the coroutine's body.
func (z *inflater) decode(dec *zstd.Decoder, yield func(struct{}) bool) {
	more := func() bool { return yield(struct{}{}) }
	if z.err = dec.Reset(&starving{z, more}); z.err != nil {
		return
	}
	buf := make([]byte, 16<<10)
	for {
		n, err := dec.Read(buf)
		z.out = append(z.out, buf[:n]...)
		if err != nil {
			z.err = err
			return
		}
		if len(z.out) > maxMessage {
			z.err = fmt.Errorf("a message larger than %d bytes", maxMessage)
			return
		}
	}
}

// starving feeds the input to the decoder and suspends it when the input is used up.
type starving struct {
	z    *inflater
	more func() bool
}

func (s *starving) Read(p []byte) (int, error) {
	for s.z.in.Len() == 0 {
		if !s.more() {
			return 0, errors.New("closed")
		}
	}
	return s.z.in.Read(p)
}

var _ io.Reader = (*starving)(nil)

// inflate decompresses one frame. The result is valid until the next call.
func (z *inflater) inflate(frame []byte) ([]byte, error) {
	if cap(z.out) > keepBuffer {
		z.out = nil
	}
	z.out = z.out[:0]
	z.in.Reset(frame)
	if _, ok := z.next(); !ok {
		return nil, fmt.Errorf("zstd-stream: %w", z.err)
	}
	return z.out, nil
}

func (z *inflater) close() { z.stop() }

// zstdMagic begins every zstd stream.
var zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
