package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"fmt"

	"example.com/mailkey/storage"
)

// Codes are derived, never stored: whoever knows the secret and the challenge
// can make the code again, so it can be mailed twice and is nowhere at rest.
// The level is how long it is.
const (
	level0 = iota // 6 digits
	level1        // 8 digits
	level2        // 10 characters of Crockford's base 32, 50 bits
)

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// deriveCode makes the code of a challenge. The binding is made of keyed hashes
// of address, client, device and purpose: copied to another row, a challenge
// makes another code.
func deriveCode(secret, binding []byte, c storage.Challenge) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write(c.ID) // both have a fixed length
	mac.Write(binding)
	n := binary.BigEndian.Uint64(mac.Sum(nil)) // so large that the remainder below is even to 2^-30
	switch c.Level {
	case level0:
		return fmt.Sprintf("%06d", n%1_000_000)
	case level1:
		return fmt.Sprintf("%08d", n%100_000_000)
	}
	code := make([]byte, 10)
	for i := range code {
		code[i] = crockford[n>>(5*i)&31]
	}
	return string(code)
}

// codeEqual compares in constant time. The letters of long codes ignore case.
func codeEqual(want, got string) bool {
	if len(want) == 10 {
		got, want = lowerASCII(got), lowerASCII(want)
	}
	return subtle.ConstantTimeCompare([]byte(want), []byte(got)) == 1
}
