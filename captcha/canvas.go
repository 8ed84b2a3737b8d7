package captcha

import (
	"image"
	"image/color"
	"math"
)

// canvas is what a slider's picture and its piece are drawn on.
type canvas struct{ picture, piece *image.Paletted }

func newCanvas() *canvas {
	return &canvas{
		picture: image.NewPaletted(image.Rect(0, 0, pictureWidth, pictureHeight), make(color.Palette, lightest+1)),
		piece:   image.NewPaletted(image.Rect(0, 0, pieceSize, pictureHeight), newPiecePalette()),
	}
}

// draw draws a landscape with a gap at x, and the piece from there, at random
// but for x.
func (c *canvas) draw(x int) {
	var d dice
	setLevels(c.picture.Palette, c.piece.Palette, &d)
	drawLandscape(c.picture, &d)

	y, shape := d.number(0, pictureHeight-pieceSize+1), newJigsaw(&d)
	// Elsewhere there is a shallow dent of another shape: who looks for dark
	// spots finds two. People see which one is the hole.
	dent := x
	for dent > x-pieceSize && dent < x+pieceSize {
		dent = d.number(firstX, lastX+1)
	}
	c.copyPiece(shape, x, y)
	c.darken(shape, x, y, 0.45)
	c.darken(shape.opposite(), dent, y, 0.2)
}

// copyPiece draws the piece as what is inside the outline now, with a light
// edge and a shadow round it.
func (c *canvas) copyPiece(shape jigsaw, x, y int) {
	for i := range c.piece.Pix {
		c.piece.Pix[i] = transparent
	}
	for row := range pieceSize {
		from := c.picture.Pix[(y+row)*c.picture.Stride+x:]
		to := c.piece.Pix[(y+row)*c.piece.Stride:][:pieceSize]
		for i := range to {
			switch d := shape.distance(i, row); {
			case d <= 0:
				to[i] = mix(from[i], lightest, 0.85*(d+2.2))
			case d < 1:
				to[i] = shine + uint8((1-d)*(fadeSteps-1))
			case d < 3:
				to[i] = shadow + uint8((3-d)/2*(fadeSteps-1))
			}
		}
	}
}

// darken sinks what is inside the outline: 0 not at all, 1 to black. Its upper
// left edge throws a shadow, the outline is light.
func (c *canvas) darken(shape jigsaw, x, y int, depth float64) {
	for row := range pieceSize {
		pixels := c.picture.Pix[(y+row)*c.picture.Stride+x:][:pieceSize]
		for i, level := range pixels {
			d := shape.distance(i, row)
			if d > 1.3 {
				continue
			}
			fromEdge := -shape.distance(i-2, row-3)
			ground := float64(level) * (1 - depth - 0.12*min(max(1-fromEdge/2, 0), 1))
			level = mix(level, ground, -d)
			pixels[i] = mix(level, lightest, depth*(1.3-math.Abs(d)))
		}
	}
}

// mix returns a level on the way to another one, from 0, not at all, to 1, all
// the way.
func mix(level uint8, to, part float64) uint8 {
	from := float64(level)
	return uint8(from + (to-from)*min(max(part, 0), 1))
}
