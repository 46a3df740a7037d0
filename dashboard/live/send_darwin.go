package live

import "syscall"

// canSend says whether sendNow works here.
const canSend = true

// sendNow hands bytes to the socket without waiting: Go's sockets are non-blocking and raise no SIGPIPE.
// 0 without an error means that the socket is full.
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
