package main

import (
	"encoding/json"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestOwnConnections keeps tests from sharing connections with each other: see testkit.HTTP. Examples run alone.
func TestOwnConnections(t *testing.T) {
	shared := regexp.MustCompile(`[^.\w]http\.(Default(Client|Transport)|Get|Head|Post|PostForm)\b`)
	tests := files(t, func(name string) bool {
		return strings.HasSuffix(name, "_test.go") && path.Base(name) != "example_test.go"
	})
	if len(tests) < 200 {
		t.Fatalf("only %d files were found", len(tests))
	}
	for _, f := range tests {
		if found := shared.FindString(f.text); found != "" && f.path != "cmd/snug/arch_test.go" {
			t.Errorf("%s uses %s; take testkit.HTTP, or a client with a transport of its own", f.path, found)
		}
	}
}

// TestImportRules keeps the architecture: who may know whom.
func TestImportRules(t *testing.T) {
	type pkg struct {
		ImportPath                         string
		Imports, TestImports, XTestImports []string
		Doc                                string
	}
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports,Doc", "snug/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	below := func(path string, roots ...string) bool {
		for _, r := range roots {
			if path == r || strings.HasPrefix(path, r+"/") {
				return true
			}
		}
		return false
	}
	const (
		disgo  = "github.com/disgoorg/disgo"
		gin    = "github.com/gin-gonic/gin"
		melody = "github.com/olahol/melody"
		nats   = "github.com/nats-io"
		huma   = "github.com/danielgtaylor/huma"

		testkit = "snug/shared/testkit"

		sim   = "snug/shared/discordsim"
		house = sim + "/internal"
	)
	ginUsers := []string{
		"snug/dashboard", "snug/dashboard/request", "snug/dashboard/web", "snug/dashboard/api",
		"snug/dashboard/api/openapi",
		"snug/dashboard/live",
	}
	pure := []string{
		"snug/shared/access", "snug/shared/audit", "snug/shared/schema", "snug/shared/errs", "snug/shared/room",
		"snug/shared/guild", "snug/shared/invite", "snug/shared/keyring", "snug/shared/preset", "snug/shared/protocol",
	}
	io := []string{"net", "net/http", "os", "os/exec", "io/fs", "database/sql"}
	n := 0
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); n++ {
		var p pkg
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		if p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
		for _, i := range p.Imports {
			for _, rule := range []struct {
				broken bool
				says   string
			}{
				{below(p.ImportPath, "snug/bot") && below(i, "snug/dashboard"), "bot does not know the dashboard"},
				{below(p.ImportPath, "snug/dashboard") && below(i, "snug/bot"), "the dashboard does not know the bot"},
				{
					below(i, "snug/cmd") &&
						!(below(i, "snug/cmd/snugload/internal") && below(p.ImportPath, "snug/cmd")),
					"nothing imports cmd",
				},
				{below(i, testkit) && !below(p.ImportPath, testkit), "only tests import testkit"},
				{
					below(i, "snug/shared/config") && !below(p.ImportPath, "snug/cmd", "snug/shared/config"),
					"only cmd knows the configuration",
				},
				{below(i, gin) && !slices.Contains(ginUsers, p.ImportPath), "gin is for what answers requests"},
				{strings.HasPrefix(i, gin+"/"), "gin binds and renders nothing here: decision 0084"},
				{below(i, huma) && !below(p.ImportPath, "snug/dashboard/api"), "huma is dashboard/api's"},
				{
					below(p.ImportPath, "snug/dashboard/web") && below(i, "snug/dashboard/api") ||
						below(p.ImportPath, "snug/dashboard/api") && below(i, "snug/dashboard/web"),
					"pages and API do not know each other",
				},
				{
					below(p.ImportPath, "snug/dashboard/actions") && (slices.Contains(io, i) ||
						below(i, "snug/dashboard/web", "snug/dashboard/api", "snug/dashboard/request",
							"snug/dashboard/view")),
					"actions know nothing of HTTP and pages",
				},
				{
					below(p.ImportPath, "snug/dashboard/request") &&
						below(i, "snug/dashboard/web", "snug/dashboard/api", "snug/dashboard/actions"),
					"it lies below pages and API, and does nothing itself",
				},
				{
					below(p.ImportPath, "snug/dashboard/wire", "snug/dashboard/view", "snug/dashboard/lastknown",
						"snug/dashboard/live", "snug/dashboard/session") &&
						below(i, "snug/dashboard/web", "snug/dashboard/api",
							"snug/dashboard/request", "snug/dashboard/actions"),
					"it lies below the dashboard's other packages",
				},
				{
					below(p.ImportPath, "snug/dashboard/api/openapi") &&
						below(i, "snug/dashboard/actions", "snug/dashboard/wire"),
					"how operations are described knows none",
				},
				{
					i == "snug/dashboard" && below(p.ImportPath, "snug/dashboard"),
					"nothing below the mounts knows them",
				},
				{below(i, melody) && !below(p.ImportPath, "snug/dashboard/live"), "melody is dashboard/live's"},
				{below(i, nats) && !below(p.ImportPath, "snug/shared/hub"), "NATS is shared/hub's"},
				{below(i, disgo) && !below(p.ImportPath, "snug/bot"), "disgo's client is the bot's"},
				{
					below(p.ImportPath, pure...) && (below(i, gin, melody, nats, disgo) || slices.Contains(io, i)),
					"it does no I/O",
				},
				{
					below(p.ImportPath, "snug/shared") && below(i, "snug/bot", "snug/dashboard"),
					"what is shared knows neither side",
				},
				{
					below(p.ImportPath, "snug/bot/commands") && below(i, "snug/bot/panels"),
					"what both use is in bot/message",
				},
				{
					below(p.ImportPath, "snug/bot/panels") && below(i, "snug/bot/commands"),
					"what both use is in bot/message",
				},
				{
					below(p.ImportPath, "snug/bot/message") && below(i, "snug/bot"),
					"it lies below the bot's other packages",
				},
				{
					below(p.ImportPath, "snug/bot/shards") &&
						(i == "snug/bot" || below(i, "snug/bot/rooms", "snug/bot/discordapi")),
					"shards get what they need of the bot as functions",
				},
				{
					below(p.ImportPath, "snug/bot/rooms") && below(i, "snug/bot/shards", "snug/bot/discordapi"),
					"rooms get Discord as an interface",
				},
				{
					below(p.ImportPath, "snug/shared/discordsim") && below(i, "snug/shared/access"),
					"the simulator is the oracle that access is tested against",
				},
				{below(i, house) && !below(p.ImportPath, sim), "the simulator is used through its facade"},
				{below(p.ImportPath, house) && i == sim, "what the simulator is made of doesn't know the facade"},
				{
					below(p.ImportPath, house+"/world") && below(i, house) && !below(i, house+"/world"),
					"the world doesn't know who serves it",
				},
				{
					below(p.ImportPath, house+"/world/form") && below(i, sim),
					"how requests are read and refused knows no world",
				},
				{
					below(p.ImportPath, house+"/faults") && below(i, house) && !below(i, house+"/world/form"),
					"faults know nobody whom they disturb",
				},
				{
					below(p.ImportPath, house+"/rest", house+"/gateway", house+"/oauth") &&
						below(i, house) && !below(i, house+"/world", house+"/faults", house+"/etf"),
					"REST, gateway and OAuth2 meet in the world",
				},
			} {
				if rule.broken {
					t.Errorf("%s imports %s: %s", p.ImportPath, i, rule.says)
				}
			}
		}
	}
	if n < 15 {
		t.Fatalf("only %d packages were looked at", n)
	}
}
