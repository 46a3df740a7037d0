package view_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"golang.org/x/net/html"

	"snug/dashboard/view"
	"snug/dashboard/view/fixtures"
	"snug/shared/errs"
	"snug/shared/room"
	"snug/shared/text"
	"snug/static"
	"snug/templates"
)

func render(t testing.TB, e *view.Engine, p view.Page) (*html.Node, string) {
	t.Helper()
	w := httptest.NewRecorder()
	if err := e.Render(w, 200, p); err != nil {
		t.Fatal(err)
	}
	doc, err := html.ParseWithOptions(bytes.NewReader(w.Body.Bytes()), html.ParseOptionEnableScripting(false))
	if err != nil {
		t.Fatal(err)
	}
	return doc, w.Body.String()
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func hasAttr(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data + " ") // elements stand apart, as they do on the screen
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// within says whether an element is in one of a kind: in a "template", it isn't part of the page.
func within(n *html.Node, kind string) bool {
	for p := range n.Ancestors() {
		if p.Data == kind {
			return true
		}
	}
	return false
}

// TestPages holds every page to what pages have to be, whatever they show.
func TestPages(t *testing.T) {
	e := newEngine(t)
	for _, f := range fixtures.All() {
		t.Run(f.Name, func(t *testing.T) {
			doc, _ := render(t, e, f.Page)
			ids, h1, level := map[string]int{}, 0, 0
			var refs, labelled []string
			for n := range doc.Descendants() {
				if n.Type != html.ElementNode {
					continue
				}
				checkSafe(t, n)
				if n.Data == "noscript" && within(n, "noscript") {
					t.Error("a noscript is within another, which ends with it where scripts run")
				}
				if id := attr(n, "id"); id != "" {
					ids[id]++
				}
				for _, a := range []string{"aria-labelledby", "aria-describedby", "popovertarget", "data-dialog"} {
					refs = append(refs, strings.Fields(attr(n, a))...)
				}
				if n.Data == "use" {
					refs = append(refs, strings.TrimPrefix(attr(n, "href"), "#"))
				}
				if n.Data == "label" && attr(n, "for") != "" {
					labelled = append(labelled, attr(n, "for"))
				}
				if len(n.Data) == 2 && n.Data[0] == 'h' && n.Data[1] >= '1' && n.Data[1] <= '6' && !inDialog(n) {
					now := int(n.Data[1] - '0')
					if now == 1 {
						h1++
					}
					if now > level+1 {
						t.Errorf("heading %q: h%d follows h%d", textOf(n), now, level)
					}
					level = now
				}
			}
			if h1 != 1 {
				t.Errorf("%d first headings, want one", h1)
			}
			for id, n := range ids {
				if n > 1 {
					t.Errorf("id %q is there %d times", id, n)
				}
			}
			for _, r := range append(refs, labelled...) {
				if ids[r] == 0 {
					t.Errorf("something refers to id %q, which is not there", r)
				}
			}
			checkNames(t, doc, labelled)
		})
	}
}

// checkSafe: nothing that the Content-Security-Policy would refuse.
func checkSafe(t *testing.T, n *html.Node) {
	t.Helper()
	if n.Data == "style" || hasAttr(n, "style") {
		t.Errorf("<%s> has style of its own", n.Data)
	}
	if n.Data == "script" && attr(n, "src") == "" && attr(n, "type") != "application/json" {
		t.Error("an inline script")
	}
	for _, a := range n.Attr {
		if strings.HasPrefix(a.Key, "on") || strings.HasPrefix(strings.TrimSpace(a.Val), "javascript:") {
			t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
		}
		if a.Val == "#ZgotmplZ" {
			t.Errorf("<%s %s>: the value was refused as unsafe", n.Data, a.Key)
		}
	}
}

// checkNames: whatever is pressed, filled in or looked at has a name.
func checkNames(t *testing.T, doc *html.Node, labelled []string) {
	t.Helper()
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || within(n, "template") {
			continue
		}
		switch n.Data {
		case "input", "select", "textarea":
			if attr(n, "type") == "hidden" || attr(n, "aria-label") != "" || slices.Contains(labelled, attr(n, "id")) {
				continue
			}
			wrapped := false
			for p := range n.Ancestors() {
				wrapped = wrapped || p.Data == "label"
			}
			if !wrapped {
				t.Errorf("<%s name=%q> has no label", n.Data, attr(n, "name"))
			}
		case "button", "a", "summary":
			if textOf(n) == "" && attr(n, "aria-label") == "" {
				t.Errorf("<%s> has no name", n.Data)
			}
		case "img":
			if !hasAttr(n, "alt") {
				t.Error("<img> without alt")
			}
		case "dialog":
			if attr(n, "aria-labelledby") == "" {
				t.Errorf("dialog %q has no name", attr(n, "id"))
			}
		case "form":
			if m := attr(n, "method"); m != "post" && m != "get" || !strings.HasPrefix(attr(n, "action"), "/") {
				t.Errorf("form to %q by %q", attr(n, "action"), attr(n, "method"))
			}
		}
	}
}

