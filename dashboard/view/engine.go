package view

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/text/language"

	"snug/dashboard/card"
	"snug/shared/pages"
	"snug/shared/text"
)

// Config is what an Engine is made from.
type Config struct {
	Templates fs.FS // package templates' FS
	Static    fs.FS // package static's FS
	// CDN is where Discord's avatars and server icons are, without trailing
	// slash; "" is Discord's own. The page's img-src must allow it.
	CDN     string
	Version string // Snug's version, shown in the footer; "" hides it
	// Text is what pages say, in each language; nil reads what is built in.
	Text *text.Catalog
}

// DiscordCDN is where Discord keeps avatars and icons.
const DiscordCDN = "https://cdn.discordapp.com"

// Engine renders pages. Safe for concurrent use.
type Engine struct {
	pages   map[string]func() (*template.Template, error) // by language and page: "de/room"
	text    *text.Catalog
	assets  *assets
	codes   codes
	cdn     string
	version string
}

// partials says which files of templates/partials a page is put together
// from, beside layout. A page that uses another fails in New, not when
// somebody opens it.
var partials = map[string][]string{
	"home":   {"icons", "scenes", "room-card", "seats", "avatar", "presets", "dialogs"},
	"closed": {"icons", "scenes", "avatar"},
	"server": {"icons", "scenes", "room-card", "avatar", "dialogs"},
	"room":   {"icons", "seats", "avatar", "invites", "control", "dialogs", "bell"},
	"invite": {"icons", "seats", "avatar"},
	"coming": {"icons"},
	"admin":  {"icons", "fields", "tabs"},

	"admin-history":  {"icons", "tabs", "avatar", "scenes"},
	"admin-activity": {"icons", "tabs", "avatar", "scenes", "fields"},
	"admin-webhooks": {"icons", "tabs", "fields"},
	"admin-tokens":   {"icons", "tabs", "avatar", "fields", "tokens"},
	"admin-health":   {"icons", "tabs", "latency"},
	"api":            {"icons"},
	"status":         {"icons", "latency"},
	"legal":          {"icons"},
	"tokens":         {"icons", "avatar", "fields", "tokens"},
	"presets":        {"icons", "presets"},
	"admin-presets":  {"icons", "tabs", "presets"},
	"notifications":  {"icons", "fields", "avatar"},
	"offline":        {"icons", "scenes"},

	"watch":   {"icons", "seats", "avatar"},
	"message": {"icons", "scenes"},
}

// layoutOf is the file that a page is put into: spectators see nothing around theirs, and what browsers keep for when
// they're offline has nothing that would be about a person.
func layoutOf(page string) string {
	if page == "watch" || page == "offline" {
		return "bare.html"
	}
	return "layout.html"
}

// New reads the templates and the static files. It fails if a template does
// not parse, or a page or partial it needs is missing.
func New(cfg Config) (*Engine, error) {
	a, err := newAssets(cfg.Static)
	if err != nil {
		return nil, err
	}
	e := &Engine{
		pages: map[string]func() (*template.Template, error){}, text: cfg.Text, assets: a,
		cdn: strings.TrimRight(cfg.CDN, "/"), version: cfg.Version,
	}
	if e.cdn == "" {
		e.cdn = DiscordCDN
	}
	if e.text == nil {
		if e.text, err = text.New(); err != nil {
			return nil, fmt.Errorf("view: %w", err)
		}
	}
	for page, parts := range partials {
		files := []string{layoutOf(page), page + ".html", "partials/card.html"}
		for _, p := range parts {
			files = append(files, "partials/"+p+".html")
		}
		t, err := template.New(layoutOf(page)).Option("missingkey=error").Funcs(e.funcs(text.Texts{})).
			ParseFS(cfg.Templates, files...)
		if err != nil {
			return nil, fmt.Errorf("view: page %s: %w", page, err)
		}
		if err := complete(t); err != nil {
			return nil, fmt.Errorf("view: page %s: %w", page, err)
		}
		for _, d := range t.Templates() {
			if d.Tree != nil {
				join(d.Tree.Root)
			}
		}
		if _, err := t.New(scratch).Parse("-"); err != nil {
			return nil, fmt.Errorf("view: page %s: %w", page, err)
		}
		for _, texts := range e.text.All() {
			// Each language's copy is made when somebody first opens the page in it: all of them take 15 MB.
			e.pages[texts.Language().Code+"/"+page] = sync.OnceValues(func() (*template.Template, error) {
				own, err := t.Clone()
				if err != nil {
					return nil, err
				}
				own.Funcs(e.funcs(texts))
				return own, fold(own, layoutOf(page))
			})
		}
	}
	return e, nil
}

