//go:build unix

package hubtest

import (
	"os"
	"syscall"
)

// Hang stops a server's work without ending it: its connections stay open and nobody answers.
func (c *Cluster) Hang(i int) { c.signal(i, syscall.SIGSTOP) }

// Wake lets a server that hangs go on.
func (c *Cluster) Wake(i int) { c.signal(i, syscall.SIGCONT) }

func (c *Cluster) signal(i int, s os.Signal) {
	c.t.Helper()
	if err := c.running[i].Process.Signal(s); err != nil {
		c.t.Fatal(err)
	}
}
