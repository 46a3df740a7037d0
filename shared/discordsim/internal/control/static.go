package control

import (
	"bytes"
	"crypto/sha256"
	"image"
	"image/color"
	"image/png"
	"mime"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
	"snug/shared/discordsim/page"
)

// pageRoutes serves the page, and the pictures and files that clients load from Discord's CDN.
func (c *Control) pageRoutes(mux *http.ServeMux) {
	static := http.FileServerFS(page.FS)
	mux.Handle("/", static)
	index := func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, page.FS, "index.html")
	}
	// Links into Discord's client open the page, which parses the path.
	mux.HandleFunc("GET /channels/", index)
	mux.HandleFunc("GET /invite/", index)
	mux.HandleFunc("GET /avatars/{user}/{file}", serveAvatar)
	mux.HandleFunc("GET /embed/avatars/{file}", serveAvatar)
	mux.HandleFunc("GET /attachments/{channel}/{attachment}/{file}", c.serveAttachment)
}

// serveAvatar draws a picture that only depends on the path.
func serveAvatar(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimSuffix(r.PathValue("file"), path.Ext(r.PathValue("file")))
	size, err := strconv.Atoi(r.URL.Query().Get("size"))
	if err != nil || size < 16 || size > 512 {
		size = 128
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, drawAvatar(r.PathValue("user")+name, size)); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "image/png")
	h.Set("Cache-Control", "public, max-age=86400")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	_, _ = w.Write(buf.Bytes())
}

// drawAvatar draws a symmetric pattern of five by five squares in two colors.
func drawAvatar(seed string, size int) image.Image {
	sum := sha256.Sum256([]byte(seed))
	back := color.RGBA{40 + sum[0]%60, 50 + sum[1]%60, 70 + sum[2]%60, 255}
	front := color.RGBA{150 + sum[3]%100, 140 + sum[4]%110, 120 + sum[5]%130, 255}
	filled := byte(1)
	if ones(sum[8:8+15]) < 6 {
		filled = 0 // a few dots look bad: fill the others instead
	}
	img := image.NewRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			cx, cy := (x*7)/size-1, (y*7)/size-1
			c := back
			if cx >= 0 && cx < 5 && cy >= 0 && cy < 5 {
				if cx > 2 {
					cx = 4 - cx
				}
				if sum[8+cy*3+cx]&1 == filled {
					c = front
				}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

// ones counts the odd bytes.
func ones(list []byte) (n int) {
	for _, b := range list {
		n += int(b & 1)
	}
	return n
}

// serveAttachment serves a message's attachment.
func (c *Control) serveAttachment(w http.ResponseWriter, r *http.Request) {
	a, ok := c.attachment(form.ParseID(r.PathValue("channel")), form.ParseID(r.PathValue("attachment")))
	if !ok {
		http.NotFound(w, r)
		return
	}
	if a.Kind == "" {
		a.Kind = mime.TypeByExtension(path.Ext(a.Name))
	}
	h := w.Header()
	h.Set("Content-Type", a.Kind)
	h.Set("Content-Disposition", "attachment")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(a.Data)
}

func (c *Control) attachment(channel, id world.ID) (found world.Attachment, ok bool) {
	c.world.View(func(s *world.State) {
		for _, m := range s.Messages[channel] {
			if i := slices.IndexFunc(m.Attachments, func(a world.Attachment) bool { return a.ID == id }); i >= 0 {
				found, ok = m.Attachments[i], true
			}
		}
	})
	return found, ok
}
