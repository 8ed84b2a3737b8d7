package loginpage

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
)

// The colours that accents are read on: --card of page.css.
const (
	lightCard = "#ffffff"
	darkCard  = "#191d24"
)

// leastContrast is what WCAG 2.2, 1.4.3, asks for.
const leastContrast = 4.5

// accent returns the part of the stylesheet that Accent and AccentDark make.
func (p *page) accent(wrong func(string, ...any)) string {
	o := p.options
	if o.Accent == "" && o.AccentDark == "" {
		return ""
	}
	light, lightOK := parseColor(cmp.Or(o.Accent, "#2456d3"))
	dark, darkOK := parseColor(o.AccentDark)
	if !lightOK {
		wrong("Accent: %q is not a colour as #rrggbb", o.Accent)
	}
	if o.AccentDark == "" {
		dark, darkOK = light.readableOn(darkCard), true
	}
	if !darkOK {
		wrong("AccentDark: %q is not a colour as #rrggbb", o.AccentDark)
	}
	if !lightOK || !darkOK {
		return ""
	}
	for _, c := range []struct {
		name, card string
		color      color
	}{{"Accent", lightCard, light}, {"AccentDark", darkCard, dark}} {
		card, _ := parseColor(c.card)
		if got := c.color.contrast(card); got < leastContrast {
			wrong("%s: %v has a contrast of %.1f to the page, and people need %.1f", c.name, c.color, got, leastContrast)
		}
	}
	return fmt.Sprintf(":root { --accent: %v; --on-accent: %v; }\n@media (prefers-color-scheme: dark) { :root { --accent: %v; --on-accent: %v; } }\n",
		light, light.textOn(), dark, dark.textOn())
}

// color is red, green and blue, from 0 to 255.
type color [3]float64

func parseColor(s string) (c color, ok bool) {
	if len(s) != 7 || s[0] != '#' {
		return c, false
	}
	for i := range c {
		n, err := strconv.ParseUint(s[1+2*i:3+2*i], 16, 8)
		if err != nil {
			return c, false
		}
		c[i] = float64(n)
	}
	return c, true
}

func (c color) String() string { return fmt.Sprintf("#%02x%02x%02x", int(c[0]), int(c[1]), int(c[2])) }

// luminance and contrast are as WCAG 2.2 defines them.
func (c color) luminance() float64 {
	var sum float64
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		v := c[i] / 255
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		sum += weight * v
	}
	return sum
}

func (c color) contrast(other color) float64 {
	a, b := c.luminance(), other.luminance()
	return (max(a, b) + 0.05) / (min(a, b) + 0.05)
}

// textOn is black or white, whichever is read better on the colour.
func (c color) textOn() color {
	white, black := color{255, 255, 255}, color{}
	if c.contrast(white) >= c.contrast(black) {
		return white
	}
	return black
}

// readableOn mixes the colour with white until it can be read on a dark card.
func (c color) readableOn(card string) color {
	on, _ := parseColor(card)
	for part := 0.0; part < 1; part += 0.05 {
		var mixed color
		for i := range c {
			mixed[i] = math.Round(c[i] + (255-c[i])*part)
		}
		if mixed.contrast(on) >= leastContrast+1 { // comfortably
			return mixed
		}
	}
	return color{255, 255, 255}
}
