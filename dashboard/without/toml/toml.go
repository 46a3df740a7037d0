// Package toml stands where gin expects TOML. See docs/decisions/0084-without-parts-of-gin.md.
package toml

import (
	"errors"
	"io"
)

var errWithout = errors.New("Snug is built without TOML; see docs/decisions/0084-without-parts-of-gin.md")

// Decoder decodes nothing.
type Decoder struct{}

// NewDecoder returns a decoder that fails.
func NewDecoder(io.Reader) *Decoder { return &Decoder{} }

// Decode fails.
func (*Decoder) Decode(any) error { return errWithout }

// Marshal fails.
func Marshal(any) ([]byte, error) { return nil, errWithout }
