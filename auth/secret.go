package auth

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
)

// Secret is what codes are derived from and what the stored keys are sealed
// under: at least 32 random bytes, the same on every instance. It prints as
// "[redacted]".
type Secret []byte

const redacted = "[redacted]"

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// Format writes "[redacted]", whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// LogValue returns "[redacted]".
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]".
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// String says which login it is. An Auth holds keys: no verb of package fmt
// prints more.
func (a *Auth) String() string { return "login at " + a.config.Issuer }

// Format writes String, whatever the verb.
func (a *Auth) Format(f fmt.State, _ rune) { fmt.Fprint(f, a.String()) }

// LogValue returns String.
func (a *Auth) LogValue() slog.Value { return slog.StringValue(a.String()) }

// check says in one sentence what is wrong with the secret.
func (s Secret) check() error {
	if len(s) < 32 {
		return fmt.Errorf("has %d bytes, fewer than 32: make one with openssl rand -hex 32", len(s))
	}
	if !s.looksRandom() {
		return errors.New("is not random: make one with openssl rand -hex 32")
	}
	return nil
}

// placeholders are in secrets that somebody forgot to replace. A random one has
// such a word once in ten million times.
var placeholders = []string{"change", "default", "example", "insert", "password", "placeholder", "replace", "secret"}

func (s Secret) looksRandom() bool {
	distinct := make(map[byte]bool)
	for _, b := range s {
		distinct[b] = true
	}
	for period := 1; period <= len(s)/2; period++ {
		if bytes.Equal(s[period:], s[:len(s)-period]) {
			return false
		}
	}
	text := lowerASCII(string(s))
	return len(distinct) >= 8 && !slices.ContainsFunc(placeholders, func(word string) bool { return strings.Contains(text, word) })
}

// secretKeys are what one Secret is used for, each purpose with a key of its
// own, and its name in the database.
type secretKeys struct {
	id   string
	code []byte // codes are derived with it
	seal []byte // the keys in the store are sealed with it

	rotate []byte // the next session_token is derived from the old one with it
}

func (s Secret) keys() secretKeys {
	return secretKeys{
		id:   hex.EncodeToString(s.derive("mailkey secret id", 6)),
		code: s.derive("mailkey code", 32),
		seal: s.derive("mailkey seal", 32),

		rotate: s.derive("mailkey rotate", 32),
	}
}

func (s Secret) derive(label string, length int) []byte {
	key, err := hkdf.Key(sha256.New, s, nil, label, length)
	if err != nil {
		panic(err) // asked for more than HKDF gives: not with these lengths
	}
	return key
}

// sealBox encrypts and authenticates text under a key of 32 bytes.
func sealBox(key, text []byte) []byte {
	aead := newAEAD(key)
	return aead.Seal(nil, nil, text, nil)
}

// openBox is the reverse of sealBox; ok is false when the key is another or
// the box was tampered with.
func openBox(key, box []byte) (text []byte, ok bool) {
	aead := newAEAD(key)
	text, err := aead.Open(nil, nil, box, nil)
	return text, err == nil
}

func newAEAD(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // keys are made here, with the right length
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return aead
}

// randomBytes is where all randomness comes from. It cannot fail: without
// entropy the Go runtime ends the process.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never returns an error
	return b
}

// randomToken is an unguessable string of n random bytes.
func randomToken(n int) string { return base64.RawURLEncoding.EncodeToString(randomBytes(n)) }
