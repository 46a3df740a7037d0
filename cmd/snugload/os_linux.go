package main

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"unsafe"
)

// send writes p to the socket without blocking, and drops what the socket doesn't accept.
func (c *floorConn) send(p []byte) {
	_, _, _ = syscall.RawSyscall6(syscall.SYS_SENDTO, c.fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))),
		uintptr(len(p)),
		syscall.MSG_NOSIGNAL|syscall.MSG_DONTWAIT, 0, 0)
}

// pin binds all threads of this process to CPU 1.
func pin(ctx context.Context) error {
	return exec.CommandContext(ctx, "taskset", "-a", "-c", "-p", "1", strconv.Itoa(os.Getpid())).Run()
}

// pinned returns a command that is bound to CPU 0.
func pinned(command []string) []string { return append([]string{"taskset", "-c", "0"}, command...) }
