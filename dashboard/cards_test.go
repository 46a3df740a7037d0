package dashboard

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image/png"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"golang.org/x/net/html"

	"snug/dashboard/card"
	"snug/dashboard/request"
	"snug/shared/hub"
	"snug/shared/pages"
	"snug/shared/room"
	"snug/shared/testkit"
)

// site is the address of the dashboard of these tests, as in production.
const site = "https://snug.example"

// unfurlers are whatever makes cards of links, as they call themselves.
var unfurlers = []string{
	"Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)", "Twitterbot/1.0",
	"facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
}

func newSite(t *testing.T, change ...func(*Options)) *bench {
	return newBench(t, append(change, func(o *Options) { o.BaseURL = site })...)
}

// unfurl opens a page as Discord does, and reads its tags. They have to be in what such programs read of a page, and
// there without any script.
func (w *browser) unfurl(path string, header ...string) (got, tags) {
	w.b.t.Helper()
	g := w.get(path, append([]string{"Host", w.b.base.Host, "User-Agent", unfurlers[0]}, header...)...)
	return g, tagsIn(g.body[:min(len(g.body), 32<<10)])
}

// tags are a page's meta elements, by their name or property.
type tags map[string]string

func tagsIn(page string) tags {
	out := tags{}
	for z := html.NewTokenizer(strings.NewReader(page)); z.Next() != html.ErrorToken; {
		t, name := z.Token(), ""
		at := map[string]string{}
		for _, a := range t.Attr {
			at[a.Key] = a.Val
		}
		switch {
		case t.Data == "meta" && at["property"] != "":
			name = at["property"]
		case t.Data == "meta":
			name = at["name"]
		case t.Data == "link" && at["rel"] == "canonical":
			name, at["content"] = "canonical", at["href"]
		}
		if name != "" {
			out[name] += at["content"]
		}
	}
	return out
}

// card reads what a page's picture shows out of its address, and looks at what holds for every page with tags.
func (b *bench) card(t *testing.T, x tags) (c card.Card) {
	t.Helper()
	for _, name := range []string{
		"og:title", "og:description", "og:image", "og:image:alt", "og:locale", "og:site_name", "description",
	} {
		if x[name] == "" {
			t.Errorf("no %s in %v", name, x)
		}
	}
	for a, b := range map[string]string{
		"twitter:title": "og:title", "twitter:description": "og:description", "twitter:image": "og:image",
		"twitter:image:alt": "og:image:alt",
	} {
		if x[a] != x[b] {
			t.Errorf("%s is %q, and %s %q", a, x[a], b, x[b])
		}
	}
	if x["twitter:card"] != "summary_large_image" || x["og:image:width"] != "1200" || x["og:image:height"] != "630" ||
		x["og:image:type"] != "image/png" || x["og:type"] != "website" {
		t.Errorf("tags %v", x)
	}
	base := b.base.String()
	for _, name := range []string{"og:image", "og:url"} {
		if a := x[name]; a != "" && !strings.HasPrefix(a, base+"/") {
			t.Errorf("%s is %s", name, a)
		}
	}
	name := strings.TrimSuffix(strings.TrimPrefix(x["og:image"], base+pages.Card.Root()), ".png")
	if name+".png" == request.OwnPicture {
		return card.Own()
	}
	sealed, err := base64.RawURLEncoding.DecodeString(name)
	b.must(err)
	plain, err := b.o.Keys.Open(sealed, "card")
	b.must(err)
	b.must(json.Unmarshal(plain, &c))
	return c
}

const (
	previews = `{"link_previews":true}`
	named    = "Friday <draft>"
)