func inDialog(n *html.Node) bool {
	for p := range n.Ancestors() {
		if p.Data == "dialog" {
			return true
		}
	}
	return false
}

func find(doc *html.Node, id string) *html.Node {
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && attr(n, "id") == id {
			return n
		}
	}
	return nil
}

// Guests have their picture also while they are not in voice, and so have who waits and who is banned.
func TestPeopleHaveTheirPictures(t *testing.T) {
	p := fixtures.RoomPage(4, 1)
	const hash = "a_1269e74af4df7417b13759eae50c83dc"
	c := p.View.Control
	c.Guests[0].Avatar = hash
	c.Waiting, c.Bans = []room.Waiter{
		{UserID: 1 << 40, Name: "Wanda", Avatar: hash},
	}, []room.Ban{{UserID: 2 << 40, Name: "Bert", Avatar: hash}}
	doc, _ := render(t, newEngine(t), p)
	var pictures []string
	for n := range find(doc, "control").Descendants() {
		if n.Data == "img" {
			pictures = append(pictures, attr(n, "src"))
		}
	}
	pictures = slices.Compact(pictures) // a guest has theirs in the question about them, too
	for i, who := range []snowflake.ID{c.Guests[0].UserID, c.Waiting[0].UserID, c.Bans[0].UserID} {
		if len(pictures) != 3 || !strings.Contains(pictures[i], "/avatars/"+who.String()+"/"+hash) {
			t.Errorf("pictures %v, not one of %d", pictures, who)
		}
	}
}

// Who sits keeps their seat when the page is loaded again: free ones stay where they are.
func TestRoomPageKeepsSeats(t *testing.T) {
	p := fixtures.RoomPage(4, 2)
	p.View.Roster[0].Seat, p.View.Roster[1].Seat = 4, 2
	p.View.Room.Seats = 5
	p.View.Room.Held = []time.Time{p.Now.Add(time.Minute), p.Now.Add(2 * time.Minute)}
	p.View.Holders = []room.Holder{{UserID: 8 << 40, Name: "Priya", Until: p.View.Room.Held[1]}}
	doc, _ := render(t, newEngine(t), p)
	var text []string
	for n := range find(doc, "seats").ChildNodes() {
		text = append(text, textOf(n))
	}
	if want := []string{
		"Seat held held 1:00", "J Jonas muted", "P Priya held 2:00", "M Mara owner · you", "Free seat",
	}; !slices.Equal(text, want) {
		t.Errorf("seats say %q, want %q", text, want)
	}
}

// Who opened a room did so also after somebody else owns it.
func TestRoomPageNamesWhoOpenedIt(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*view.Room)
		want   string
	}{
		"its owner": {func(*view.Room) {}, "opened by Mara 42 min ago"},
		"handed over": {func(p *view.Room) {
			p.View.Room.Access.OwnerID, p.OwnerName = p.View.Roster[1].UserID, "Jonas"
		}, "opened by Mara 42 min ago now owned by Jonas"},
		"nobody knows any more": {
			func(p *view.Room) { p.View.Room.OpenedBy, p.View.Room.OpenedName = 0, "" },
			"opened 42 min ago now owned by Mara",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := fixtures.RoomPage(4, 2)
			c.change(p)
			doc, _ := render(t, newEngine(t), p)
			var facts string
			for n := range doc.Descendants() {
				if strings.Contains(attr(n, "class"), "sub facts") {
					facts = textOf(n)
				}
			}
			if !strings.HasSuffix(strings.TrimSpace(facts), c.want) {
				t.Errorf("it says %q", facts)
			}
		})
	}
}

