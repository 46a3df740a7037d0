//go:build !linux && !darwin

package live

import "errors"

// canSend says whether sendNow works here: it does not, and connections write from a goroutine while they have a queue.
const canSend = false

func sendNow(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }
