// Package bson stands where gin expects MongoDB's documents. See docs/decisions/0084-without-parts-of-gin.md.
package bson

import "errors"

var errWithout = errors.New("Snug is built without BSON; see docs/decisions/0084-without-parts-of-gin.md")

// Marshal fails.
func Marshal(any) ([]byte, error) { return nil, errWithout }

// Unmarshal fails.
func Unmarshal([]byte, any) error { return errWithout }
