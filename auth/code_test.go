package auth

import (
	"bytes"
	"strings"
	"testing"

	"example.com/mailkey/storage"
)

func TestCodeEqual(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name      string
		want, got string
		equal     bool
	}{
		{"digits", "012345", "012345", true},
		{"other digits", "012345", "012346", false},
		{"fewer digits", "012345", "01234", false},
		{"more digits", "012345", "0123456", false},
		{"no digits", "012345", "", false},
		{"digits of full width", "012345", "０１２３４５", false},
		{"Arabic digits", "012345", "٠١٢٣٤٥", false},
		{"a long code", "0SK3456789", "0SK3456789", true},
		{"in lower case", "0SK3456789", "0sk3456789", true},
		{"in both cases", "0SK3456789", "0sK3456789", true},
		{"a long s", "0SK3456789", "0ſK3456789", false},
		{"the sign of Kelvin", "0SK3456789", "0S\u212a3456789", false},
		{"a dotted I", "0SJ3456789", "0Sİ3456789", false},
		{"a letter of full width", "0SK3456789", "0ＳK3456789", false},
		{"what is often mistaken", "0SK3456789", "OSK3456789", false},
		{"the bit that is case", "0SK3456789", "\x10SK3456789", false},
		{"another letter", "0SK3456789", "0SJ3456789", false},
		{"one less", "0SK3456789", "0SK345678", false},
		{"one more", "0SK3456789", "0SK34567890", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if got := codeEqual(row.want, row.got); got != row.equal {
				t.Errorf("codeEqual(%q, %q) is %v", row.want, row.got, got)
			}
		})
	}
}

// A code has the length and the letters of its level, depends on everything
// that it is derived from, and is the same again.
func TestDeriveCode(t *testing.T) {
	t.Parallel()
	secret, binding := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	for level, row := range []struct {
		length  int
		letters string
		want    string // as another implementation of HMAC has it
	}{{6, "0123456789", "838747"}, {8, "0123456789", "32838747"}, {10, crockford, "V29F9D2G6W"}} {
		c := storage.Challenge{ID: bytes.Repeat([]byte{3}, 16), Level: level}
		code := deriveCode(secret, binding, c)
		if code != row.want {
			t.Errorf("level %d: %s, want %s", level, code, row.want)
		}
		if again := deriveCode(secret, binding, c); again != code {
			t.Errorf("level %d: %s, then %s", level, code, again)
		}
		other := c
		other.ID = bytes.Repeat([]byte{4}, 16)
		for name, derived := range map[string]string{
			"another secret":    deriveCode(binding, binding, c),
			"another binding":   deriveCode(secret, secret, c),
			"another challenge": deriveCode(secret, binding, other),
		} {
			if derived == code {
				t.Errorf("level %d: %s makes the same code", level, name)
			}
		}
		seen := make(map[rune]bool)
		for i := range 500 {
			other.ID[0], other.ID[1] = byte(i), byte(i>>8)
			code := deriveCode(secret, binding, other)
			if len(code) != row.length || strings.Trim(code, row.letters) != "" {
				t.Fatalf("level %d: %q", level, code)
			}
			for _, r := range code {
				seen[r] = true
			}
		}
		if len(seen) != len(row.letters) {
			t.Errorf("level %d: only %d of %d characters are used", level, len(seen), len(row.letters))
		}
	}
}
