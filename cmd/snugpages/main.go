// Command snugpages shows every page and dialog of the dashboard in every state
// that is designed, from fixtures: for who designs them. It needs no Discord,
// no account and no data, and serves loopback addresses alone.
//
//	go run ./cmd/snugpages --addr 127.0.0.1:8090
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gorilla/websocket"

	"snug/dashboard/view"
	"snug/dashboard/view/fixtures"
	"snug/shared/protocol"
	"snug/static"
	"snug/templates"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("snugpages", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:8090", "where to serve; a loopback address")
	if err := flags.Parse(args); err != nil {
		return err
	}
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		return fmt.Errorf("cannot listen at %s: %w; choose another address with --addr", *addr, err)
	}
	if a, ok := l.Addr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
		return errors.Join(fmt.Errorf("%s is not a loopback address; use one like 127.0.0.1:8090", *addr), l.Close())
	}
	h, err := pages()
	if err != nil {
		return errors.Join(err, l.Close())
	}
	fmt.Fprintf(out, "All pages: http://%s/\n", l.Addr())
	s := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	stopped := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stopped()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// pages serves the list at /, each fixture at /{name}, and what their scripts ask for.
func pages() (http.Handler, error) {
	e, err := view.New(view.Config{Templates: templates.FS, Static: static.FS, Version: "pages"})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+view.StaticPrefix, e.StaticHandler())
	var mu sync.Mutex // a request sets the page's language and theme
	for _, f := range fixtures.All() {
		mux.HandleFunc("GET /"+f.Name, func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			show(e, w, r, f)
		})
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { list(e, w) })
	mux.HandleFunc("POST /language",
		func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusSeeOther) })
	token := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"token":"pages"}`) // the client may be gone
	}
	mux.HandleFunc("POST /api/v1/live-token", token)
	mux.HandleFunc("POST /watch/", token)
	mux.HandleFunc("GET /api/ws", quiet)
	return mux, nil
}

// show renders a fixture, with ?lang= a language, ?theme= dark or light, and ?open= a dialog that is open.
func show(e *view.Engine, w http.ResponseWriter, r *http.Request, f fixtures.Fixture) {
	q := r.URL.Query()
	l := view.LayoutOf(f.Page)
	l.Text, l.Theme = e.Texts(q.Get("lang"), r.Header.Get("Accept-Language")), view.ThemeOf(q.Get("theme"))
	rec := httptest.NewRecorder()
	if err := e.Render(rec, f.Status, f.Page); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	page := rec.Body.String()
	if id := q.Get("open"); dialogID.MatchString(id) {
		page += `<script>addEventListener("load", () => { const d = document.getElementById("` + id +
			`"); d.showModal ? d.showModal() : (d.hidden = false); });</script>`
	}
	// The page's connection says by this cookie which page it is: quiet reads it.
	http.SetCookie(w, &http.Cookie{Name: shown, Value: f.Name, Path: "/", SameSite: http.SameSiteStrictMode})
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(f.Status)
	_, _ = io.WriteString(w, page) // the client may be gone
}

// shown is the cookie that names the fixture shown last.
const shown = "fixture"

var (
	dialogID = regexp.MustCompile(`^[\w-]+$`)
	dialog   = regexp.MustCompile(`(?:<dialog class="dlg"|<div class="toast") id="([\w-]+)"`)
)

// list links every page and dialog, in both themes and every language.
func list(e *view.Engine, w http.ResponseWriter) {
	var b strings.Builder
	css, err := e.Asset("css/snug.css")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(&b,
		`<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">`+
			`<title>Pages · Snug</title><link rel="stylesheet" href="%s"><body><main><h1>Every page</h1><ul>`,
		css)
	links := func(name, query string) {
		fmt.Fprintf(&b, `<li><a href="/%s?%s">%s</a> `, name, query,
			strings.TrimPrefix(name+" "+strings.TrimPrefix(query, "open="), " "))
		for _, theme := range []string{"dark", "light"} {
			fmt.Fprintf(&b, `· <a href="/%s?%s&theme=%s">%s</a> `, name, query, theme, theme)
		}
		for _, l := range e.Languages() {
			fmt.Fprintf(&b, `· <a href="/%s?%s&lang=%s">%s</a> `, name, query, l.Code, l.Code)
		}
	}
	for _, f := range fixtures.All() {
		links(f.Name, "")
	}
	rec := httptest.NewRecorder()
	if err := e.Render(rec, http.StatusOK, fixtures.RoomPage(4, 3)); err == nil {
		for _, m := range dialog.FindAllStringSubmatch(rec.Body.String(), -1) {
			links("room-three", "open="+m[1])
		}
	}
	b.WriteString(`</ul></main></body></html>`)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, b.String()) // the client may be gone
}

// quiet is a live connection without events. Where a page is about a Discord that isn't heard, it says that too.
func quiet(w http.ResponseWriter, r *http.Request) {
	ws, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has responded
	}
	defer func() { _ = ws.Close() }()
	if _, _, err := ws.ReadMessage(); err != nil { // auth
		return
	}
	hello := protocol.Welcome{GuildID: fixtures.Guild}
	for i := range 6 {
		hello.Rooms = append(hello.Rooms, fixtures.Room+snowflake.ID(i))
	}
	if err := ws.WriteMessage(websocket.TextMessage, protocol.EncodeWelcome(hello, "k3J9", fixtures.Now)); err != nil {
		return
	}
	if c, err := r.Cookie(shown); err == nil && strings.HasSuffix(c.Value, "unheard") {
		unheard := protocol.EncodeHeartbeat(false, fixtures.Now.Add(-12*time.Second), fixtures.Now)
		if err := ws.WriteMessage(websocket.TextMessage, unheard); err != nil {
			return
		}
	}
	for {
		if _, _, err := ws.ReadMessage(); err != nil {
			return
		}
	}
}
