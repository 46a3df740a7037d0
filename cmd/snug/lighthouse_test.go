package main

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"testing"

	"snug/shared/pages"
	"snug/shared/testkit/browsertest"
)

// TestLighthouse measures the running program's pages with Lighthouse: 100 of 100 for each. It needs Node, `npm
// install` in lighthouse, and a machine that does nothing else, so that it runs with SNUG_LIGHTHOUSE alone (`make
// lighthouse`).
func TestLighthouse(t *testing.T) {
	if os.Getenv("SNUG_LIGHTHOUSE") == "" {
		t.Skip("run `make lighthouse`")
	}
	path, err := browsertest.Path()
	if err != nil {
		t.Fatal(err)
	}
	h := newHarness(t, unhurried)
	alice := h.signIn("alice")
	id := alice.open("Friday draft")
	h.must(h.join("alice", id))
	_, made := alice.api("POST", "/rooms/"+id+"/invites", map[string]any{})
	invite, _ := made["url"].(string)
	base, err := url.Parse(h.url)
	h.must(err)
	var cookie string
	for _, c := range alice.http.Jar.Cookies(base) {
		cookie += c.Name + "=" + c.Value + "; "
	}
	type measured struct {
		Name   string `json:"name"`
		URL    string `json:"url"`
		Cookie string `json:"cookie,omitempty"`
		SEO    bool   `json:"seo"` // search engines may list it
	}
	guild := h.world.guild
	in, err := json.Marshal(map[string]any{"browser": path, "pages": []measured{
		{"the first page", h.url + "/", "", true},
		{"home", h.url + "/", cookie, false},
		{"a server", h.url + pages.Server.With(guild), cookie, false},
		{"a room", h.url + "/game/" + id, cookie, false},
		{"an invite", invite, "", false},
		{"a server's settings", h.url + pages.Admin.With(guild), cookie, false},
	}})
	h.must(err)
	run := exec.CommandContext(t.Context(), "node", "run.mjs")
	run.Dir, run.Stdin = "lighthouse", bytes.NewReader(in)
	out, err := run.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}
