//go:build portable || (!linux && !darwin)

package live

import "errors"

// canSend reports whether sendNow works on this system. Here it doesn't: a connection with a queue writes from a
// goroutine.
const canSend = false

func sendNow(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }
