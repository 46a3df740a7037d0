package main

import (
	"errors"
	"fmt"
	"io"

	"snug/shared/errs"
)

// tell prints errors, one per line: the sentence for people, then the cause.
func tell(w io.Writer, err error) {
	for _, line := range sentences(err) {
		fmt.Fprintln(w, "snug:", line)
	}
}

// sentences returns an error as sentences for people, one for each of several joined errors. An error with its own
// sentence is shown by that, followed by its causes, however many it has; they never replace it.
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
