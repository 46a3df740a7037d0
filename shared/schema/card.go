package schema

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"snug/shared/errs"
)

// Limits of a room's card, in characters.
const (
	MaxHeadline = 100
	MaxLink     = 500
	MaxNote     = 300
)

var errLink = errs.Field("link",
	"A link must begin with https:// and name a site, like https://example.com/deck. Check it and try again.")

// Clean returns a text as it is stored: a link by CleanLink, another by the rules of names; "" is none. It fails with
// errs.Invalid.
func (f TextField) Clean(text string) (string, error) {
	text, err := cleanText(f.Name, strings.TrimSpace(text))
	if err == nil && f.Link {
		text, err = CleanLink(text)
	}
	if n := utf8.RuneCountInString(text); err == nil && n > f.Max {
		return "", errs.Field(f.Name, "This text has %d characters, and it can have up to %d. Shorten it.", n, f.Max)
	}
	return text, err
}

// CleanLink returns the address of a page on the web as it is stored: https, without a user's name, and in ASCII, so
// that a site's name can't pass for another's and nothing in it ends a link in a message; "" is none. It fails with
// errs.Invalid.
func CleanLink(link string) (string, error) {
	if link == "" {
		return "", nil
	}
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Opaque != "" {
		return "", errLink
	}
	host, err := idna.Lookup.ToASCII(u.Hostname())
	if err != nil || !strings.Contains(strings.Trim(host, "."), ".") {
		return "", errLink
	}
	if port := u.Port(); port != "" {
		host += ":" + port
	}
	u.Host = host
	return ascii(u.String()), nil
}

// ascii escapes what may not stand in an address.
func ascii(address string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(address) {
		if c > ' ' && c < 0x7f && !strings.ContainsRune("\"<>\\^`{|}", rune(c)) {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', hex[c>>4], hex[c&15]})
	}
	return b.String()
}

// Site returns the name of the site that a link leads to, as people read it; "" for none.
func Site(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(u.Host, "www.")
}
