package card

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"sync"

	"golang.org/x/sync/singleflight"
)

// Picture is a drawn card.
type Picture struct {
	PNG  []byte // shared by all who get it: don't change it
	ETag string // of exactly these bytes, with its quotes
}

// Bounds of what Pictures keep and do: about 20 MB, and a processor.
const (
	maxPictures = 100
	maxDrawing  = 2
)

// Pictures draws cards and keeps the last ones. It is safe for concurrent use; its zero value is not to be used.
type Pictures struct {
	draw    func(Card) ([]byte, error)
	drawing chan struct{} // as many as are drawn at a time
	flights singleflight.Group

	mu    sync.Mutex
	drawn map[Card]Picture
}

// NewPictures returns Pictures that have drawn nothing yet.
func NewPictures() *Pictures {
	return &Pictures{draw: Draw, drawing: make(chan struct{}, maxDrawing), drawn: map[Card]Picture{}}
}

// Get returns a card's picture. Who asks for one that is being drawn waits for that one. It fails when ctx ends first.
func (p *Pictures) Get(ctx context.Context, c Card) (Picture, error) {
	c = c.normal()
	if have, ok := p.kept(c); ok {
		return have, nil
	}
	done := p.flights.DoChan(fmt.Sprintf("%#v", c), func() (any, error) {
		if have, ok := p.kept(c); ok { // drawn since
			return have, nil
		}
		p.drawing <- struct{}{}
		defer func() { <-p.drawing }()
		return p.make(c)
	})
	select {
	case r := <-done:
		if r.Err != nil {
			return Picture{}, r.Err
		}
		return r.Val.(Picture), nil
	case <-ctx.Done():
		return Picture{}, ctx.Err()
	}
}

func (p *Pictures) kept(c Card) (Picture, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	have, ok := p.drawn[c]
	return have, ok
}

func (p *Pictures) make(c Card) (Picture, error) {
	b, err := p.draw(c)
	if err != nil {
		return Picture{}, err
	}
	sum := sha256.Sum256(b)
	out := Picture{b, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
	p.mu.Lock()
	defer p.mu.Unlock()
	for old := range p.drawn { // any: whatever is asked for again is drawn again
		if len(p.drawn) < maxPictures {
			break
		}
		delete(p.drawn, old)
	}
	p.drawn[c] = out
	return out, nil
}
