package outward

import (
	"net/netip"
	"testing"
)

// TestMayCall checks addresses as they are dialled, after name resolution.
func TestMayCall(t *testing.T) {
	inside := netip.MustParsePrefix("10.0.0.0/8")
	for address, may := range map[string]bool{
		"1.1.1.1:443": true, "[2606:4700::1111]:443": true, "10.1.2.3:80": true, "[::ffff:10.1.2.3]:80": true,
		"127.0.0.1:80": false, "[::1]:80": false, "192.168.0.1:80": false, "169.254.169.254:80": false,
		"[::ffff:127.0.0.1]:80": false, "[fe80::1%lo]:80": false, "[4000::1]:80": false, "[64:ff9b::a01:203]:80": false,
		"localhost:80": false, "": false,
	} {
		if err := mayCall(address, []netip.Prefix{inside}); (err == nil) != may {
			t.Errorf("%q: %v, want it called: %v", address, err, may)
		}
	}
}
