//go:build portable || (!linux && !darwin)

package hub

// freeBytes is not available on this system; only the write probe checks the disk.
func freeBytes(string) (int64, bool) { return 0, false }