// TestCards says what the card of each link says, and what it doesn't, in every state that what it leads to can be in.
func TestCards(t *testing.T) {
	t.Parallel()
	type link struct {
		id   snowflake.ID
		code string
	}
	do := func(what ...room.Action) func(*bench, link) {
		return func(b *bench, l link) {
			for _, w := range what {
				b.do(l.id, w)
			}
		}
	}
	invited := func(l link) string { return pages.Invite.With(l.code) }
	ofRoom := func(l link) string { return pages.Room.With(l.id) }
	ofServer := func(link) string { return pages.Server.With(friends) }
	at := func(path string) func(link) string { return func(link) string { return path } }
	shown := func(b *bench, l link) { b.settings(previews) }
	public := func(b *bench, l link) { b.do(l.id, room.DoPublic); b.settings(previews) }
	gated := func(b *bench, l link) { public(b, l); b.gate(room.InviteLink{}) }
	end := func(b *bench, l link) { b.close(b.stored(l.id)) }
	revoke := func(b *bench, l link) {
		for _, v := range b.stored(l.id).Invites {
			call(b, hub.RevokeInvite, room.RevokeRequest{Actor: actor(owner), RoomID: l.id, InviteID: v.ID})
		}
	}
	const (
		own      = "Private voice rooms for Discord"
		invites  = "You’re invited to a voice room in Friends"
		headline = "Casual, at eight"
		isPublic = headline + " · A voice room in Friends"
		taken    = " · 2 of 4 seats taken"
		locked   = " · locked right now"
		about    = "Open a voice room on Discord, see who’s in, and let friends in with a link."
	)
	quiet := card.Card{Name: named, Place: "Friends", Seats: 4, Quiet: true}
	open := card.Card{Name: named, Place: "Friends", Seats: 4, Taken: 2}
	closed := func(c card.Card) card.Card { c.Closed = true; return c }
	for _, x := range []struct {
		name   string
		of     func(link) string
		is     func(*bench, link)
		viewer snowflake.ID // 0: nobody is signed in
		status int
		title  string
		about  string
		card   card.Card
	}{
		{"an invite to a private room", invited, do(), 0, 200, named, invites, quiet},
		{"an invite to a public room", invited, do(room.DoPublic), 0, 200, named, invites + taken, open},
		{"an invite to a locked room", invited, do(room.DoLock), 0, 200, named, invites + locked, closed(quiet)},
		{
			"an invite to a public room that is locked", invited, do(room.DoPublic, room.DoLock), 0, 200, named,
			invites + taken + locked, closed(open),
		},
		{"an invite to a hidden room", invited, do(room.DoPublic, room.DoHide), 0, 200, named, invites, quiet},
		{"an invite to a room behind a gate", invited, gated, 0, 200, named, invites, quiet},
		{"an invite to a closed room", invited, end, 0, 404, own, about, card.Own()},
		{"a revoked invite", invited, revoke, 0, 410, own, about, card.Own()},
		{
			"an expired invite", invited, func(b *bench, _ link) { b.clock.Forward(25 * time.Hour) }, 0, 410, own,
			about, card.Own(),
		},
		{
			"an unknown invite", at(pages.Invite.With(strings.Repeat("a", 26))), do(), 0, 400, own, about, card.Own(),
		},
		{
			"no invite", at(pages.Invite.With("nonsense")), do(), 0, 400, own, about, card.Own(),
		},
		{"an invite, for who is banned", invited, do(room.DoPublic), banned, 403, own, about, card.Own()},

		{"a public room", ofRoom, do(room.DoPublic), 0, 200, own, about, card.Own()},
		{"a public room that may be shown", ofRoom, public, 0, 200, named, isPublic + taken, open},
		{
			"a public room that may be shown, locked", ofRoom,
			func(b *bench, l link) { public(b, l); b.do(l.id, room.DoLock) }, 0, 200, named,
			isPublic + taken + locked, closed(open),
		},
		{"a private room where rooms may be shown", ofRoom, shown, 0, 200, own, about, card.Own()},
		{
			"a hidden room where rooms may be shown", ofRoom,
			func(b *bench, l link) { public(b, l); b.do(l.id, room.DoHide) }, 0, 200, own, about, card.Own(),
		},
		{"a room behind a gate", ofRoom, gated, 0, 200, own, about, card.Own()},
		{
			"a closed room", ofRoom, func(b *bench, l link) { public(b, l); end(b, l) }, 0, 200, own, about, card.Own(),
		},
		{"a public room, for who is banned", ofRoom, public, banned, 404, own, about, card.Own()},
		{"no room", at("/game/999"), shown, 0, 200, own, about, card.Own()},
		{"no id", at("/game/nonsense"), shown, 0, 200, own, about, card.Own()},

		{"a server", ofServer, do(), 0, 200, own, about, card.Own()},
		{
			"a server that may be shown", ofServer, shown, 0, 200, "Friends", "Voice rooms of Friends on Discord",
			card.Card{Name: "Friends", Quiet: true},
		},
		{"no server", at("/servers/999"), shown, 0, 200, own, about, card.Own()},
		{"another server", at("/servers/200"), shown, 0, 200, own, about, card.Own()},

		{"the first page", at("/"), do(), 0, 200, own, about, card.Own()},
		{"the status", at("/status"), do(), 0, 200, own, about, card.Own()},
		{
			"what is stored", at("/privacy"), do(), 0, 200, "Privacy",
			"What this Snug stores about people, for how long, and who sees it.", card.Own(),
		},
		{"no page", at("/nonsense"), do(), 0, 404, own, about, card.Own()},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			base := func(o *Options) { o.BaseURL = site }
			if x.viewer != 0 { // browsers keep cookies of https alone, and this one comes by http
				base = func(*Options) {}
			}
			b := newBench(t, base)
			r := b.room()
			b.sit(r.ID, owner, guest)
			l := link{r.ID, b.invite(r)}
			call(b, hub.ChangeRoom, room.ChangeRequest{
				Actor: actor(owner), RoomID: r.ID, Do: room.DoCard,
				Texts: map[string]string{"headline": headline, "note": "Ring twice", "link": "https://door.example/"},
			})
			x.is(b, l)
			w := b.browser("")
			if x.viewer != 0 {
				w = b.signedIn(x.viewer)
			}
			var g got
			var tags tags
			// the dashboard hears of changes a little later
			testkit.Eventually(t, "the card says "+x.about, func() bool {
				g, tags = w.unfurl(x.of(l))
				return tags["og:description"] == x.about
			})
			if g.status != x.status || tags["og:title"] != x.title {
				t.Errorf("%d %q", g.status, tags["og:title"])
			}
			if got := b.card(t, tags); got != x.card {
				t.Errorf("the picture shows %+v, want %+v", got, x.card)
			}
			all := strings.Join(slices.Collect(maps.Values(tags)), "\n")
			for _, u := range []snowflake.ID{owner, guest, banned} {
				if strings.Contains(all, "User "+u.String()) {
					t.Errorf("the tags name somebody: %s", all)
				}
			}
			for _, text := range []string{headline, "Ring twice", "door.example"} {
				if strings.Contains(g.body, text) && !strings.Contains(x.about, text) {
					t.Errorf("the page tells %q of the room's own card", text)
				}
			}
			if x.title == own && strings.Contains(g.body, html.EscapeString(named)) {
				t.Errorf("the page names the room: %s", g.text())
			}
			if x.title == own && x.viewer == 0 && strings.Contains(g.text(), "Friends") {
				t.Errorf("the page names the server: %s", g.text())
			}
		})
	}
}

