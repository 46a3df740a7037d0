package view_test

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/andybalholm/brotli"

	"snug/dashboard/view"
	"snug/dashboard/view/fixtures"
	"snug/shared/invite"
	"snug/static"
	"snug/templates"
)

// without gives a copy of the templates with some replaced; an empty text leaves the file out.
func without(t *testing.T, replace map[string]string) fs.FS {
	t.Helper()
	out := fstest.MapFS{}
	err := fs.WalkDir(templates.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(templates.FS, name)
		if text, ok := replace[name]; ok {
			b = []byte(text)
		}
		if len(b) > 0 {
			out[name] = &fstest.MapFile{Data: b}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestNewFailsAtStart(t *testing.T) {
	t.Parallel()
	words, err := theTexts()
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		replace map[string]string
		want    string
	}{
		"a page is missing":    {map[string]string{"room.html": ""}, "room"},
		"a partial is missing": {map[string]string{"partials/seats.html": ""}, "seats"},
		"a page calls what is nowhere": {
			map[string]string{"message.html": `{{define "main"}}{{if .Me}}{{template "chairs" .}}{{end}}{{end}}`},
			`"chairs" (used in main)`,
		},
		"a page has no main": {
			map[string]string{"message.html": `{{define "other"}}{{end}}`}, `"main" (used in layout.html)`,
		},
		"a function is nowhere": {map[string]string{"admin.html": `{{define "main"}}{{whistle}}{{end}}`}, "whistle"},
		"it does not parse":     {map[string]string{"home.html": `{{define "main"}}{{if}}{{end}}`}, "home"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := view.New(view.Config{Templates: without(t, tc.replace), Static: static.FS, Text: words})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error about %q", err, tc.want)
			}
		})
	}
	if _, err := view.New(view.Config{
		Templates: templates.FS, Static: fstest.MapFS{"x.unknown": {Data: []byte("x")}},
	}); err == nil {
		t.Error("a static file of unknown type was taken")
	}
}

