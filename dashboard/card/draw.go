package card

import (
	"bytes"
	"fmt"
	"image/png"
	"math"
	"strconv"
)

// The size that all who show cards ask for, in pixels.
const (
	Width  = 1200
	Height = 630
)

// Snug's colours, as static/css/snug.css has them in the dark.
var (
	ink, ink2, line2     = hex(0x1b1420), hex(0x241a2b), hex(0x7d6a86)
	paper, muted, lamp   = hex(0xf6ead7), hex(0xc2b1be), hex(0xf5b455)
	wood, wood2, woodInk = hex(0x5a3524), hex(0x8a573a), hex(0xfff3df)
	cup, coffee, warmth  = hex(0xf0dfc4), hex(0x3a1c0e), hex(0x6a3c2c)
	tints                = []rgb{
		hex(0x7d55b0), hex(0x2f7482), hex(0xab4d34), hex(0x557236), hex(0xa4416a), hex(0x4662ad), hex(0x82611c),
		hex(0x6b6078),
	}
)

// Where things are: words to the left, the table to the right, in pixels.
var table = point{872, 318}

const (
	tableRadius = 148
	seatsRadius = 232 // from the table's middle to a seat's, in a single ring
	rugRadius   = 296
	left        = 76
	textWidth   = 470
)

// Draw draws a card, as a PNG. It takes some 90 ms.
func Draw(c Card) ([]byte, error) {
	c = c.normal()
	all, err := fonts()
	if err != nil {
		return nil, err
	}
	v := newCanvas()
	v.floor(c)
	v.table(c)
	v.seats(c)
	if err := v.middle(c, all); err != nil {
		return nil, err
	}
	if err := v.words(c, all); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := png.Encode(&b, v.RGBA); err != nil {
		return nil, fmt.Errorf("card: %w", err)
	}
	return b.Bytes(), nil
}

// light is how bright the lamp is, 0 to 1: more with each who sits.
func (c Card) light() float64 {
	if c.Quiet {
		return .62
	}
	return []float64{.3, .6, .74, .87, 1}[min(c.Taken, 4)]
}

// floor paints the dark, the lamp's light in it, and the edge of the rug.
func (v canvas) floor(c Card) {
	glow := mix(ink, warmth, .8*c.light())
	v.shade(table, Width+Height, func(d float64) (rgb, float64) { return mix(ink, glow, fade(d/560)), 1 })
	v.ring(table, rugRadius, 2, lamp, .13)
	v.ring(table, rugRadius+10, 1, lamp, .07)
}

// table paints the table, with its shadow and its inlay.
func (v canvas) table(c Card) {
	v.glow(point{table.x, table.y + 16}, tableRadius-14, tableRadius+44, rgb{}, .5)
	lit := mix(wood2, lamp, .34*c.light())
	v.shade(table, tableRadius, func(d float64) (rgb, float64) {
		return mix(wood, lit, fade(d/tableRadius)), edge(tableRadius - d)
	})
	v.ring(table, tableRadius-11, 1.4, lamp, .4)
}

// seats paints the places around the table: in one ring, or in as many as it takes.
func (v canvas) seats(c Card) {
	type ring struct{ radius, size float64 }
	rings := []ring{{seatsRadius, 47}}
	n := max(c.Seats, c.Taken)
	switch {
	case n > 36:
		rings = []ring{{180, 10}, {212, 12}, {247, 13}, {284, 14}}
	case n > 14:
		rings = []ring{{196, 20}, {254, 24}}
	case n > 10:
		rings[0].size = 38
	case n > 8:
		rings[0].size = 42
	}
	around := 0.0 // of all rings
	for _, r := range rings {
		around += r.radius
	}
	done := 0
	for i, r := range rings {
		here := int(math.Round(float64(n) * r.radius / around))
		if i == len(rings)-1 {
			here = n - done
		}
		for k := range here {
			turn := (float64(k) + .5) / float64(here) * 2 * math.Pi
			v.seat(c, done+k, table.around(turn, r.radius), r.size)
			if done+k < c.Taken && n <= 8 {
				v.cup(table.around(turn, tableRadius*.72))
			}
		}
		done += here
	}
}

// seat paints a place, with or without somebody on it, or so that it doesn't say.
func (v canvas) seat(c Card, number int, at point, size float64) {
	line := max(2, size/12)
	switch {
	case c.Quiet:
		v.disc(at, size*.92, mix(ink2, warmth, .42))
		v.ring(at, size*.92, line*.75, mix(line2, lamp, .25), .8)
	case number >= c.Taken:
		v.dashes(at, size*.88, line*.75, max(8, int(size/2.6)), line2)
	case size < 16: // too small to see more, and a hundred of them would make the picture too large
		v.disc(at, size+line*.9, lamp)
		v.disc(at, size, tints[number%len(tints)])
	default:
		if size > 30 { // as above: light around many is most of a picture's bytes
			v.glow(at, size, size*2, lamp, .42)
		}
		v.disc(at, size+line*1.7, lamp)
		v.disc(at, size+line*.6, ink)
		v.person(at, size, tints[number%len(tints)])
	}
}

