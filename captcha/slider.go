package captcha

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

const (
	pictureWidth  = 310
	pictureHeight = 155
	pieceSize     = 47 // the strip's width; the piece is in a square of it

	// Where the gap may be. The piece waits at 0, where it would hide a gap
	// further left; fewer places would make for more lucky guesses.
	firstX = 20
	lastX  = pictureWidth - pieceSize

	toleranceX = 3
)

// Slider shows a landscape of 310 by 155 pixels with a gap in it, and on a
// transparent strip of 47 by 155 pixels the piece that is missing. The person
// moves the strip from the left edge until the piece is in its gap.
//
// The right Answer.Point is a JSON object such as {"x":237.0,"y":5.0}. x is how
// many pixels the strip was moved, at most 3 off, as a plain decimal number
// without sign or exponent; y is always 5. The two may come in either order and
// with white space between the tokens. Nothing else is a point.
//
// It is there for clients that know no other kind, and it is the weakest of
// this package. An answer without a look at the picture, at random or always
// the same, is right 2.9 % of the time at best. But a program of a few dozen
// lines that compares the outline of the piece with the picture was right in
// 300 of 300 cases.
//
// Do not enable it alone. It has no sound, and people who cannot see it, or
// cannot move a thing so exactly, need [Digits] or [ProofOfWork] to choose from.
// A page should at least let the arrow keys move the strip.
//
// Share one engine among the services of a process: it keeps buffers.
func Slider() Engine { return new(slider) }

type slider struct {
	png      pngEncoder
	canvases sync.Pool
}

func (*slider) Kind() string { return "slider" }

// New's state is the x of the gap in two bytes.
func (s *slider) New() (state []byte, p Puzzle, err error) {
	x, err := randomX()
	if err != nil {
		return nil, Puzzle{}, err
	}
	c, _ := s.canvases.Get().(*canvas)
	if c == nil {
		c = newCanvas()
	}
	defer s.canvases.Put(c)
	c.draw(x)
	if p.Image, err = s.png.encode(c.picture); err == nil {
		p.Piece, err = s.png.encode(c.piece)
	}
	return sliderState(x), p, err
}

func sliderState(x int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(x)) }

// randomX returns one of firstX to lastX, each as likely as the others.
func randomX() (int, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(lastX-firstX+1))
	if err != nil {
		return 0, err
	}
	return firstX + int(n.Int64()), nil
}

func (*slider) Check(_ context.Context, state []byte, a Answer) (bool, error) {
	if len(state) != 2 || a.Code != "" {
		return false, nil
	}
	want := int(binary.BigEndian.Uint16(state))
	x, ok := parsePoint(a.Point)
	return ok && firstX <= want && want <= lastX && math.Abs(x-float64(want)) <= toleranceX, nil
}

// point is {"x":237.0,"y":5.0}, in either order and with the white space of
// JSON. x is a plain decimal number; y is always 5.
var point = func() *regexp.Regexp {
	const x = `"x" *: *((?:0|[1-9][0-9]{0,2})(?:\.[0-9]{1,17})?)`
	const y = `"y" *: *5(?:\.0{1,17})?`
	re := `^ *{ *(?:` + x + ` *, *` + y + `|` + y + ` *, *` + x + `) *} *$`
	return regexp.MustCompile(strings.ReplaceAll(re, " ", `[ \t\n\r]`))
}()

// parsePoint returns the x of a point.
func parsePoint(s string) (x float64, ok bool) {
	m := point.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	x, err := strconv.ParseFloat(m[1]+m[2], 64) // one of the two is empty
	return x, err == nil
}
