package integration

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"testing"

	"example.com/mailkey/captcha"
)

// solveSlider finds out how far a strip has to be moved over a picture until
// the piece on it is in its gap. It knows the two PNGs and nothing else: the
// gap is where pictures are darker inside the outline of the piece than
// outside, all the way round.
func solveSlider(picture, strip []byte) (x int, err error) {
	back, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return 0, err
	}
	piece, err := png.Decode(bytes.NewReader(strip))
	if err != nil {
		return 0, err
	}
	outline := outlineOf(piece)
	width := back.Bounds().Dx()
	light := make([]float64, width*back.Bounds().Dy())
	for i := range light {
		gray := color.Gray16Model.Convert(back.At(i%width, i/width)).(color.Gray16)
		light[i] = math.Log(1 + float64(gray.Y))
	}
	best := math.Inf(-1)
	for shift := range width - piece.Bounds().Dx() + 1 {
		score := 0.0
		for _, p := range outline {
			inside, outside := light[p.inside.Y*width+p.inside.X+shift], light[p.outside.Y*width+p.outside.X+shift]
			score += min(max(outside-inside, -0.4), 0.4) // much darker tells no more than darker
		}
		if score > best {
			best, x = score, shift
		}
	}
	return x, nil
}

// pair is two points on either side of the outline of a piece.
type pair struct{ inside, outside image.Point }

func outlineOf(piece image.Image) []pair {
	isPiece := func(p image.Point) bool {
		_, _, _, alpha := piece.At(p.X, p.Y).RGBA()
		return alpha == 0xffff
	}
	var pairs []pair
	const far = 3 // pixels, where the edges of piece and gap are drawn no more
	for y := range piece.Bounds().Dy() {
		for x := range piece.Bounds().Dx() {
			p := image.Pt(x, y)
			for _, step := range []image.Point{{1, 0}, {0, 1}, {-1, 0}, {0, -1}} {
				inside, outside := p.Sub(step.Mul(far)), p.Add(step.Mul(far))
				if isPiece(p) && !isPiece(p.Add(step)) && isPiece(inside) && !isPiece(outside) && outside.In(piece.Bounds()) {
					pairs = append(pairs, pair{inside, outside})
				}
			}
		}
	}
	return pairs
}

// A slider is friction and not a wall: this is about how high.
func TestSlider_programsFindTheGap(t *testing.T) {
	t.Parallel()
	const puzzles = 300
	slider, found := captcha.Slider(), 0
	for range puzzles {
		state, puzzle, err := slider.New()
		if err != nil {
			t.Fatal(err)
		}
		x, err := solveSlider(puzzle.Image, puzzle.Piece)
		if err != nil {
			t.Fatal(err)
		}
		right, err := slider.Check(t.Context(), state, captcha.Answer{Point: fmt.Sprintf(`{"x":%.1f,"y":5.0}`, float64(x))})
		if err != nil {
			t.Fatal(err)
		}
		if right {
			found++
		}
	}
	t.Logf("the gap was found in %d of %d pictures", found, puzzles)
	if found < puzzles*9/10 {
		t.Errorf("the gap was found in %d of %d pictures: the documentation says nearly every one", found, puzzles)
	}
}
