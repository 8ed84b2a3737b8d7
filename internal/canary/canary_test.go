package canary_test

import (
	"encoding/base64"
	"encoding/hex"
	"testing"

	"example.com/mailkey/internal/canary"
)

// The search finds what it is for.
func TestAbuse_F16_J02_J11_CanariesAreFound(t *testing.T) {
	t.Parallel()
	const token = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
	raw, err := base64.RawURLEncoding.DecodeString(token[:40])
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, text, secret string
		part               func(byte) bool
		found              int
	}{
		{"a code", "code=482913 x", "482913", canary.IsAlnum, 1},
		{"a code at the end", "482913", "482913", canary.IsAlnum, 1},
		{"a code between columns", "LOGIN_EMS482913app", "482913", canary.IsDigit, 1},
		{"a code in a time", "1482913000", "482913", canary.IsDigit, 0},
		{"a code in a number of its digits", "1111111", "111111", canary.IsDigit, 0},
		{"a code in a hash", "ab482913cd", "482913", canary.IsAlnum, 0},
		{"a code in a hash, and alone", "ab482913cd 482913", "482913", canary.IsAlnum, 1},
		{"a code in base 64", "x=" + base64.StdEncoding.EncodeToString([]byte("482913")), "482913", canary.IsAlnum, 1},
		{"a code's bytes in a dump", `\\x00` + hex.EncodeToString([]byte("482913")) + "00", "482913", canary.IsAlnum, 1},
		{"a token", "x" + token + "y", token, canary.IsAlnum, 1},
		{"a token's bytes", "\x00" + string(raw) + "\x00", token[:40], canary.IsDigit, 1},
		{"a token's bytes in hexadecimal", hex.EncodeToString(raw), token[:40], canary.IsDigit, 1},
		{"nothing", "code=482914", "482913", canary.IsAlnum, 0},
	} {
		if found := canary.Find([]byte(row.text), row.part, row.secret); len(found) != row.found {
			t.Errorf("%s: found %q, want %d", row.name, found, row.found)
		}
	}
}
