package view

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/andybalholm/brotli"
)

// StaticPrefix is the path below which static files are served.
const StaticPrefix = "/static/"

// assets are the static files in memory, each also compressed. One checksum
// over all of them is in every path, so that a module's relative imports stay
// what they are and a release never mixes files of two.
//
// gzip is made at the start. Brotli is a seventh smaller and takes fifty times as long, so a file's is made beside the
// first request that accepts it, which gets gzip.
type assets struct {
	sum   string
	files map[string]*asset

	squeezing sync.Mutex // one file at a time
}

// asset is a file. A coding is nil where it saves nothing.
type asset struct {
	mime        string
	tag         string // its checksum
	plain, gzip []byte
	brotli      atomic.Pointer[[]byte]
	begun       atomic.Bool   // somebody makes brotli, or made it
	done        chan struct{} // closed when it is made
}

func newAssets(fsys fs.FS) (*assets, error) {
	a := &assets{files: map[string]*asset{}}
	all := sha256.New()
	z, err := gzip.NewWriterLevel(io.Discard, gzip.BestCompression) // one for all: it takes most of a megabyte
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) == ".go" {
			return err
		}
		b, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		f, err := newAsset(name, b, z)
		if err != nil {
			return err
		}
		a.files[name] = f
		fmt.Fprintf(all, "%s %d\n", name, len(b))
		all.Write(b)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("view: static files: %w", err)
	}
	a.sum = hex.EncodeToString(all.Sum(nil)[:8])
	return a, nil
}

func newAsset(name string, b []byte, w *gzip.Writer) (*asset, error) {
	// Not from the system's tables: they differ from machine to machine.
	types := map[string]string{
		".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
		".png": "image/png", ".json": "application/json", ".ico": "image/x-icon", ".txt": "text/plain; charset=utf-8",
	}
	t, ok := types[path.Ext(name)]
	if !ok {
		return nil, fmt.Errorf("%s: add the media type of %q to the list in package view", name, path.Ext(name))
	}
	sum := sha256.Sum256(b)
	f := &asset{mime: t, plain: b, tag: hex.EncodeToString(sum[:8]), done: make(chan struct{})}
	var z bytes.Buffer
	w.Reset(&z)
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if z.Len() < len(b)*9/10 {
		f.gzip = z.Bytes()
	}
	return f, nil
}

// squeeze makes a file's brotli once, beside the caller. close waits for it.
func (a *assets) squeeze(f *asset) {
	if f.gzip == nil || f.begun.Swap(true) { // what gzip doesn't make smaller, brotli doesn't either
		return
	}
	go func() { // close waits for it
		defer close(f.done)
		a.squeezing.Lock()
		defer a.squeezing.Unlock()
		var z bytes.Buffer
		w := brotli.NewWriterLevel(&z, brotli.BestCompression)
		if _, err := w.Write(f.plain); err != nil || w.Close() != nil {
			return // it stays with gzip
		}
		if b := z.Bytes(); len(b) < len(f.gzip) {
			f.brotli.Store(&b)
		}
	}()
}

// close waits for what is being compressed.
func (a *assets) close() {
	for _, f := range a.files {
		if f.begun.Load() {
			<-f.done
		}
	}
}

func (a *assets) path(name string) (string, error) {
	if _, ok := a.files[name]; !ok {
		return "", fmt.Errorf("view: there is no static file %q", name)
	}
	return StaticPrefix + a.sum + "/" + name, nil
}

// ServeHTTP answers /static/{checksum}/{name}. A checksum of another release
// gets the file as it is now, but not to be kept.
func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sum, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, StaticPrefix), "/")
	f, ok := a.files[name]
	if !ok || r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.mime)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	if sum != a.sum {
		h.Set("Cache-Control", "no-cache")
	}
	coding, body := a.choose(f, strings.Join(r.Header.Values("Accept-Encoding"), ","))
	tag := f.tag
	if coding != "" {
		h.Set("Content-Encoding", coding)
		tag += "-" + coding
	}
	h.Set("ETag", `"`+tag+`"`)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body)) // conditions and ranges are about this coding
}

// choose gives the coding of a file that suits an Accept-Encoding header best, "" for none. Of those that suit alike it
// is the smallest.
func (a *assets) choose(f *asset, header string) (coding string, body []byte) {
	accepted := acceptedCodings(header)
	q := func(coding string) float64 {
		if v, ok := accepted[coding]; ok {
			return v
		}
		return accepted["*"]
	}
	br, gz := q("br"), q("gzip")
	plain := accepted["identity"] // what isn't named is the last choice, whatever the others are
	if br > 0 && br >= gz && br >= plain {
		a.squeeze(f)
		if b := f.brotli.Load(); b != nil {
			return "br", *b
		}
	}
	if gz > 0 && gz >= plain && f.gzip != nil {
		return "gzip", f.gzip
	}
	return "", f.plain
}

// acceptedCodings reads an Accept-Encoding header: how much each coding is wanted, from 0, not at all, to 1.
// https://www.rfc-editor.org/rfc/rfc9110#field.accept-encoding
func acceptedCodings(header string) map[string]float64 {
	out := map[string]float64{}
	for part := range strings.SplitSeq(header, ",") {
		coding, params, _ := strings.Cut(part, ";")
		coding = strings.ToLower(strings.TrimSpace(coding))
		if coding == "" {
			continue
		}
		q := 1.0
		if name, value, ok := strings.Cut(params, "="); ok && strings.EqualFold(strings.TrimSpace(name), "q") {
			if v, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err == nil && v >= 0 && v <= 1 {
				q = v
			} else {
				q = 0
			}
		}
		out[coding] = q
	}
	return out
}
