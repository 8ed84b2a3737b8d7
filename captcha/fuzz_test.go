package captcha_test

import (
	"crypto/sha256"
	"testing"
	"unicode/utf8"

	"example.com/mailkey/captcha"
)

// FuzzAnswer checks that no answer but the exact one is right, for states that
// New makes and for others.
func FuzzAnswer(f *testing.F) {
	for _, state := range []string{"482913", "000000", "\x10MAILKEYSALT", "\x01s", "\x00s", ""} {
		for _, code := range []string{
			"482913", "000000", "9962", "0", "", " 482913", "482 913", "482,913", "+00000", "1e5", "0x1",
			"NaN", "Infinity", "1e309", "４８２９１３", "\x00\x00\x00\x00\x00\x00", "\xff", `{"x":1}`,
		} {
			f.Add([]byte(state), code, "")
		}
		f.Add([]byte(state), "", `{"x":237.0,"y":5.0}`)
		f.Add([]byte(state), "482913", "482913")
	}
	digits, pow := captcha.Digits(), captcha.ProofOfWork(0)
	f.Fuzz(func(t *testing.T, state []byte, code, point string) {
		before, a := string(state), captcha.Answer{Code: code, Point: point}
		if digits.Check(state, a) {
			if point != "" || code != before || len(code) != 6 {
				t.Errorf("digits %q: %q is right", state, a)
			}
			for _, c := range []byte(code) {
				if c < '0' || c > '9' {
					t.Errorf("digits %q: %q is right", state, a)
				}
			}
		}
		if pow.Check(state, a) {
			sum := sha256.Sum256([]byte(before[1:] + code))
			if point != "" || code == "" || len(code) > 64 || !utf8.ValidString(code) ||
				state[0] == 0 || sum[0]>>(8-min(8, state[0])) != 0 {
				t.Errorf("proof of work %q: %q is right", state, a)
			}
		}
		if digits.Check(state, a) != digits.Check(state, a) || pow.Check(state, a) != pow.Check(state, a) {
			t.Error("Check is not pure")
		}
		if string(state) != before {
			t.Error("Check changed the state")
		}
	})
}

// FuzzToken checks that strings which are no token are wrong without a look at
// the store.
func FuzzToken(f *testing.F) {
	store := newFakeStore()
	s, err := captcha.New(captcha.Config{Store: store})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("")
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB")
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n")
	f.Fuzz(func(t *testing.T, token string) {
		before := store.calls
		if ok, err := s.Verify(t.Context(), token, captcha.Answer{Code: "482913"}); ok || err != nil {
			t.Errorf("Verify: %v, error %v", ok, err)
		}
		if len(token) != 43 && store.calls != before {
			t.Errorf("the store was asked for %q", token)
		}
	})
}
