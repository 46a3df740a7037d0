package view

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// StaticPrefix is the path below which static files are served.
const StaticPrefix = "/static/"

// assets are the static files in memory, each also compressed. One checksum
// over all of them is in every path, so that a module's relative imports stay
// what they are and a release never mixes files of two.
type assets struct {
	sum   string
	files map[string]asset
}

type asset struct {
	mime         string
	plain, gzip  []byte // gzip is nil where it saves nothing
	etag, etagGz string
}

func newAssets(fsys fs.FS) (*assets, error) {
	a := &assets{files: map[string]asset{}}
	all := sha256.New()
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) == ".go" {
			return err
		}
		b, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		f, err := newAsset(name, b)
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

func newAsset(name string, b []byte) (asset, error) {
	// Not from the system's tables: they differ from machine to machine.
	types := map[string]string{
		".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
		".png": "image/png", ".json": "application/json", ".ico": "image/x-icon", ".txt": "text/plain; charset=utf-8",
	}
	t, ok := types[path.Ext(name)]
	if !ok {
		return asset{}, fmt.Errorf("%s: add the media type of %q to the list in package view", name, path.Ext(name))
	}
	sum := sha256.Sum256(b)
	tag := hex.EncodeToString(sum[:8])
	f := asset{mime: t, plain: b, etag: `"` + tag + `"`, etagGz: `"` + tag + `-gz"`}
	var z bytes.Buffer
	w, err := gzip.NewWriterLevel(&z, gzip.BestCompression)
	if err != nil {
		return asset{}, err
	}
	if _, err := w.Write(b); err != nil {
		return asset{}, err
	}
	if err := w.Close(); err != nil {
		return asset{}, err
	}
	if z.Len() < len(b)*9/10 {
		f.gzip = z.Bytes()
	}
	return f, nil
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
	body, tag := f.plain, f.etag
	if f.gzip != nil && acceptsGzip(r.Header.Get("Accept-Encoding")) {
		body, tag = f.gzip, f.etagGz
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // whoever asked has gone; there is nobody to tell
	}
}

// acceptsGzip reads an Accept-Encoding header as browsers send it.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if coding == "gzip" || coding == "*" {
			q := strings.ReplaceAll(params, " ", "")
			return q != "q=0" && !strings.HasPrefix(q, "q=0.0")
		}
	}
	return false
}