// TestCardsLanguage: the tags are in the page's language.
func TestCardsLanguage(t *testing.T) {
	t.Parallel()
	b := newSite(t)
	r := b.room()
	path := pages.Invite.With(b.invite(r))
	for language, want := range map[string][2]string{
		"": {"en_US", "You’re invited to"}, "de": {"de_DE", "Du bist in einen Sprachraum auf Friends eingeladen"},
		"pt-BR": {"pt_BR", "Você foi convidado"}, "ja": {"ja_JP", "Friendsの通話ルーム"},
	} {
		_, x := b.browser("").unfurl(path, "Accept-Language", language)
		if x["og:locale"] != want[0] || !strings.Contains(x["og:description"], want[1]) {
			t.Errorf("%q: %s, %s", language, x["og:locale"], x["og:description"])
		}
	}
}

// TestUnfurlersChangeNothing: looking at links uses none up, signs nobody in, and is no event.
func TestUnfurlersChangeNothing(t *testing.T) {
	t.Parallel()
	b := newSite(t)
	r := b.room()
	b.do(r.ID, room.DoPublic)
	b.settings(previews)
	link := pages.Invite.With(b.invite(r))
	_, x := b.browser("").unfurl(link)
	type state struct {
		room   room.Room
		audit  int
		logins []string
	}
	now := func() (s state) {
		s.room = b.stored(r.ID)
		s.room.Outbox = nil // what is published leaves it with the next write, whoever looks meanwhile
		list, err := b.hub.Audit.Page(t.Context(), friends, 0, 0, 100)
		b.must(err)
		s.audit = len(list)
		s.logins, err = b.hub.Logins.Keys(t.Context(), "")
		b.must(err)
		return s
	}
	before := now()
	if before.audit == 0 {
		t.Fatal("what happened was not written down")
	}
	for _, agent := range unfurlers {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			for _, path := range []string{
				link, pages.Room.With(r.ID), pages.Server.With(friends), "/", "/robots.txt",
				strings.TrimPrefix(x["og:image"], site), pages.Card.With(request.OwnPicture),
			} {
				g := b.browser("").send(method, path, "", "", "Host", "snug.example", "User-Agent", agent)
				if g.status != http.StatusOK || g.header.Get("Set-Cookie") != "" ||
					(g.body == "") != (method == http.MethodHead) {
					t.Errorf("%s %s for %s: %d, cookies %q, %d bytes", method, path, agent, g.status,
						g.header.Values("Set-Cookie"), len(g.body))
				}
			}
		}
	}
	if after := now(); !reflect.DeepEqual(before, after) {
		t.Errorf("it was\n%+v\nand is\n%+v", before, after)
	}
}

