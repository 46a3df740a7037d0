package usage

import "syscall"

func tid() int { return syscall.Gettid() }
