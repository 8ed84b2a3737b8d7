package captcha_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"example.com/mailkey/captcha"
)

func TestProofOfWork_vectors(t *testing.T) {
	t.Parallel()
	const salt = "MAILKEYSALT"
	tests := []struct {
		answer string
		bits   int // that SHA-256(salt + answer) begins with
	}{
		{"4", 7}, // 01e63edc…
		{"217", 11},
		{"9962", 16}, // 0000ad59…
		{"1614888", 20},
		{"é10694", 15},
		{"验5533", 13},
		{"🔑3188", 13},
	}
	for _, tt := range tests {
		for difficulty := 1; difficulty <= 32; difficulty++ {
			state := append([]byte{byte(difficulty)}, salt...)
			got := isRight(captcha.ProofOfWork(difficulty), state, captcha.Answer{Code: tt.answer})
			if want := difficulty <= tt.bits; got != want {
				t.Errorf("answer %q at difficulty %d: %v, want %v", tt.answer, difficulty, got, want)
			}
		}
	}
}

func TestAbuse_A09_A10_proofOfWork(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		state  string
		answer captcha.Answer
		want   bool
	}{
		{"right", "\x10MAILKEYSALT", captcha.Answer{Code: "9962"}, true},
		{"space before", "\x10MAILKEYSALT", captcha.Answer{Code: " 9962"}, false},
		{"space after", "\x10MAILKEYSALT", captcha.Answer{Code: "9962 "}, false},
		{"zero before", "\x10MAILKEYSALT", captcha.Answer{Code: "09962"}, false},
		{"full width", "\x10MAILKEYSALT", captcha.Answer{Code: "９９６２"}, false},
		{"with the salt", "\x10MAILKEYSALT", captcha.Answer{Code: "MAILKEYSALT9962"}, false},
		{"another salt", "\x10MAILKEYPEPPER", captcha.Answer{Code: "9962"}, false},
		{"nothing", "\x01MAILKEYSALT", captcha.Answer{}, false},
		{"nothing at all", "", captcha.Answer{}, false},
		{"empty state", "", captcha.Answer{Code: "9962"}, false},
		{"no salt", "\x01", captcha.Answer{Code: proof("", "", 8)}, false},
		{"a salt of one byte", "\x01x", captcha.Answer{Code: proof("x", "", 8)}, true},
		{"no difficulty", "\x00MAILKEYSALT", captcha.Answer{Code: "9962"}, false},
		{"32 bits", "\x20MAILKEYSALT", captcha.Answer{Code: "24771655160"}, true},
		{"more than 32 bits", "\x21MAILKEYSALT", captcha.Answer{Code: "9962"}, false},
		{"64 bytes", "\x01salt", captcha.Answer{Code: proof("salt", "", 64)}, true},
		{"65 bytes", "\x01salt", captcha.Answer{Code: proof("salt", "", 65)}, false},
		{"64 characters of 2 bytes", "\x01salt", captcha.Answer{Code: proof("salt", strings.Repeat("é", 56), 120)}, true},
		{"65 characters of 2 bytes", "\x01salt", captcha.Answer{Code: proof("salt", strings.Repeat("é", 56), 121)}, false},
		{"64 characters of 4 bytes", "\x01salt", captcha.Answer{Code: strings.Repeat("😀", 63) + "😁"}, true},
		{"invalid UTF-8", "\x01salt", captcha.Answer{Code: proof("salt", "\xff", 9)}, false},
		{"point", "\x10MAILKEYSALT", captcha.Answer{Point: "9962"}, false},
		{"code and point", "\x10MAILKEYSALT", captcha.Answer{Code: "9962", Point: "{}"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := isRight(captcha.ProofOfWork(1), []byte(tt.state), tt.answer); got != tt.want {
				t.Errorf("Check(%q, %q) = %v, want %v", tt.state, tt.answer, got, tt.want)
			}
		})
	}
}

// proof finds a proof of work of one bit that has n bytes and ends as told.
func proof(salt, end string, n int) string {
	for i := 0; ; i++ {
		p := fmt.Sprintf("%0*d", n-len(end), i) + end
		if sha256.Sum256([]byte(salt + p))[0] < 0x80 {
			return p
		}
	}
}

func TestProofOfWork_puzzle(t *testing.T) {
	t.Parallel()
	for asked, want := range map[int]int{0: 16, 1: 1, 8: 8, 12: 12} {
		state, p, err := captcha.ProofOfWork(asked).New()
		if err != nil {
			t.Fatal(err)
		}
		if p.Proof.Algorithm != "SHA-256" || p.Proof.Difficulty != want || len(p.Proof.Salt) < 26 {
			t.Errorf("difficulty %d makes the puzzle %+v", asked, *p.Proof)
		}
		if p.Image != nil || p.Piece != nil {
			t.Error("a proof of work with pictures")
		}
		if a := solve(p.Proof); !isRight(captcha.ProofOfWork(5), state, a) { // whatever the checker's difficulty
			t.Errorf("%q does not solve %+v", a.Code, *p.Proof)
		}
		if _, again, _ := captcha.ProofOfWork(asked).New(); again.Proof.Salt == p.Proof.Salt {
			t.Error("two puzzles have the same salt")
		}
	}
}
