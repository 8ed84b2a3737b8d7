package captcha_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"strings"
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
		if isRight(digits, state, a) {
			if point != "" || code != before || len(code) != 6 {
				t.Errorf("digits %q: %q is right", state, a)
			}
			for _, c := range []byte(code) {
				if c < '0' || c > '9' {
					t.Errorf("digits %q: %q is right", state, a)
				}
			}
		}
		if isRight(pow, state, a) {
			sum := sha256.Sum256([]byte(before[1:] + code))
			if point != "" || code == "" || utf8.RuneCountInString(code) > 64 || !utf8.ValidString(code) ||
				state[0] == 0 || sum[0]>>(8-min(8, state[0])) != 0 {
				t.Errorf("proof of work %q: %q is right", state, a)
			}
		}
		if isRight(digits, state, a) != isRight(digits, state, a) || isRight(pow, state, a) != isRight(pow, state, a) {
			t.Error("Check is not pure")
		}
		if string(state) != before {
			t.Error("Check changed the state")
		}
	})
}

// FuzzPoint checks that a right answer to a slider is the JSON that it looks
// like, and near the gap.
func FuzzPoint(f *testing.F) {
	for _, point := range []string{
		`{"x":237.0,"y":5.0}`, `{"y":5,"x":237}`, "{ \"x\" : 237.48387096774195 ,\t\"y\"\n:\r5.00 }", `{"x":0.5,"y":5.0}`,
		``, `{}`, `null`, `{"x":237.0}`, `{"x":237.0,"x":237.0,"y":5.0}`, `{"x":237.0,"y":5.0}{}`, `{"x":237.0,"y":5.0,}`,
		`{"x":2.37e2,"y":5.0}`, `{"x":+237,"y":5}`, `{"x":-237,"y":5}`, `{"x":0237,"y":5}`, `{"x":0xed,"y":5}`, `{"x":237.,"y":5}`,
		`{"x":NaN,"y":5.0}`, `{"x":Infinity,"y":5.0}`, `{"x":1e309,"y":5.0}`, `{"x":{"x":237},"y":5}`, `{"x":"237","y":5}`,
		`{"X":237.0,"Y":5.0}`, `{"\u0078":237.0,"y":5.0}`, `{"x":２３７,"y":5}`, "{\"x\":237\u00a0,\"y\":5}",
	} {
		f.Add(captcha.SliderState(237), point)
		f.Add([]byte{0}, point)
	}
	slider := captcha.Slider()
	f.Fuzz(func(t *testing.T, state []byte, text string) {
		if !isRight(slider, state, captcha.Answer{Point: text}) {
			return
		}
		var point map[string]json.Number
		if err := json.Unmarshal([]byte(text), &point); err != nil || len(point) != 2 {
			t.Fatalf("%q is right: %v, error %v", text, point, err)
		}
		x, xErr := point["x"].Float64()
		y, yErr := point["y"].Float64()
		if xErr != nil || yErr != nil || y != 5 || strings.ContainsAny(text, "eE+-_\\") ||
			strings.Count(text, ":") != 2 || len(point["x"]) > 21 || len(point["y"]) > 19 {
			t.Errorf("%q is right", text)
		}
		if want := float64(binary.BigEndian.Uint16(state)); len(state) != 2 || x < want-3 || x > want+3 || want < 20 || want > 263 {
			t.Errorf("state %v: %q is right", state, text)
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
