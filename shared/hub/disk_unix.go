//go:build (linux || darwin) && !portable

package hub

import "syscall"

// freeBytes returns the space that this user may still use on the disk of dir, in bytes.
func freeBytes(dir string) (int64, bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true //nolint:unconvert // other systems have other types
}
