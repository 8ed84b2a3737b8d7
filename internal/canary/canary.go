// Package canary looks for secrets where nobody may find them: in logs, files
// and backups. It is for tests.
package canary

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// Find finds secrets in a text, as they are or as what they encode. A short one
// that stands amid others of the kind that part is true for is something else:
// every log is full of digits.
func Find(text []byte, part func(byte) bool, secrets ...string) (found []string) {
	for _, secret := range secrets {
		for how, spelling := range spellings(secret) {
			if stands(text, []byte(spelling), part) {
				found = append(found, fmt.Sprintf("%q, %s", secret, how))
			}
		}
	}
	return found
}

func spellings(secret string) map[string]string {
	all := map[string]string{
		"plain": secret, "base 64": base64.StdEncoding.EncodeToString([]byte(secret)), "hexadecimal": hex.EncodeToString([]byte(secret)),
	}
	if raw, err := base64.RawURLEncoding.DecodeString(secret); err == nil && len(raw) >= 16 {
		all["decoded"], all["decoded, hexadecimal"] = string(raw), hex.EncodeToString(raw)
	}
	return all
}

// stands reports whether the text has the spelling, and not as part of something
// else.
func stands(text, spelling []byte, part func(byte) bool) bool {
	for from := 0; ; {
		at := bytes.Index(text[from:], spelling)
		if at < 0 {
			return false
		}
		at += from
		end := at + len(spelling)
		if len(spelling) > 10 || (at == 0 || !part(text[at-1])) && (end == len(text) || !part(text[end])) {
			return true
		}
		from = at + 1
	}
}

// IsDigit is a part of numbers.
func IsDigit(c byte) bool { return '0' <= c && c <= '9' }

// IsAlnum is a part of words.
func IsAlnum(c byte) bool { return IsDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' }
