package captcha

import (
	"image/color"
	"math"
)

// The colours of a picture are 256 levels, from dark to light. A landscape
// keeps to the upper ones, so that every level of it can be darkened. The
// palette of a piece has what is not opaque in place of the lower ones.
const (
	lightest = 255
	deepest  = 88 // of a landscape

	transparent = 0
	shadow      = 1  // the first of fadeSteps, ever less transparent
	shine       = 41 // the first of fadeSteps, ever less transparent
	fadeSteps   = 40
)

// newPiecePalette returns the palette of a piece; the levels of the landscape
// are missing.
func newPiecePalette() color.Palette {
	p := make(color.Palette, lightest+1)
	for i := range p {
		p[i] = color.NRGBA{}
	}
	for i := range fadeSteps {
		p[shadow+i] = color.NRGBA{A: uint8(128 * (i + 1) / fadeSteps)}
		p[shine+i] = color.NRGBA{R: 255, G: 255, B: 255, A: uint8(255 * (i + 1) / fadeSteps)}
	}
	return p
}

// setLevels gives the levels other colours: from somewhere on the colour wheel
// to at most a fifth of the way round.
func setLevels(picture, piece color.Palette, d *dice) {
	hue, turn := d.between(0, 2*math.Pi), d.between(-1.3, 1.3)
	for i := range picture {
		at := float64(i-deepest) / (lightest - deepest)
		chroma := max(0.03, 0.045+0.06*math.Sin(math.Pi*(0.25+0.7*at)))
		picture[i] = oklch(0.46+0.49*at, chroma, hue+turn*at)
	}
	copy(piece[deepest:], picture[deepest:])
}

// oklch is a colour of the OKLab space by lightness, chroma and hue in
// radians. Colours of the same lightness look equally light there.
func oklch(lightness, chroma, hue float64) color.NRGBA {
	sin, cos := math.Sincos(hue)
	a, b := chroma*cos, chroma*sin
	l := lightness + 0.3963377774*a + 0.2158037573*b
	m := lightness - 0.1055613458*a - 0.0638541728*b
	s := lightness - 0.0894841775*a - 1.2914855480*b
	l, m, s = l*l*l, m*m*m, s*s*s
	return color.NRGBA{
		R: srgb(4.0767416621*l - 3.3077115913*m + 0.2309699292*s),
		G: srgb(-1.2684380046*l + 2.6097574011*m - 0.3413193965*s),
		B: srgb(-0.0041960863*l - 0.7034186147*m + 1.7076147010*s),
		A: 255,
	}
}

// srgb encodes linear light of 0 to 1.
func srgb(light float64) uint8 {
	light = min(max(light, 0), 1)
	if light <= 0.0031308 {
		light *= 12.92
	} else {
		light = 1.055*math.Pow(light, 1/2.4) - 0.055
	}
	return uint8(255*light + 0.5)
}
