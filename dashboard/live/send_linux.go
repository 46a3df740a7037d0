package live

import (
	"syscall"
	"unsafe"
)

// canSend says whether sendNow works here.
const canSend = true

// sendNow hands bytes to the socket without waiting. 0 without an error means that the socket is full.
// The raw call spares the scheduler's bookkeeping: it never blocks.
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
