//go:build !portable

package live

import "syscall"

// canSend reports whether sendNow works on this system.
const canSend = true

// sendNow writes bytes to the socket without blocking: Go's sockets are non-blocking and raise no
// SIGPIPE. 0 without an error means that the socket's buffer is full.
func sendNow(fd uintptr, p []byte) (int, error) {
	n, err := syscall.Write(int(fd), p)
	switch err {
	case nil:
		return n, nil
	case syscall.EAGAIN, syscall.EINTR, syscall.ENOBUFS:
		return 0, nil
	}
	return 0, err
}
