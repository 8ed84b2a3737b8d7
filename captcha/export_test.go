package captcha

import "image"

// Draw paints the given digits.
func Draw(text string) ([]byte, error) { return new(digits).draw([]byte(text)) }

// SliderState is the state of a slider's puzzle with its gap at x.
func SliderState(x int) []byte { return sliderState(x) }

// RandomX is where the gap of a slider's puzzle is.
func RandomX() (int, error) { return randomX() }

// DrawSlider draws the pictures of a slider's puzzle with its gap at x.
func DrawSlider(x int) (picture, piece *image.Paletted) {
	c := newCanvas()
	c.draw(x)
	return c.picture, c.piece
}

// NewToken makes a token and the id under which the store knows it.
func NewToken() (text string, id []byte) {
	t := newToken()
	return string(t), t.id()
}