// Languages are those that pages are made in.
func (e *Engine) Languages() []text.Language { return e.text.Languages() }

// Texts gives what pages say in the language that the person chose (its code,
// "" for none), else in the one their browser asks for (Accept-Language).
func (e *Engine) Texts(chosen, accept string) text.Texts { return e.text.Choose(chosen, accept) }

// buffers are those that pages are made in. A page takes about 40 KB.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

const keptBuffer = 256 << 10

// Render writes a page with a status. Nothing is written unless the whole
// page could be made, so the caller can still answer with another.
func (e *Engine) Render(w http.ResponseWriter, status int, p Page) error {
	b := buffers.Get().(*bytes.Buffer) //nolint:forcetypeassert // nothing else is put there
	defer func() {
		if b.Reset(); b.Cap() <= keptBuffer {
			buffers.Put(b)
		}
	}()
	l := p.layout()
	if l.Text.Language().Code == "" {
		l.Text = e.text.For("en")
	}
	t, err := e.pages[l.Text.Language().Code+"/"+p.name()]()
	if err == nil {
		err = t.ExecuteTemplate(b, layoutOf(p.name()), frame{Engine: e, Layout: l, Page: p, Name: p.name()})
	}
	if err != nil {
		return fmt.Errorf("view: page %s: %w", p.name(), err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, err = w.Write(b.Bytes())
	return err
}

// Asset gives the path a static file is served under, with the checksum in
// it: "/static/4f1c…/css/snug.css" for "css/snug.css". It fails for a file that does not exist.
func (e *Engine) Asset(name string) (string, error) { return e.assets.path(name) }

// StaticHandler serves the static files, compressed and immutable, at
// /static/{checksum}/{name}; mount it at StaticPrefix without stripping anything.
func (e *Engine) StaticHandler() http.Handler { return e.assets }

// Close waits for what is being compressed.
func (e *Engine) Close() { e.assets.close() }

// CDN is the origin avatars and icons are loaded from, for the Content-Security-Policy.
func (e *Engine) CDN() string {
	u, err := url.Parse(e.cdn)
	if err != nil {
		return e.cdn
	}
	return u.Scheme + "://" + u.Host
}

// frame is what layout.html is given.
type frame struct {
	*Engine
	*Layout
	Page Page
	Name string
}

// CDNBase is where scripts find avatars.
func (f frame) CDNBase() string { return f.cdn }

// MadeAt is when the page was made, for scripts: browsers' clocks are often wrong.
func (f frame) MadeAt() string { return f.Now.UTC().Format("2006-01-02T15:04:05.000Z") }

// Version is Snug's version, or "".
func (f frame) Version() string { return f.version }

// Locale is the page's language as Open Graph has it: "pt_BR".
func (f frame) Locale() string {
	tag := language.Make(f.Text.Language().Code)
	base, _ := tag.Base()
	region, _ := tag.Region()
	return base.String() + "_" + region.String()
}

// CardWidth is how wide a card's picture is, in pixels.
func (f frame) CardWidth() int { return card.Width }

// CardHeight is how high a card's picture is, in pixels.
func (f frame) CardHeight() int { return card.Height }

// LoginPath is where signing in starts, leading back to this page.
func (f frame) LoginPath() string { return loginPath(f.Path) }

// Secret says whether this page's address lets its bearer in, as an invite's
// does: then signing in sends it in a form's body, so that it gets into no other address.
func (f frame) Secret() bool {
	return pages.WithoutSecret(f.Path) != f.Path
}

// Back is this page, to which choosing a language leads back.
func (f frame) Back() string {
	if f.Path == "" {
		return "/"
	}
	return f.Path
}

func loginPath(back string) string {
	if back == "" || back == "/" {
		return string(pages.Login)
	}
	return string(pages.Login) + "?" + url.Values{"return_to": {back}}.Encode()
}

// complete fails if a template calls one that is not defined: html/template
// itself would say so only when the page is opened.
func complete(t *template.Template) error {
	var missing []string
	for _, d := range t.Templates() {
		if d.Tree == nil {
			continue
		}
		for _, name := range called(d.Tree.Root) {
			if t.Lookup(name) == nil || t.Lookup(name).Tree == nil {
				missing = append(missing, fmt.Sprintf("%q (used in %s)", name, d.Name()))
			}
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return fmt.Errorf("missing templates: %s", strings.Join(slices.Compact(missing), ", "))
	}
	return nil
}
