package discordsim_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"snug/shared/discordsim/internal/rest"
	"snug/shared/discordsim/openapi"
)

const (
	coverageFile  = "../../docs/simulator-coverage.md"
	guildCommands = "GET /applications/{app}/guilds/{guild}/commands"
)

// partly says what isn't there of operations that the simulator has, by its own names of paths.
var partly = map[string]string{
	"GET /applications/@me":                             "install settings, tags, team",
	"PATCH /applications/@me":                           "everything but the description and the endpoint",
	"GET /applications/{app}":                           "install settings, tags, team",
	"PATCH /applications/{app}":                         "everything but the description and the endpoint",
	"PATCH /users/@me":                                  "avatar, banner",
	"GET /users/@me/connections":                        "there are none",
	"POST /users/@me/channels":                          "group direct messages",
	"PATCH /guilds/{guild}":                             "pictures, features, notifications, community channels",
	"GET /guilds/{guild}/stickers":                      "there are none",
	"POST /guilds/{guild}/scheduled-events":             "pictures, recurring events",
	"PATCH /guilds/{guild}/scheduled-events/{event}":    "pictures, recurring events",
	"POST /stage-instances":                             "the notification at the start",
	"POST /guilds/{guild}/bulk-ban":                     "deleting messages",
	"POST /guilds/{guild}/channels":                     "media channels, default reactions and order of forums",
	"PATCH /channels/{channel}":                         "default reactions and order of forums",
	"PATCH /guilds/{guild}/members/{user}":              "flags",
	"PATCH /guilds/{guild}/members/@me":                 "avatar, banner, bio",
	"POST /guilds/{guild}/roles":                        "icons, gradients",
	"PATCH /guilds/{guild}/roles/{role}":                "icons, gradients",
	"PUT /guilds/{guild}/bans/{user}":                   "deleting messages",
	"GET /guilds/{guild}/bans":                          "pages: all bans come at once",
	"POST /webhooks/{webhook}/{token}":                  "polls, media channels",
	"POST /channels/{channel}/messages":                 "polls, stickers, forwards, link previews",
	"PATCH /channels/{channel}/messages/{message}":      "embeds suppressed by moderators",
	"GET /channels/{channel}/messages/pins":             "pages: all pins come at once",
	"POST /channels/{channel}/invites":                  "stage and activity invites",
	"GET /invites/{code}":                               "scheduled events",
	"POST /channels/{channel}/threads":                  "media channels, posts that need a tag",
	"POST /interactions/{interaction}/{token}/callback": "premium buttons, launching activities",

	guildCommands + "/permissions":           "there are none",
	guildCommands + "/{command}/permissions": "there are none",
}

var parameter = regexp.MustCompile(`\{\w+\}`)

// shape is an operation without the names of its parameters.
func shape(operation string) string { return parameter.ReplaceAllString(operation, "{}") }

// served are the operations that the simulator has, each with what isn't there of it.
func served() map[string]string {
	have := map[string]string{"GET /oauth2/@me": "", "POST /oauth2/token": "", "POST /oauth2/token/revoke": ""}
	for _, r := range rest.Routes() {
		have[shape(r)] = partly[r]
	}
	return have
}

// TestPartlyNamesRoutes: what is partly there is there.
func TestPartlyNamesRoutes(t *testing.T) {
	routes := rest.Routes()
	for r := range partly {
		if !slices.Contains(routes, r) {
			t.Errorf("partly has %s, which the simulator doesn't", r)
		}
	}
}

// TestCoverage writes the document if SNUG_UPDATE is set, and otherwise reports what Discord added since it was
// written, which is nobody's mistake.
func TestCoverage(t *testing.T) {
	at := openapi.Find()
	if at == "" {
		t.Skip("without Discord's OpenAPI description there is nothing to compare: make openapi")
	}
	raw, err := os.ReadFile(at)
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	want := coverage(d.Paths)
	if os.Getenv("SNUG_UPDATE") != "" {
		if err := os.WriteFile(coverageFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(coverageFile)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(want, "\n") {
		if strings.HasPrefix(line, "| `") && !strings.Contains(string(got), line) {
			t.Logf("new in Discord's description: %s", line)
		}
	}
}

// TestCoverageNamesRoutes needs no description: what the document calls simulated is what the simulator has.
func TestCoverageNamesRoutes(t *testing.T) {
	raw, err := os.ReadFile(coverageFile)
	if err != nil {
		t.Fatal(err)
	}
	have := served()
	rows := 0
	for line := range strings.SplitSeq(string(raw), "\n") {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if len(cells) != 2 || !strings.HasPrefix(cells[0], "`") {
			continue
		}
		rows++
		operation := strings.Trim(cells[0], "`")
		missing, is := have[shape(operation)]
		if got := standing(missing, is); got != cells[1] {
			t.Errorf("%s is %q, and the document says %q; write it again with\n"+
				"SNUG_UPDATE=1 go test -count=1 -run TestCoverage ./shared/discordsim", operation, got, cells[1])
		}
	}
	if rows < 100 {
		t.Errorf("the document has %d operations", rows)
	}
}

func standing(missing string, is bool) string {
	switch {
	case !is:
		return "no"
	case missing != "":
		return "partly; not: " + missing
	}
	return "yes"
}

// coverage writes the document.
func coverage(paths map[string]map[string]json.RawMessage) string {
	have := served()
	sections := map[string][]string{}
	whole, part, all := 0, 0, 0
	for path, methods := range paths {
		for method := range methods {
			if !slices.Contains([]string{"get", "post", "put", "patch", "delete"}, method) {
				continue
			}
			operation := strings.ToUpper(method) + " " + path
			missing, is := have[shape(operation)]
			switch all++; {
			case is && missing == "":
				whole++
			case is:
				part++
			}
			section := strings.Split(path, "/")[1]
			sections[section] = append(sections[section],
				fmt.Sprintf("| `%s` | %s |", operation, standing(missing, is)))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# What the Discord simulator has

Discord's OpenAPI description has %d operations. [The simulator](simulator.md) has %d of them, and %d in part.
Everything else gets a 501 that says so. A test compares this page with the simulator.

The gateway has all opcodes that bots use; `+"`go doc ./shared/discordsim`"+` lists what else isn't simulated.
`, all, whole, part)
	for _, name := range slices.Sorted(maps.Keys(sections)) {
		rows := sections[name]
		slices.SortFunc(rows, func(a, b string) int {
			_, pa, _ := strings.Cut(a, " /")
			_, pb, _ := strings.Cut(b, " /")
			return cmp.Or(strings.Compare(pa, pb), strings.Compare(a, b))
		})
		fmt.Fprintf(&b, "\n## %s\n\n| Operation | Simulated |\n| --- | --- |\n%s\n", name, strings.Join(rows, "\n"))
	}
	return b.String()
}
