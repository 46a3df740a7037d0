//go:build !linux && !darwin

package hub

// freeBytes is not known here; the write probe stands alone.
func freeBytes(string) (int64, bool) { return 0, false }
