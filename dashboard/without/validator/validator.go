// Package validator stands where gin expects a validator of what it binds. See
// docs/decisions/0084-without-parts-of-gin.md.
package validator

import "errors"

// Validate lets nothing through.
type Validate struct{}

// New returns one.
func New() *Validate { return &Validate{} }

// SetTagName does nothing.
func (*Validate) SetTagName(string) {}

// Struct fails: unchecked would look like checked.
func (*Validate) Struct(any) error {
	return errors.New("Snug is built without gin's validator; see docs/decisions/0084-without-parts-of-gin.md")
}
