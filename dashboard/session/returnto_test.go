package session

import (
	"net/url"
	"strings"
	"testing"

	"github.com/disgoorg/snowflake/v2"
)

func snow(n uint64) snowflake.ID { return snowflake.ID(n) }

func TestReturnTo(t *testing.T) {
	for _, ok := range []string{
		"/", "/servers/1", "/game/12345?x=1&y=2", "/game/1?t=a.b-c_d", "/admin/5/activity", "/game/1#invites",
		"/game/1/",
	} {
		if got := ReturnTo(ok); got != ok {
			t.Errorf("%q became %q", ok, got)
		}
	}
	for _, bad := range []string{
		"", "x", "game/1", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example",
		"/%2fevil.example", "/%2F%2fevil.example",
		"/%5cevil.example", "/%252fevil.example", "/..//evil.example", "/./", "/a/../b", "/a//b",
		"https://evil.example", "javascript:alert(1)",
		"http:/evil.example", "/\t/evil.example", "/\n/evil.example", "/a\x00", "/a b", " /a", "/\x7f", "/é",
		"/／evil.example", "/a?x=%0d%0aSet-Cookie:a",
		"/a?x=%5C", "/login", "/login?return_to=/login", "/logout", "/auth/discord/callback?code=1", "/api/v1/me",
		"/api", "/\"onx", "/<script>",
		"/" + strings.Repeat("a", maxReturnTo), "/a%", "/a:b%zz",
	} {
		if got := ReturnTo(bad); got != "/" {
			t.Errorf("%q became %q", bad, got)
		}
	}
}

func FuzzReturnTo(f *testing.F) {
	for _, s := range []string{"/", "//a", "/\\a", "/%2f/a", "/a?b#c", "http://a", "/.//a", "/;//a", "/@a", "/a:80"} {
		f.Add(s)
	}
	base, _ := url.Parse("https://snug.example/auth/discord/callback")
	f.Fuzz(func(t *testing.T, raw string) {
		got := ReturnTo(raw)
		u, err := url.Parse(got)
		if err != nil || !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") ||
			strings.ContainsAny(got, "\\\r\n\t") {
			t.Fatalf("%q became %q", raw, got)
		}
		if to := base.ResolveReference(u); to.Host != base.Host || to.Scheme != base.Scheme ||
			strings.HasPrefix(to.Path, "//") {
			t.Fatalf("%q leads to %s", raw, to)
		}
	})
}
