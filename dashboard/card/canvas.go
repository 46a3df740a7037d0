package card

import (
	"image"
	"image/color"
	"math"

	"golang.org/x/image/vector"
)

// rgb is a colour; each part is 0 to 255.
type rgb struct{ r, g, b float32 }

func hex(n uint32) rgb { return rgb{float32(n >> 16 & 255), float32(n >> 8 & 255), float32(n & 255)} }

// mix is the colour t of the way from a to b.
func mix(a, b rgb, t float64) rgb {
	k := float32(min(max(t, 0), 1))
	return rgb{a.r + (b.r-a.r)*k, a.g + (b.g-a.g)*k, a.b + (b.b-a.b)*k}
}

func (c rgb) uniform() *image.Uniform {
	return image.NewUniform(color.RGBA{uint8(c.r), uint8(c.g), uint8(c.b), 255})
}

// canvas is an opaque picture with antialiased circles and paths.
type canvas struct{ *image.RGBA }

func newCanvas() canvas { return canvas{image.NewRGBA(image.Rect(0, 0, Width, Height))} }

// set paints a pixel over what is there, as far as it is covered (0 to 1).
func (v canvas) set(x, y int, c rgb, cover float32) {
	p := v.Pix[v.PixOffset(x, y):][:4:4]
	keep := 1 - cover
	p[0] = uint8(float32(p[0])*keep + c.r*cover + .5)
	p[1] = uint8(float32(p[1])*keep + c.g*cover + .5)
	p[2] = uint8(float32(p[2])*keep + c.b*cover + .5)
	p[3] = 255
}

// shade paints a circle around a point: at each distance from it, the colour and how much it covers.
func (v canvas) shade(at point, radius float64, paint func(d float64) (rgb, float64)) {
	box := image.Rect(int(at.x-radius)-1, int(at.y-radius)-1, int(at.x+radius)+2, int(at.y+radius)+2).Intersect(v.Rect)
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			dx, dy := float64(x)+.5-at.x, float64(y)+.5-at.y
			if d := math.Sqrt(dx*dx + dy*dy); d < radius+1 {
				if c, cover := paint(d); cover > 0 {
					v.set(x, y, c, float32(cover))
				}
			}
		}
	}
}

// disc paints a full circle.
func (v canvas) disc(at point, radius float64, c rgb) {
	v.shade(at, radius, func(d float64) (rgb, float64) { return c, edge(radius - d) })
}

// ring paints a circle's line of a width, centred on its radius.
func (v canvas) ring(at point, radius, width float64, c rgb, opacity float64) {
	v.shade(at, radius+width, func(d float64) (rgb, float64) {
		return c, opacity * edge(width/2-math.Abs(d-radius))
	})
}

// glow paints light that fades from an inner radius to an outer one.
func (v canvas) glow(at point, from, to float64, c rgb, opacity float64) {
	v.shade(at, to, func(d float64) (rgb, float64) { return c, opacity * fade((d-from)/(to-from)) })
}

// dashes paints a ring of n dashes.
func (v canvas) dashes(at point, radius, width float64, n int, c rgb) {
	step := 2 * math.Pi / float64(n)
	for i := range n {
		a := float64(i) * step
		var p path
		p.move(at.around(a, radius-width/2))
		p.arc(at, radius-width/2, a, a+step*.56)
		p.line(at.around(a+step*.56, radius+width/2))
		p.arc(at, radius+width/2, a+step*.56, a)
		v.fill(p, c)
	}
}

// edge is how much of a pixel a shape covers whose edge is that far outside of the pixel's middle.
func edge(inside float64) float64 { return min(max(inside+.5, 0), 1) }

// fade goes from 1 at 0 to 0 at 1, smoothly to the eye. Its steps make the three colours change together, without which
// the picture would be half as large again.
func fade(t float64) float64 {
	const steps = 56
	t = 1 - min(max(t, 0), 1)
	return math.Round(t*t*(3-2*t)*steps) / steps
}

type point struct{ x, y float64 }

// around is the point at an angle and a distance: 0 is above, a quarter turn to the right.
func (p point) around(angle, distance float64) point {
	return point{p.x + math.Sin(angle)*distance, p.y - math.Cos(angle)*distance}
}

// path is an outline to be filled.
type path struct{ steps []point }

func (p *path) move(to point) { p.steps = append(p.steps[:0], to) }

func (p *path) line(to point) { p.steps = append(p.steps, to) }

// arc follows a circle from one angle to another, in steps too small to see.
func (p *path) arc(at point, radius, from, to float64) {
	n := max(2, int(math.Abs(to-from)*math.Sqrt(radius)*2))
	for i := range n + 1 {
		p.line(at.around(from+(to-from)*float64(i)/float64(n), radius))
	}
}

func box(from, to point) (p path) {
	p.move(from)
	p.line(point{to.x, from.y})
	p.line(to)
	p.line(point{from.x, to.y})
	return p
}

// fill paints what a path encloses.
func (v canvas) fill(p path, c rgb) {
	low, high := point{math.Inf(1), math.Inf(1)}, point{math.Inf(-1), math.Inf(-1)}
	for _, s := range p.steps {
		low, high = point{min(low.x, s.x), min(low.y, s.y)}, point{max(high.x, s.x), max(high.y, s.y)}
	}
	area := image.Rect(int(low.x)-1, int(low.y)-1, int(high.x)+2, int(high.y)+2)
	z := vector.NewRasterizer(area.Dx(), area.Dy())
	for i, s := range p.steps {
		if x, y := float32(s.x-float64(area.Min.X)), float32(s.y-float64(area.Min.Y)); i == 0 {
			z.MoveTo(x, y)
		} else {
			z.LineTo(x, y)
		}
	}
	z.ClosePath()
	z.Draw(v.RGBA, area, c.uniform(), image.Point{})
}
