package main

import (
	"errors"
	"fmt"
	"io"

	"snug/shared/errs"
)

// tell lists errors, one a line: the sentence for people, then what caused it.
func tell(w io.Writer, err error) {
	for _, line := range sentences(err) {
		fmt.Fprintln(w, "snug:", line)
	}
}

// sentences says an error to people: each of several that were joined by itself. An error with a sentence of its own
// is said by it, however many causes it has: they stand behind it, and never in its place.
func sentences(err error) []string {
	if joined, ok := err.(interface{ Unwrap() []error }); ok &&
		err.Error() == errors.Join(joined.Unwrap()...).Error() { //nolint:errorlint // this one, not what it wraps
		var all []string
		for _, e := range joined.Unwrap() {
			all = append(all, sentences(e)...)
		}
		return all
	}
	said, ok := errors.AsType[*errs.Error](err)
	switch {
	case !ok:
		return []string{err.Error()}
	case said.Err == nil:
		return []string{said.Message}
	}
	return []string{fmt.Sprintf("%s (%s: %v)", said.Message, said.Code, said.Err)}
}