func TestCardPictures(t *testing.T) {
	t.Parallel()
	b := newSite(t, func(o *Options) { o.Limits.Card = request.Limit{Every: time.Hour, Burst: 12} })
	r := b.room()
	w := b.browser("")
	code := b.invite(r)
	_, x := w.unfurl(pages.Invite.With(code))
	path := strings.TrimPrefix(x["og:image"], site)
	own := pages.Card.With(request.OwnPicture)
	etags := map[string]string{}
	for _, path := range []string{path, own} {
		g := w.get(path, "Host", "snug.example")
		p, err := png.DecodeConfig(bytes.NewReader([]byte(g.body)))
		if g.status != 200 || err != nil || p.Width != 1200 || p.Height != 630 || len(g.body) > 300_000 {
			t.Errorf("%s: %d, %d bytes, %d by %d, %v", path, g.status, len(g.body), p.Width, p.Height, err)
		}
		for name, want := range map[string]string{
			"Content-Type": "image/png", "Cache-Control": "public, max-age=604800", "Set-Cookie": "",
			"Cross-Origin-Resource-Policy": "cross-origin", "X-Robots-Tag": "noindex", "Content-Encoding": "",
		} {
			if got := g.header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		tag := g.header.Get("ETag")
		etags[tag] = path
		if again := w.get(path, "Host", "snug.example", "If-None-Match", tag); again.status != 304 || again.body != "" {
			t.Errorf("%s again: %d, %d bytes", path, again.status, len(again.body))
		}
	}
	if len(etags) != 2 {
		t.Errorf("tags %v", etags)
	}
	// the address says neither who, nor where, nor by which link
	for _, secret := range []string{r.ID.String(), code, named, "Friends"} {
		raw, _ := base64.RawURLEncoding.DecodeString(strings.TrimSuffix(strings.TrimPrefix(path, "/card/"), ".png"))
		if strings.Contains(path, secret) || bytes.Contains(raw, []byte(secret)) {
			t.Errorf("%s is in the address", secret)
		}
	}
	forged := "/card/" + base64.RawURLEncoding.EncodeToString([]byte(`{"n":"Buy now"}`)) + ".png"
	for _, bad := range []string{
		"/card/x.png", "/card/snug.jpg", forged, path[:len(path)-9] + "AAAAA.png", strings.TrimSuffix(path, ".png"),
		"/card/" + strings.Repeat("A", 4000) + ".png",
	} {
		if g := w.get(bad, "Host", "snug.example"); g.status != 404 || strings.HasPrefix(g.body, "\x89PNG") {
			t.Errorf("%s: %d", bad, g.status)
		}
	}
	for range 2 {
		w.get(own, "Host", "snug.example")
	}
	if g := w.get(own, "Host", "snug.example"); g.status != 429 || g.header.Get("Retry-After") == "" {
		t.Errorf("asked too often: %d", g.status)
	}
	if g := w.get("/", "Host", "snug.example"); g.status != 200 {
		t.Errorf("the limit of pictures holds for pages: %d", g.status)
	}
}

// TestWhatMayBeFound: search engines may list the pages that are for everybody, under one address, and no others.
func TestWhatMayBeFound(t *testing.T) {
	t.Parallel()
	b := newSite(t)
	id := b.room().ID.String()
	found := map[string]string{
		"/": site + "/", "/api": site + "/api", "/privacy": site + "/privacy", "/terms": site + "/terms",
	}
	for _, r := range b.Routes() {
		if r.Method != http.MethodGet || r.Path == request.LivePath {
			continue
		}
		path := strings.NewReplacer(":guild", friends.String(), ":channel", id, ":code", "nonsense", ":picture",
			request.OwnPicture, "*path", "x", ":id", "x", ":hook", "x", ":message", "x", ":user", "1").Replace(r.Path)
		g, x := b.browser("").unfurl(path)
		canonical, may := found[r.Path]
		if (g.header.Get("X-Robots-Tag") == "") != may || (x["robots"] == "") != may && x["og:title"] != "" ||
			x["canonical"] != canonical || may && x["og:url"] != canonical {
			t.Errorf("%s: %q, %q, at %q", path, g.header.Get("X-Robots-Tag"), x["robots"], x["canonical"])
		}
		delete(found, r.Path)
	}
	if len(found) > 0 {
		t.Errorf("never seen: %v", found)
	}
	// what is not there, and somebody's own first page, is nobody's to find
	for path, w := range map[string]*browser{"/nonsense": b.browser(""), "/": newBench(t).signedIn(owner)} {
		if g, x := w.unfurl(path); g.header.Get("X-Robots-Tag") != "noindex" || x["robots"] != "noindex" {
			t.Errorf("%s: %q", path, g.header.Get("X-Robots-Tag"))
		}
	}
	// robots.txt keeps nobody from a page with a card, nor from its picture
	rules := b.browser("").get("/robots.txt", "Host", "snug.example").body
	for line := range strings.Lines(rules) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "Disallow: "); ok {
			for _, path := range []string{
				"/", "/i/x", "/game/1", "/servers/1", "/watch/1", "/card/x.png", "/api", "/privacy",
			} {
				if strings.HasPrefix(path, rest) {
					t.Errorf("%s is kept from unfurlers", path)
				}
			}
		}
	}
}

// TestStrangersAndPeople: a browser that a person opens a page with leads to signing in; whatever it calls itself, what
// makes cards is never led there.
func TestStrangersAndPeople(t *testing.T) {
	t.Parallel()
	b := newSite(t)
	ended := base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	for _, x := range []struct {
		name   string
		header []string
		status int
	}{
		{"a person", navigates, 303},
		{"a person who was signed in", []string{"Cookie", b.cookies.Name() + "=" + ended}, 303},
		{"a program", nil, 200},
		{"a phone's preview", append([]string{"User-Agent", "Safari Facebot Twitterbot/1.0"}, navigates...), 200},
		{"a script", []string{"Accept", "application/json"}, 401},
	} {
		for _, path := range []string{"/game/999", "/servers/100"} {
			h := append([]string{"Host", "snug.example"}, x.header...)
			g := b.browser("").send("GET", path, "", "", h...)
			if g.status != x.status {
				t.Errorf("%s, %s: %d", x.name, path, g.status)
			}
			to := `href="/login?return_to=` + url.QueryEscape(path) + `"`
			if x.status == 200 && !strings.Contains(g.body, to) {
				t.Errorf("%s, %s: no way to sign in: %s", x.name, path, g.text())
			}
		}
	}
}
