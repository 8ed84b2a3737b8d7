package captcha

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// token is the secret that one client holds: 32 random bytes as text. The
// store knows its hash, and the key to the state in the store is derived from
// it, so that neither the store nor the client alone has the answer.
type token string

var tokenText = base64.RawURLEncoding.Strict()

const (
	tokenBytes = 32
	tokenChars = 43
)

func newToken() token {
	b := make([]byte, tokenBytes)
	rand.Read(b)
	return token(tokenText.EncodeToString(b))
}

// parseToken reports whether newToken could have made s.
func parseToken(s string) (token, bool) {
	if len(s) != tokenChars {
		return "", false
	}
	b, err := tokenText.DecodeString(s)
	return token(s), err == nil && len(b) == tokenBytes
}

// id is what the store knows of the token.
func (t token) id() []byte {
	sum := sha256.Sum256([]byte(t))
	return sum[:]
}

func (t token) aead() (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, []byte(t), nil, "mailkey captcha state", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// seal encrypts an engine's state and ties it to the kind of engine.
func (t token) seal(kind string, state []byte) ([]byte, error) {
	aead, err := t.aead()
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, state, []byte(kind)), nil
}

// open is the reverse of seal; ok is false for anything that seal did not make
// with this token and kind.
func (t token) open(kind string, sealed []byte) (state []byte, ok bool) {
	aead, err := t.aead()
	if err != nil {
		return nil, false
	}
	state, err = aead.Open(nil, nil, sealed, []byte(kind))
	return state, err == nil
}
