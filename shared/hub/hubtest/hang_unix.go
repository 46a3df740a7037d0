//go:build unix

package hubtest

import (
	"os"
	"syscall"
)

// Hang pauses a server without ending it: its connections stay open, but it does not answer.
func (c *Cluster) Hang(i int) { c.signal(i, syscall.SIGSTOP) }

// Wake resumes a server paused by Hang.
func (c *Cluster) Wake(i int) { c.signal(i, syscall.SIGCONT) }

func (c *Cluster) signal(i int, s os.Signal) {
	c.t.Helper()
	if err := c.running[i].Process.Signal(s); err != nil {
		c.t.Fatal(err)
	}
}
