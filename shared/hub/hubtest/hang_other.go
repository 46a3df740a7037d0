//go:build !unix

package hubtest

// Hang skips the test: this system cannot pause a process.
func (c *Cluster) Hang(int) { c.t.Skip("a process cannot be stopped on this system") }

// Wake does nothing.
func (c *Cluster) Wake(int) {}
