package captcha

import (
	"image"
	"math"
)

// drawLandscape draws a sky, and hills below it, in levels of deepest and up.
func drawLandscape(m *image.Paletted, d *dice) {
	drawSky(m, d)
	ranges := d.number(3, 6)
	for i := range ranges {
		drawHills(m, d, float64(i+1)/float64(ranges))
	}
}

// drawSky draws a sky that gets lighter towards the horizon and towards its
// sun.
func drawSky(m *image.Paletted, d *dice) {
	width, height := m.Rect.Dx(), m.Rect.Dy()
	top, horizon := d.between(180, 212), d.between(234, 248)
	sunX, sunY := d.between(0.1, 0.9)*float64(width), d.between(0.15, 0.5)*float64(height)
	sun, corona := d.between(9, 20), d.between(60, 130) // radius
	for y := range height {
		sky := min(top+(horizon-top)*1.4*float64(y)/float64(height), lightest)
		row := m.Pix[y*m.Stride:][:width]
		for x := range row {
			r, light := length(float64(x)-sunX, float64(y)-sunY), 0.0
			if r < corona {
				fade := 1 - r*r/(corona*corona)
				light = max(0.6*fade*fade, min(sun+1-r, 1))
			}
			row[x] = uint8(sky + (lightest-sky)*light)
		}
	}
}

// drawHills draws a range of hills down to the bottom. The near ones, up to 1,
// are lower and deeper in colour, and all get lighter downwards, as if mist lay
// between the ranges.
func drawHills(m *image.Paletted, d *dice, near float64) {
	width, height := m.Rect.Dx(), m.Rect.Dy()
	base := float64(height) * (0.35 + 0.5*near + d.between(-0.05, 0.05))
	crest, foot := 212-112*near+d.between(-8, 8), 232-90*near
	var waves [3]struct{ size, step, start float64 }
	for i := range waves {
		n := float64(i + 1)
		waves[i].size = d.between(4, 11) / n
		waves[i].step = d.between(0.008, 0.016) * n * (1 + near)
		waves[i].start = d.between(0, 2*math.Pi)
	}
	for x := range width {
		ridge := base
		for _, w := range waves {
			ridge += w.size * math.Sin(w.start+w.step*float64(x))
		}
		first := int(max(ridge, 0))
		for y := first; y < height; y++ {
			level := crest + (foot-crest)*min(1, (float64(y)-ridge)/70)
			p := &m.Pix[y*m.Stride+x]
			if y == first { // is partly above the ridge
				level += (float64(*p) - level) * (ridge - float64(first))
			}
			*p = uint8(max(level, deepest))
		}
	}
}
