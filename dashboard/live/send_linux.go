//go:build !portable

package live

import (
	"syscall"
	"unsafe"
)

// canSend reports whether sendNow works on this system.
const canSend = true

// sendNow writes bytes to the socket without blocking. 0 without an error means that the socket's
// buffer is full. The raw system call avoids the scheduler's bookkeeping, because it never blocks.
func sendNow(fd uintptr, p []byte) (int, error) {
	n, _, e := syscall.RawSyscall6(syscall.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))),
		uintptr(len(p)),
		syscall.MSG_NOSIGNAL|syscall.MSG_DONTWAIT, 0, 0)
	switch e {
	case 0:
		return int(n), nil
	case syscall.EAGAIN, syscall.EINTR, syscall.ENOBUFS:
		return 0, nil
	}
	return 0, e
}
