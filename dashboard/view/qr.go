package view

import (
	"html/template"
	"strconv"
	"strings"
	"sync"

	"github.com/skip2/go-qrcode"
)

// codes remembers the codes drawn last: a page that is open is made anew with
// every change of its room, and drawing is most of its work.
type codes struct {
	mu    sync.Mutex
	drawn map[string]template.HTML
}

const maxCodes = 256

func (c *codes) draw(text string) (template.HTML, error) {
	c.mu.Lock()
	code, ok := c.drawn[text]
	c.mu.Unlock()
	if ok {
		return code, nil
	}
	code, err := QR(text)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drawn == nil || len(c.drawn) >= maxCodes {
		c.drawn = map[string]template.HTML{}
	}
	c.drawn[text] = code
	return code, nil
}

// QR draws a text as an SVG picture: one path, a module one unit wide, dark
// on white with the quiet zone scanners ask for. It fails if the text is too
// long for a code (about 2,900 bytes).
func QR(text string) (template.HTML, error) {
	code, err := qrcode.New(text, qrcode.Low)
	if err != nil {
		return "", err
	}
	grid := code.Bitmap()
	var path strings.Builder
	for y, row := range grid {
		for x := 0; x < len(row); x++ {
			if !row[x] {
				continue
			}
			from := x
			for x < len(row) && row[x] {
				x++
			}
			w := strconv.Itoa(x - from)
			path.WriteString("M" + strconv.Itoa(from) + " " + strconv.Itoa(y) + "h" + w + "v1h-" + w + "z")
		}
	}
	n := strconv.Itoa(len(grid))
	// Only numbers were written: nothing of the text reaches the markup.
	return template.HTML(`<svg class="qr" viewBox="0 0 ` + n + ` ` + n + `" role="img" ` + //nolint:gosec // see above
			`aria-label="QR code of the invite link" shape-rendering="crispEdges">` +
			`<path fill="#fff" d="M0 0h` + n + `v` + n + `h-` + n + `z"/>` +
			`<path fill="#000" d="` + path.String() + `"/></svg>`),
		nil
}
