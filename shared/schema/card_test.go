package schema

import (
	"strings"
	"testing"
)

func TestCleanLink(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"https://example.com/deck?a=b&c=d#e":  "https://example.com/deck?a=b&c=d#e",
		"https://EXAMPLE.com:8443/":           "https://example.com:8443/",
		"https://example.com/a b>c?d=<e>\"|`": "https://example.com/a%20b%3Ec?d=%3Ce%3E%22%7C%60",
		"https://exаmple.com/":                "https://xn--exmple-4nf.com/", // a Cyrillic a
		"https://bücher.example/straße?q=ö":   "https://xn--bcher-kva.example/stra%C3%9Fe?q=%C3%B6",
		"https://example.com/100%25":          "https://example.com/100%25",
		"":                                    "",
		"http://example.com":                  "refused",
		"javascript:alert(1)":                 "refused",
		"https:example.com":                   "refused",
		"//example.com":                       "refused",
		"example.com/deck":                    "refused",
		"https://":                            "refused",
		"https://localhost/":                  "refused",
		"https://me:secret@example.com/":      "refused",
		"https://discord.com@evil.example/":   "refused",
		"https://exa_mple.com/\x00":           "refused",
		"https://[::1]/":                      "refused",
		"https://example.com:port/":           "refused",
	} {
		got, err := CleanLink(given)
		if err != nil {
			got = "refused"
		}
		if got != want {
			t.Errorf("%q becomes %q (%v), want %q", given, got, err, want)
		}
	}
	if got := Site("https://www.example.com/deck"); got != "example.com" {
		t.Errorf("the site is %q", got)
	}
}

func TestTextsOfACard(t *testing.T) {
	t.Parallel()
	card, _ := ActionNamed("card")
	for _, f := range card.Fields {
		long := strings.Repeat("x", f.Max)
		if f.Link {
			long = "https://example.com/" + long[:f.Max-len("https://example.com/")]
		}
		if got, err := f.Clean("  " + long + " "); got != long || err != nil {
			t.Errorf("%s: %q, %v", f.Name, got, err)
		}
		if got, err := f.Clean(long + "x"); err == nil {
			t.Errorf("%s takes %q", f.Name, got)
		}
		if got, err := f.Clean(" \n\u200b "); got != "" || err != nil {
			t.Errorf("%s: %q, %v for nothing", f.Name, got, err)
		}
	}
	if got, _ := card.Fields[2].Clean("One\ntwo \u202ethree"); got != "One two three" {
		t.Errorf("a note is kept as %q", got)
	}
}
