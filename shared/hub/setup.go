package hub

import (
	"cmp"
	_ "embed"
	"io"
	"strings"
	"text/template"
)

// ServerSetup is what a NATS server's configuration depends on. Every field is optional.
type ServerSetup struct {
	Servers []string // host names of all servers of the cluster; none: it is alone
	Dir     string   // where it stores everything; default /data
	TLS     bool     // with the files that the following name
	Cert    string   // default server.pem
	Key     string   // default server-key.pem
	CA      string   // the authority of the other servers' certificates; default ca.pem
}

//go:embed nats.conf.tmpl
var serverConfig string

var serverTemplate = template.Must(template.New("nats.conf").Funcs(template.FuncMap{"join": strings.Join}).
	Parse(serverConfig))

// WriteServerConfig writes the configuration of a NATS server that has everything that the hub needs: an account of its
// own, with the permissions that it uses, room for every bucket, and every write on disk.
func WriteServerConfig(w io.Writer, s ServerSetup) error {
	memory, store := needs(tables(), func(s spec) int64 { return s.maxBytes })
	const gb, spare = 1 << 30, 5 // a fifth more than the buckets' limits
	up := func(n int64) int64 { return (n + n/spare + gb - 1) / gb }
	return serverTemplate.Execute(w, struct {
		ServerSetup
		MemoryGB, StoreGB int64
	}{
		ServerSetup{
			Servers: s.Servers, Dir: cmp.Or(s.Dir, "/data"), TLS: s.TLS, Cert: cmp.Or(s.Cert, "server.pem"),
			Key: cmp.Or(s.Key, "server-key.pem"), CA: cmp.Or(s.CA, "ca.pem"),
		}, up(memory), up(store),
	})
}