func TestRoomPageShowsItsPeopleWithoutScripts(t *testing.T) {
	p := fixtures.RoomPage(4, 3)
	p.View.Roster[1].Avatar = "a_1269e74af4df7417b13759eae50c83dc"
	p.View.Roster = append(p.View.Roster, room.Person{UserID: 9 << 22, DisplayName: "Groovy", Bot: true})
	doc, _ := render(t, newEngine(t), p)
	var kinds, users, text []string
	for n := range find(doc, "seats").ChildNodes() {
		kinds, users, text = append(kinds,
			attr(n, "class")), append(users, attr(n, "data-user")), append(text, textOf(n))
	}
	if want := []string{"seat on", "seat on", "seat on", "seat empty"}; !slices.Equal(kinds, want) {
		t.Errorf("seats %v, want %v", kinds, want)
	}
	if want := []string{
		"M Mara owner · you", "J Jonas muted", "K Kiyo streaming", "Free seat",
	}; !slices.Equal(text, want) {
		t.Errorf("seats say %q, want %q", text, want)
	}
	if users[1] != p.View.Roster[1].UserID.String() {
		t.Errorf("the second seat is %q's", users[1])
	}
	if textOf(find(doc, "taken")) != "3" || textOf(find(doc, "total")) != "4" {
		t.Error("the table counts wrong")
	}
	if !strings.Contains(textOf(find(doc, "bots")), "Groovy") {
		t.Error("the bot is not named")
	}
	img := ""
	for n := range find(doc, "seats").Descendants() {
		if n.Data == "img" {
			img = attr(n, "src")
		}
	}
	if want := view.DiscordCDN + "/avatars/" + users[1] +
		"/a_1269e74af4df7417b13759eae50c83dc.png?size=128"; img != want {
		t.Errorf("avatar from %q, want %q", img, want)
	}
}

func TestStateIsTheLiveProtocols(t *testing.T) {
	doc, _ := render(t, newEngine(t), fixtures.RoomPage(4, 1))
	var s struct {
		Me, Guild, Room string
		IdleTimeout     int64 `json:"idle_timeout_ms"`
		Rooms           []struct {
			Event   string
			Rev     view.Rev
			Payload struct {
				ChannelID, Name string
				Seats           int
				Roster          []struct{ UserID, DisplayName string }
			}
		}
	}
	if err := json.Unmarshal([]byte(find(doc, "state").FirstChild.Data), &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Rooms) != 1 || s.Rooms[0].Event != "room.snapshot" || s.Rooms[0].Rev != (view.Rev{Epoch: "k3J9", N: 7}) {
		t.Fatalf("state %+v", s)
	}
	if p := s.Rooms[0].Payload; p.Seats != 4 || len(p.Roster) != 1 || p.Roster[0].UserID != s.Me ||
		s.IdleTimeout != 3_600_000 {
		t.Errorf("state %+v", s)
	}
}

// TestHostileNames: what people call themselves and their rooms stays text.
func TestHostileNames(t *testing.T) {
	const bad = `"><script>alert(1)</script><img src=x onerror=alert(1)>{{.}}</script>`
	p := fixtures.RoomPage(4, 1)
	p.Title, p.View.Room.Name, p.View.Roster[0].DisplayName = bad, bad, bad
	p.OwnerName, p.Me.Name, p.Guild.Name = bad, bad, bad
	p.View.Roster[0].Avatar = `../../x"onload="y`
	p.Notice = &view.Notice{Text: bad, Action: &view.Action{Label: bad, URL: "javascript:alert(1)"}}
	doc, _ := render(t, newEngine(t), p)
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if n.Data == "script" && attr(n, "src") == "" && attr(n, "type") != "application/json" {
			t.Error("a script got in")
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Val, "javascript:") {
				t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
			}
		}
	}
	if got := textOf(find(doc, "room-h")); got != strings.Join(strings.Fields(bad), " ") {
		t.Errorf("the room is called %q", got)
	}
}

