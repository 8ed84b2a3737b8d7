package auth_test

import (
	"crypto/sha256"
	"math/bits"
	"strconv"

	"example.com/mailkey/captcha"
)

// solvePow finds an answer as the contract describes it.
func solvePow(p captcha.Proof) string {
	for n := 0; ; n++ {
		answer := strconv.Itoa(n)
		sum := sha256.Sum256([]byte(p.Salt + answer))
		zeros := 0
		for _, b := range sum {
			zeros += bits.LeadingZeros8(b)
			if b != 0 {
				break
			}
		}
		if zeros >= p.Difficulty {
			return answer
		}
	}
}
