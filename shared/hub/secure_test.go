package hub

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"snug/shared/errs"
	"snug/shared/room"
	"snug/shared/testkit"
)

// certificate creates a self-signed certificate for 127.0.0.1 and returns the files of it and of
// its key.
func certificate(t *testing.T, dir string) {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "snug test"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert := must(x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key))(t)
	for name, block := range map[string]*pem.Block{
		"server.pem":     {Type: "CERTIFICATE", Bytes: cert},
		"server-key.pem": {Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(key))(t)},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestServerSetup checks that every function of the hub works with the account, permissions and TLS that
// WriteServerConfig writes.
func TestServerSetup(t *testing.T) {
	dir := t.TempDir()
	certificate(t, dir)
	t.Setenv("NATS_NAME", "n1")
	t.Setenv("SNUG_NATS_PASSWORD", "sesame")
	t.Setenv("NATS_SYSTEM_PASSWORD", "system")
	file := filepath.Join(dir, "nats.conf")
	write := func(s ServerSetup) {
		var conf strings.Builder
		if err := WriteServerConfig(&conf, s); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(conf.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pem := filepath.Join(dir, "server.pem")
	write(ServerSetup{
		Servers: []string{"n1", "n2", "n3"}, TLS: true, Cert: pem, Key: filepath.Join(dir, "server-key.pem"), CA: pem,
	})
	c, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Routes) != 3 || c.Cluster.Name != "snug" || c.Cluster.TLSConfig == nil ||
		c.Cluster.TLSConfig.ClientAuth != tls.RequireAndVerifyClientCert {
		t.Errorf("of a cluster: %d routes, %+v", len(c.Routes), c.Cluster)
	}
	memory, store := needs(tables(), func(s spec) int64 { return s.maxBytes })
	if !c.SyncAlways || c.JetStreamMaxMemory < memory || c.JetStreamMaxStore < store || c.StoreDir != "/data" {
		t.Errorf("it syncs: %v, and stores %d and %d bytes in %s", c.SyncAlways, c.JetStreamMaxMemory,
			c.JetStreamMaxStore, c.StoreDir)
	}
	write(ServerSetup{TLS: true, Cert: pem, Key: filepath.Join(dir, "server-key.pem")})
	read, err := server.ProcessConfigFile(file)
	if err != nil || len(read.Routes) > 0 {
		t.Fatal(err)
	}
	nats := startOutside(t, func(o *server.Options) {
		o.Accounts, o.Users, o.TLSConfig, o.TLS, o.TLSTimeout = read.Accounts, read.Users, read.TLSConfig, true, 5
	})
	where := strings.TrimPrefix(nats.url, "nats://")
	ctx, ca := t.Context(), pem

	for name, o := range map[string]Options{
		"nobody":               {URL: "tls://" + where, CAFile: ca},
		"a wrong password":     {URL: "tls://snug:guessed@" + where, CAFile: ca},
		"a certificate of who": {URL: "tls://snug:sesame@" + where},
	} {
		o.ConnectTimeout = time.Second
		h, err := Open(ctx, o)
		if !errs.Has(err, errs.Unauthorized) && !errs.Has(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			t.Error(h.Close(ctx))
		} else if strings.Contains(err.Error(), "guessed") || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: the password is told: %v", name, err)
		}
	}

	h := openHub(t, Options{URL: "tls://snug:sesame@" + where, CAFile: ca})
	must(h.Rooms.Put(ctx, "1.2", room.Room{ID: 2}))(t)
	heard := make(chan room.Member, 1)
	defer must(StandingChanged.Listen(ctx, h, func(m room.Member) { heard <- m }))(t)()
	if err := StandingChanged.Send(h, room.Member{GuildID: 1, UserID: 2}); err != nil {
		t.Error(err)
	}
	select {
	case <-heard:
	case <-time.After(testkit.Patience):
		t.Error("a notice is not heard")
	}
	if err := h.Audit.Append(ctx, "one", 1, 2, "room_opened", "x"); err != nil {
		t.Error(err)
	}
	if list, err := h.Audit.Page(ctx, 1, 0, 0, 10); err != nil || len(list) != 1 {
		t.Errorf("the audit log: %v, %v", list, err)
	}
	var copied strings.Builder
	if err := h.Backup(ctx, &copied); err != nil || copied.Len() == 0 {
		t.Errorf("a backup: %d bytes, %v", copied.Len(), err)
	}
	if err := h.Ready(ctx); err != nil {
		t.Error(err)
	}
}
