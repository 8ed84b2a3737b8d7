package captcha

import "math"

// jigsaw is the outline of a piece: a square with rounded corners that has a
// knob or a hole at each side.
type jigsaw [4]bool // right, bottom, left, top: a knob

const (
	jigsawHalf   = 14   // of a side
	jigsawCorner = 3    // radius
	jigsawKnob   = 5.5  // radius, of holes too
	knobAt       = 15.5 // from the middle of the square
	holeAt       = 11.5
)

// newJigsaw returns an outline with at least a knob and a hole.
func newJigsaw(d *dice) (j jigsaw) {
	n := d.number(1, 15)
	for side := range j {
		j[side] = n>>side&1 == 1
	}
	return j
}

// opposite has a hole for each knob and a knob for each hole.
func (j jigsaw) opposite() jigsaw {
	for side := range j {
		j[side] = !j[side]
	}
	return j
}

// distance is about how many pixels lie between the outline and the pixel of
// the square that the piece is in; it is negative inside the outline.
func (j jigsaw) distance(x, y int) float64 {
	const middle = (pieceSize - 1) / 2
	px, py := float64(x-middle), float64(y-middle)
	cx, cy := math.Abs(px)-(jigsawHalf-jigsawCorner), math.Abs(py)-(jigsawHalf-jigsawCorner)
	d := min(max(cx, cy), 0) + length(max(cx, 0), max(cy, 0)) - jigsawCorner
	for side, knob := range j {
		along, across := px, py
		if side == 1 || side == 3 {
			along, across = py, px
		}
		if side >= 2 {
			along = -along
		}
		if knob {
			d = min(d, length(along-knobAt, across)-jigsawKnob)
		} else {
			d = max(d, jigsawKnob-length(along-holeAt, across))
		}
	}
	return d
}

// length is what math.Hypot returns, without its care for huge numbers.
func length(x, y float64) float64 { return math.Sqrt(x*x + y*y) }
