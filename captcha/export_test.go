package captcha

// Draw paints the given digits.
func Draw(text string) ([]byte, error) { return new(digits).draw([]byte(text)) }

// NewToken makes a token and the id under which the store knows it.
func NewToken() (text string, id []byte) {
	t := newToken()
	return string(t), t.id()
}