func TestInvitePage(t *testing.T) {
	all := map[string]view.Page{}
	for _, f := range fixtures.All() {
		all[f.Name] = f.Page
	}
	doc, _ := render(t, newEngine(t), all["invite"])
	found := false
	code := all["invite"].(*view.InviteLanding).Code
	for n := range doc.Descendants() {
		found = found || n.Data == "form" && attr(n, "action") == "/i/"+code && attr(n, "method") == "post"
		if strings.Contains(attr(n, "href"), code) {
			t.Errorf("the code leaks into %q", attr(n, "href"))
		}
	}
	if !found {
		t.Error("no form that posts to the link")
	}
}

func TestMessagesBesideTheirFields(t *testing.T) {
	all := map[string]view.Page{}
	for _, f := range fixtures.All() {
		all[f.Name] = f.Page
	}
	for name, id := range map[string]string{"admin-wrong": "f-idle_timeout", "server-wrong": "c-seats"} {
		doc, _ := render(t, newEngine(t), all[name])
		input := find(doc, id)
		if attr(input, "aria-invalid") != "true" ||
			!slices.Contains(strings.Fields(attr(input, "aria-describedby")), id+"-error") {
			t.Errorf("%s: %s does not say that it is wrong", name, id)
		}
		if textOf(find(doc, id+"-error")) == "" {
			t.Errorf("%s: no message beside %s", name, id)
		}
	}
	p := fixtures.RoomPage(4, 1)
	p.Notice = view.NoticeOf(text.Texts{},
		errs.E(errs.RoomFull, "Every seat is taken.").Because(errs.E(errs.Internal, "secret")))
	if _, body := render(t, newEngine(t), p); !strings.Contains(body, "Every seat is taken.") ||
		strings.Contains(body, "secret") {
		t.Error("a notice says too little or too much")
	}
}

// TestFirstLoad: everything a room page needs before it is live, as it goes over the wire to a browser: the page with
// gzip, and files with brotli.
func TestFirstLoad(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	serve := func(name string) int {
		path, err := e.Asset(name)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Accept-Encoding", "gzip, deflate, br, zstd")
		w := httptest.NewRecorder()
		e.StaticHandler().ServeHTTP(w, r)
		return w.Body.Len()
	}
	_, body := render(t, e, fixtures.RoomPage(8, 7))
	total, seen := zipped(t, []byte(body)), map[string]bool{}
	var load func(string)
	load = func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		b, err := fs.ReadFile(static.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		serve(name)
		for _, m := range regexp.MustCompile(`from "\./([a-z]+\.js)"`).FindAllSubmatch(b, -1) {
			load("js/" + string(m[1]))
		}
	}
	for _, m := range regexp.MustCompile(`/static/[0-9a-f]+/([a-z/]+\.[a-z]+)"`).FindAllStringSubmatch(body, -1) {
		load(m[1])
	}
	for _, name := range []string{
		"css/snug.css", "js/room.js", "js/live.js", "js/ui.js", "js/seats.js", "img/mark.svg",
	} {
		if !seen[name] {
			t.Errorf("the room page does not load %s", name)
		}
	}
	e.Close() // then all are compressed
	for name := range seen {
		total += serve(name)
	}
	t.Logf("%d bytes in %d files and the page", total, len(seen))
	if total > 40_000 {
		t.Errorf("a room page's first load is %d bytes; keep it under 40,000 (60,000 with avatars)", total)
	}
}

func zipped(t *testing.T, b []byte) int {
	t.Helper()
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return z.Len()
}

// TestEveryMessageIsThere: what templates and scripts say by name can be said.
func TestEveryMessageIsThere(t *testing.T) {
	said := regexp.MustCompile(`\bt(?:h)?[ (]\(?"([a-z][a-z-]*\.[\w.-]*\w)"`)
	texts := newEngine(t).Texts("en", "")
	n := 0
	for _, fsys := range []fs.FS{templates.FS, static.FS} {
		err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := fs.ReadFile(fsys, name)
			for _, m := range said.FindAllSubmatch(b, -1) {
				if n++; !texts.Has(string(m[1])) {
					t.Errorf("%s says %q, which has no words", name, m[1])
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n < 150 {
		t.Errorf("only %d messages were found", n)
	}
}
