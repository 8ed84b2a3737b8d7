package auth_test

import (
	"encoding/base64"
	"strings"
	"testing"
)

// What must not be guessed is so long as the documents say, and no longer: it is
// sent with every request.
func TestSizesOfTokens(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		ticket := k.ticket("ann@b.example")
		token, claims := k.signIn("ann@b.example")
		text := func(claim string) string { value, _ := claims[claim].(string); return value }
		for name, row := range map[string]struct {
			value string
			bytes int
		}{
			"captcha_token": {ticket, 32}, "session_token": {token, 32},
			"sid": {text("sid"), 16}, "jti": {text("jti"), 16}, "sub": {strings.TrimPrefix(text("sub"), "u_"), 16},
		} {
			if random, err := base64.RawURLEncoding.DecodeString(row.value); err != nil || len(random) != row.bytes {
				t.Errorf("%s: %q is not %d bytes", name, row.value, row.bytes)
			}
		}
	})
}
