package card

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/unicode/norm"
)

//go:embed literata/*.ttf.gz
var files embed.FS

// typeface is its parts by script; each letter is in the first that has it.
type typeface []*sfnt.Font

// fonts reads the typeface of all pictures.
var fonts = sync.OnceValues(func() (typeface, error) {
	var all typeface
	for _, name := range []string{
		"latin", "latin-ext", "greek", "greek-ext", "cyrillic", "cyrillic-ext", "vietnamese",
	} {
		f, err := readFont("literata/" + name + ".ttf.gz")
		if err != nil {
			return nil, fmt.Errorf("card: font %s: %w", name, err)
		}
		all = append(all, f)
	}
	return all, nil
})

func readFont(name string) (*sfnt.Font, error) {
	b, err := files.ReadFile(name)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	if b, err = io.ReadAll(z); err != nil {
		return nil, err
	}
	return opentype.Parse(b)
}

// Drawable returns the words of a text that the pictures' typeface has every letter of, with single spaces. It's ""
// where there are none: a text in Japanese, or of emoji.
func Drawable(text string) string {
	all, err := fonts()
	if err != nil {
		return ""
	}
	var words []string
	var b sfnt.Buffer
	for word := range strings.FieldsSeq(norm.NFC.String(text)) {
		if has(all, &b, word) {
			words = append(words, word)
		}
	}
	if !strings.ContainsFunc(strings.Join(words, ""), isWord) {
		return ""
	}
	return strings.Join(words, " ")
}

// isWord reports whether a rune says something by itself; what is left of "🎲 – 🎲" doesn't.
func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func has(all typeface, b *sfnt.Buffer, word string) bool {
	for _, r := range word {
		// marks that go with no letter into one would be beside it, not above
		if in := find(all, b, r); in < 0 || unicode.Is(unicode.M, r) {
			return false
		}
	}
	return true
}

// find returns which of the fonts has a letter; -1 for none.
func find(all typeface, b *sfnt.Buffer, r rune) int {
	for i, f := range all {
		if g, err := f.GlyphIndex(b, r); err == nil && g != 0 {
			return i
		}
	}
	return -1
}

// writer writes in one size. It is for one goroutine.
type writer struct {
	fonts typeface
	faces []font.Face
	buf   sfnt.Buffer
	size  float64
}

func newWriter(all typeface, size float64) (*writer, error) {
	w := &writer{fonts: all, faces: make([]font.Face, len(all)), size: size}
	for i, f := range all {
		face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})
		if err != nil {
			return nil, fmt.Errorf("card: %w", err)
		}
		w.faces[i] = face
	}
	return w, nil
}

// each calls do with the letters of a text, and returns the text's width. What no font has is left out.
func (w *writer) each(text string, do func(face font.Face, r rune, x fixed.Int26_6)) fixed.Int26_6 {
	var x fixed.Int26_6
	last, before := -1, rune(0)
	for _, r := range text {
		in := find(w.fonts, &w.buf, r)
		if in < 0 {
			continue
		}
		face := w.faces[in]
		if in == last {
			x += face.Kern(before, r)
		}
		do(face, r, x)
		advance, _ := face.GlyphAdvance(r)
		x += advance
		last, before = in, r
	}
	return x
}

// width is how wide a text is, in pixels.
func (w *writer) width(text string) float64 {
	return float64(w.each(text, func(font.Face, rune, fixed.Int26_6) {})) / 64
}

// write writes a line from a point on, the start of its baseline.
func (w *writer) write(v canvas, at point, text string, c rgb) {
	start := fixed.Point26_6{X: fixed.Int26_6(at.x * 64), Y: fixed.Int26_6(at.y * 64)}
	src := c.uniform()
	w.each(text, func(face font.Face, r rune, x fixed.Int26_6) {
		d := font.Drawer{Dst: v.RGBA, Src: src, Face: face, Dot: start.Add(fixed.Point26_6{X: x})}
		d.DrawString(string(r))
	})
}

// wrap breaks a text into lines of a width, at most so many, and reports whether that took away anything: then the
// last ends with an ellipsis.
func (w *writer) wrap(text string, width float64, most int) (lines []string, cut bool) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		joined := strings.TrimSpace(line + " " + word)
		if line == "" || w.width(joined) <= width {
			line = joined
			continue
		}
		lines, line = append(lines, line), word
	}
	lines = append(lines, line)
	if len(lines) > most {
		lines, cut = lines[:most], true
		lines[most-1] += "…"
	}
	for i, l := range lines {
		if w.width(l) > width {
			lines[i], cut = w.shorten(l, width), true
		}
	}
	return lines, cut
}

// shorten cuts a line so that it fits with an ellipsis.
func (w *writer) shorten(line string, width float64) string {
	runes := []rune(strings.TrimSuffix(line, "…"))
	for len(runes) > 1 && w.width(string(runes)+"…") > width {
		runes = runes[:len(runes)-1]
	}
	return strings.TrimRightFunc(string(runes), unicode.IsSpace) + "…"
}
