package captcha

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"image/color"
	"strings"

	dchest "github.com/dchest/captcha"
)

const (
	digitsCount  = 6
	digitsWidth  = 240
	digitsHeight = 80
)

// Digits shows six digits, 0 to 9 each, on a picture of 240 by 80 pixels, and
// speaks them in English and Chinese. The right Answer.Code is these six
// digits, in ASCII and nothing else.
//
// Share one engine among the services of a process: it keeps buffers.
func Digits() AudioEngine { return new(digits) }

type digits struct{ png pngEncoder }

func (*digits) Kind() string { return "digits" }

// New's state is the digits as text.
func (d *digits) New() (state []byte, p Puzzle, err error) {
	for _, v := range dchest.RandomDigits(digitsCount) { // from crypto/rand, without bias
		state = append(state, '0'+v)
	}
	p.Image, err = d.draw(state)
	return state, p, err
}

func (*digits) Check(_ context.Context, state []byte, a Answer) (bool, error) {
	return a.Point == "" && isDigits(state) && subtle.ConstantTimeCompare(state, []byte(a.Code)) == 1, nil
}

func (*digits) Audio(state []byte, lang string) ([]byte, error) {
	if !isDigits(state) {
		return nil, fmt.Errorf("speak digits: state of %d bytes", len(state))
	}
	language := "en"
	if primary, _, _ := strings.Cut(lang, "-"); strings.EqualFold(primary, "zh") {
		language = "zh"
	}
	// The name is random, so that each playing has noise of its own.
	sound := dchest.NewAudio(rand.Text(), values(state), language)
	var wav bytes.Buffer
	wav.Grow(sound.EncodedLen() + 1)
	_, err := sound.WriteTo(&wav)
	return wav.Bytes(), err
}

// draw paints the digits, differently each time: the distortion depends on the
// random name.
func (d *digits) draw(state []byte) ([]byte, error) {
	m := dchest.NewImage(rand.Text(), values(state), digitsWidth, digitsHeight)
	m.Palette[0] = color.White // transparent otherwise: unreadable on a dark page
	return d.png.encode(m.Paletted)
}

func isDigits(b []byte) bool {
	notDigit := func(c rune) bool { return c < '0' || c > '9' }
	return len(b) == digitsCount && !bytes.ContainsFunc(b, notDigit)
}

// values turns digits as text into the numbers 0 to 9.
func values(text []byte) []byte {
	v := make([]byte, len(text))
	for i, c := range text {
		v[i] = c - '0'
	}
	return v
}