// person paints head and shoulders, of nobody in particular.
func (v canvas) person(at point, size float64, c rgb) {
	light := mix(c, paper, .5)
	v.disc(at, size, c)
	v.disc(point{at.x, at.y - size*.2}, size*.33, light)
	// what two circles share: the shoulders', and the seat's; they meet at these angles, from above and from below
	const low, radius, above, below = .92, .68, 1.321, .719
	var shoulders path
	middle := point{at.x, at.y + size*low}
	shoulders.move(middle.around(-above, size*radius))
	shoulders.arc(middle, size*radius, -above, above)
	shoulders.arc(at, size, math.Pi-below, math.Pi+below)
	v.fill(shoulders, light)
}

func (v canvas) cup(at point) {
	v.glow(point{at.x, at.y + 3}, 8, 17, rgb{}, .4)
	v.disc(at, 11, cup)
	v.disc(at, 7.5, coffee)
}

// middle paints on the table how many seats are taken, or what stands for it.
func (v canvas) middle(c Card, all typeface) error {
	switch {
	case c.Closed:
		v.lock(table, .8)
	case c.Quiet:
		v.mark(table, 118)
	default:
		w, err := newWriter(all, 66)
		if err != nil {
			return err
		}
		text := strconv.Itoa(c.Taken) + " / " + strconv.Itoa(c.Seats)
		w.write(v, point{table.x - w.width(text)/2, table.y + 24}, text, woodInk)
	}
	return nil
}

// mark paints Snug's sign, a door with a lamp behind it, as static/img/mark.svg has it.
func (v canvas) mark(at point, size float64) {
	k := size / 32 // the drawing there is 32 wide
	door := func(half float64) (p path) {
		bottom := at.y + (half+3)*k
		p.move(point{at.x - half*k, bottom})
		p.arc(point{at.x, at.y - 2*k}, half*k, -math.Pi/2, math.Pi/2)
		p.line(point{at.x + half*k, bottom})
		return p
	}
	v.fill(door(12.2), paper)
	v.fill(door(9.8), ink2)
	v.fill(box(point{at.x - .9*k, at.y - 12*k}, point{at.x + .9*k, at.y - 2*k}), paper)
	var shade path
	bulb := point{at.x, at.y + 3*k}
	shade.move(bulb.around(-math.Pi/2, 6*k))
	shade.arc(bulb, 6*k, -math.Pi/2, math.Pi/2)
	v.fill(shade, lamp)
}

// lock paints a padlock; k is its scale.
func (v canvas) lock(at point, k float64) {
	var bow, body path
	top, foot := point{at.x, at.y - 18*k}, at.y+4*k
	bow.move(point{at.x - 30*k, foot})
	bow.arc(top, 30*k, -math.Pi/2, math.Pi/2)
	bow.line(point{at.x + 30*k, foot})
	bow.line(point{at.x + 19*k, foot})
	bow.arc(top, 19*k, math.Pi/2, -math.Pi/2)
	bow.line(point{at.x - 19*k, foot})
	v.fill(bow, woodInk)
	for i, corner := range []point{{-34, 4}, {34, 4}, {34, 40}, {-34, 40}} {
		turn, corner := float64(i-1)*math.Pi/2, point{at.x + corner.x*k, at.y + corner.y*k}
		if i == 0 {
			body.move(corner.around(turn, 10*k))
		}
		body.arc(corner, 10*k, turn, turn+math.Pi/2)
	}
	v.fill(body, woodInk)
	v.disc(point{at.x, at.y + 20*k}, 7*k, wood)
}

// words writes the name as large as it fits, and where that is; Snug's own name where there is none to write.
func (v canvas) words(c Card, all typeface) error {
	name, place := Drawable(c.Name), Drawable(c.Place)
	if name == "" {
		name, place = place, ""
	}
	if name == "" {
		v.mark(point{left + 60, 216}, 150)
		w, err := newWriter(all, 148)
		if err == nil {
			w.write(v, point{left - 5, 446}, "Snug", paper)
		}
		return err
	}
	small, err := newWriter(all, 36)
	if err != nil {
		return err
	}
	v.mark(point{left + 24, 84}, 58)
	small.write(v, point{left + 62, 97}, "Snug", muted)
	large, lines, err := largest(all, name)
	if err != nil {
		return err
	}
	const below = 52 // from the name's last baseline, less than a line, to that of the place
	step := large.size * 1.1
	height := step * float64(len(lines))
	if place != "" {
		height += below
	}
	y := 340 - height/2 + large.size*.8
	for _, l := range lines {
		large.write(v, point{left, y}, l, paper)
		y += step
	}
	if place != "" {
		under, _ := small.wrap(place, textWidth, 1)
		small.write(v, point{left, y - step + below + large.size*.28}, under[0], muted)
	}
	return nil
}

// largest breaks a name into lines of the largest size in which nothing is cut, and in the largest ones no third line.
func largest(all typeface, name string) (w *writer, lines []string, err error) {
	for _, size := range []float64{92, 78, 66, 56} {
		if w, err = newWriter(all, size); err != nil {
			return nil, nil, err
		}
		var cut bool
		if lines, cut = w.wrap(name, textWidth, 3); !cut && (size < 80 || len(lines) < 3) {
			break
		}
	}
	return w, lines, nil
}