func TestRenderWritesAllOrNothing(t *testing.T) {
	t.Parallel()
	broken := without(t, map[string]string{"message.html": `{{define "main"}}begun {{asset "no/such.css"}}{{end}}`})
	words, err := theTexts()
	if err != nil {
		t.Fatal(err)
	}
	e, err := view.New(view.Config{Templates: broken, Static: static.FS, Text: words})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if err := e.Render(w, http.StatusOK, &view.Message{}); err == nil {
		t.Error("a page with a file that does not exist was rendered")
	}
	if w.Body.Len() > 0 || len(w.Header()) > 0 {
		t.Errorf("something was written: %q %v", w.Body, w.Header())
	}
	w = httptest.NewRecorder()
	if err := newEngine(t).Render(w, http.StatusNotFound,
		&view.Message{Layout: view.Layout{Title: "Gone", Theme: "light", Path: "/servers/1?x=2"}}); err != nil {
		t.Fatal(err)
	}
	if w.Code != http.StatusNotFound || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("answered %d %v", w.Code, w.Header())
	}
	for _, want := range []string{
		`data-theme="light"`, "<title>Gone · Snug</title>", `href="/login?return_to=%2Fservers%2F1%3Fx%3D2"`,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

type brokenPipe struct{ http.ResponseWriter }

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestRenderTellsWhenNobodyListens(t *testing.T) {
	if err := newEngine(t).Render(brokenPipe{httptest.NewRecorder()}, 200,
		fixtures.RoomPage(4, 1)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}

func TestStaticFiles(t *testing.T) {
	e := newEngine(t)
	h := e.StaticHandler()
	path, err := e.Asset("js/live.js")
	if err != nil {
		t.Fatal(err)
	}
	want, err := fs.ReadFile(static.FS, "js/live.js")
	if err != nil {
		t.Fatal(err)
	}
	get := func(method, path string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, nil)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}

	w := get("GET", path)
	if w.Code != 200 || w.Body.String() != string(want) ||
		!strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("plain: %d %v", w.Code, w.Header())
	}
	if w.Header().Get("Content-Type") != "text/javascript; charset=utf-8" ||
		w.Header().Get("Vary") != "Accept-Encoding" {
		t.Errorf("plain: %v", w.Header())
	}
	w = get("GET", path, "Accept-Encoding", "br;q=0.5, gzip;q=0.8")
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || string(got) != string(want) {
		t.Errorf("compressed: %v, %d bytes", err, len(got))
	}
	if w = get("GET", path, "Accept-Encoding", "gzip", "If-None-Match", w.Header().Get("ETag")); w.Code != 304 ||
		w.Body.Len() > 0 {
		t.Errorf("known: %d", w.Code)
	}
	if w = get("GET", path, "Accept-Encoding", "gzip;q=0"); w.Header().Get("Content-Encoding") != "" {
		t.Error("compressed for who does not want it")
	}
	get("GET", path, "Accept-Encoding", "gzip, br") // gets gzip, and has brotli made
	e.Close()
	sizes, tags := map[string]int{}, map[string]string{}
	for _, x := range []struct{ accept, want string }{
		{"gzip, deflate, br, zstd", "br"}, {"br", "br"}, {"BR;q=1.0,gzip;q=1.0", "br"}, {"*", "br"},
		{"gzip", "gzip"}, {"br;q=0, gzip", "gzip"}, {"br;q=0.1, gzip;q=0.2", "gzip"}, {"*;q=0.5, br;q=0", "gzip"},
		{"br;q=high, gzip", "gzip"}, {"identity;q=0.5, gzip;q=0.5, br;q=0.2", "gzip"},
		{"", ""}, {"identity", ""}, {"zstd", ""}, {"gzip;q=0, br;q=0.000", ""}, {"identity;q=1, br;q=0.5", ""},
		{"*;q=0", ""},
	} {
		w := get("GET", path, "Accept-Encoding", x.accept)
		if got := w.Header().Get("Content-Encoding"); w.Code != 200 || got != x.want {
			t.Errorf("%q: %d in %q, want %q", x.accept, w.Code, got, x.want)
		}
		if w.Header().Get("Vary") != "Accept-Encoding" ||
			w.Header().Get("Content-Length") != strconv.Itoa(w.Body.Len()) {
			t.Errorf("%q: %v", x.accept, w.Header())
		}
		sizes[x.want], tags[x.want] = w.Body.Len(), w.Header().Get("ETag")
		if x.want != "br" {
			continue
		}
		if got, err := io.ReadAll(brotli.NewReader(w.Body)); err != nil || string(got) != string(want) {
			t.Errorf("%q: %v, %d bytes", x.accept, err, len(got))
		}
	}
	if sizes["br"] >= sizes["gzip"] || sizes["gzip"] >= sizes[""] || tags["br"] == tags["gzip"] ||
		tags["br"] == tags[""] {
		t.Errorf("sizes %v, tags %v", sizes, tags)
	}
	for coding, tag := range tags { // a part of a coding, and only of the one that is known
		w := get("GET", path, "Accept-Encoding", coding, "Range", "bytes=10-19", "If-Range", tag)
		if w.Code != 206 || w.Body.Len() != 10 || w.Header().Get("Content-Encoding") != coding ||
			w.Header().Get("Content-Range") != fmt.Sprintf("bytes 10-19/%d", sizes[coding]) {
			t.Errorf("a part in %q: %d %v", coding, w.Code, w.Header())
		}
		w = get("GET", path, "Accept-Encoding", coding, "Range", "bytes=10-19", "If-Range", `"other"`)
		if w.Code != 200 {
			t.Errorf("a part of another coding than %q: %d", coding, w.Code)
		}
		if w = get("GET", path, "Accept-Encoding", coding, "If-None-Match", `"other", W/`+tag); w.Code != 304 {
			t.Errorf("one of several that are known, in %q: %d", coding, w.Code)
		}
	}
	if w = get("HEAD", path); w.Code != 200 || w.Body.Len() > 0 {
		t.Errorf("HEAD: %d with %d bytes", w.Code, w.Body.Len())
	}
	// A page of another release finds the file as it is now, and does not keep it.
	if w = get("GET", view.StaticPrefix+"0123456789abcdef/js/live.js"); w.Code != 200 ||
		strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("another release: %d %v", w.Code, w.Header())
	}
	for _, path := range []string{
		"/static/", path + "x", "/static/x/embed.go", "/static/x/../js/live.js",
		strings.Replace(path, "js/live.js", "", 1),
	} {
		if w = get("GET", path); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w = get("POST", path); w.Code != 404 {
		t.Errorf("POST: %d", w.Code)
	}
	if _, err := e.Asset("js/none.js"); err == nil {
		t.Error("a file that does not exist has a path")
	}
	if e.CDN() != "https://cdn.discordapp.com" {
		t.Errorf("CDN is %q", e.CDN())
	}
}

func TestThemeOf(t *testing.T) {
	for in, want := range map[string]string{"dark": "dark", "light": "light", "": "", `"><script>`: ""} {
		if got := view.ThemeOf(in); got != want {
			t.Errorf("%q gives %q", in, got)
		}
	}
}

func TestQR(t *testing.T) {
	svg, err := view.QR("https://snug.example/game/1?t=abc")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(svg), `<svg class="qr" viewBox="0 0 `) ||
		strings.Contains(string(svg), "snug.example") {
		t.Errorf("drew %.80s", svg)
	}
	// 29 modules are version 3, and 8 are the margin: at 120 px each is 3 px wide. Version 5 has 37.
	for link, modules := range map[string]string{
		fixtures.RoomPage(4, 0).Invites[0].URL:                                         "37",
		"https://rooms.a-rather-long-community-name.example.com/i/" + invite.NewCode(): "45",
	} {
		if svg, err := view.QR(link); err != nil || !strings.Contains(string(svg), `viewBox="0 0 `+modules+` `) {
			t.Errorf("%s: %v %.60s", link, err, svg)
		}
	}
	if _, err := view.QR(strings.Repeat("x", 4000)); err == nil {
		t.Error("a text too long for a code was drawn")
	}
	start := time.Now()
	for range 20 {
		if _, err := view.QR(fixtures.RoomPage(4, 0).Invites[0].URL); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%v a code", time.Since(start)/20)
}
