//go:build !portable

package watch

import (
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
	"unsafe"
)

// socket is a connection outside Go's own poller.
type socket struct{ fd int }

func newSocket(nc net.Conn) (s socket, err error) {
	defer nc.Close() // s has another descriptor of it
	raw, err := nc.(*net.TCPConn).SyscallConn()
	if err != nil {
		return s, err
	}
	e := raw.Control(func(fd uintptr) { s.fd, err = syscall.Dup(int(fd)) })
	if err == nil {
		err = e
	}
	return s, err
}

func (s socket) write(b []byte) error {
	_, err := syscall.Write(s.fd, b)
	return err
}

func (s socket) close() { _ = syscall.Close(s.fd) }

// shrink makes the receive buffer as small as it gets.
func (s socket) shrink() error {
	return syscall.SetsockoptInt(s.fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10)
}

// epoller reads with epoll, in the goroutine that calls wait.
type epoller struct {
	fd     int
	byFD   map[int32]*conn
	events [256]syscall.EpollEvent
	buf    []byte
	coarse bool // the kernel is older than epoll_pwait2
}

func newPoller() (poller, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	return &epoller{fd: fd, byFD: map[int32]*conn{}, buf: make([]byte, bufferSize)}, os.NewSyscallError("epoll", err)
}

func (e *epoller) add(c *conn) error {
	e.byFD[int32(c.fd)] = c
	return syscall.EpollCtl(e.fd, syscall.EPOLL_CTL_ADD, c.fd,
		&syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(c.fd)})
}

func (e *epoller) leave(c *conn) error {
	delete(e.byFD, int32(c.fd))
	return syscall.EpollCtl(e.fd, syscall.EPOLL_CTL_DEL, c.fd, nil)
}

func (e *epoller) close() { _ = syscall.Close(e.fd) }

// sysEpollPwait2 has the same number on all architectures. It takes nanoseconds, where epoll_wait takes milliseconds.
const sysEpollPwait2 = 441

func (e *epoller) ready(until time.Time) (n int, err error) {
	left := max(time.Until(until), 0)
	if !e.coarse {
		t := syscall.NsecToTimespec(int64(left))
		r, _, errno := syscall.Syscall6(sysEpollPwait2, uintptr(e.fd), uintptr(unsafe.Pointer(&e.events[0])),
			uintptr(len(e.events)), uintptr(unsafe.Pointer(&t)), 0, 0)
		if e.coarse = errno == syscall.ENOSYS; !e.coarse {
			if errno != 0 {
				return 0, errno
			}
			return int(r), nil
		}
	}
	return syscall.EpollWait(e.fd, e.events[:], int(left.Milliseconds()))
}

func (e *epoller) wait(until time.Time) error {
	n, err := e.ready(until)
	if err != nil && err != syscall.EINTR {
		return os.NewSyscallError("epoll_wait", err)
	}
	for i := range max(n, 0) {
		c := e.byFD[e.events[i].Fd]
		if c == nil {
			continue
		}
		if err := e.read(c); err != nil {
			delete(e.byFD, int32(c.fd)) // closing it removes it from epoll
			c.over()
			if err == errTooLong {
				return fmt.Errorf("room %d: %w", c.room, err)
			}
		}
	}
	return nil
}

// read reads once; epoll reports what is left. The raw call avoids the scheduler's bookkeeping, because it never
// blocks.
func (e *epoller) read(c *conn) error {
	had := copy(e.buf, c.rest)
	if had == len(e.buf) {
		return errTooLong
	}
	to := e.buf[had:]
	n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(c.fd),
		uintptr(unsafe.Pointer(unsafe.SliceData(to))), uintptr(len(to)), syscall.MSG_DONTWAIT, 0, 0)
	switch {
	case errno == syscall.EAGAIN || errno == syscall.EINTR:
		return nil
	case errno != 0:
		return errno
	case n == 0:
		return io.EOF
	}
	rest, err := c.parse(e.buf[:had+int(n)], time.Now().UnixNano())
	c.rest = append(c.rest[:0], rest...)
	return err
}
