package captcha

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"
)

const (
	defaultDifficulty = 16
	maxDifficulty     = 32
	maxProof          = 64 // characters
)

// ProofOfWork asks the client's machine rather than the person: for people who
// can use neither picture nor sound, and for programs of the operator's own.
//
// The right Answer.Code is any valid UTF-8 of 1 to 64 characters such that the
// SHA-256 of the puzzle's salt followed by it begins with at least difficulty
// zero bits. Finding one takes 2^difficulty hashes on average, checking it
// takes one. 0 means 16, a moment in a browser; [New] accepts up to 32.
func ProofOfWork(difficulty int) Engine {
	if difficulty == 0 {
		difficulty = defaultDifficulty
	}
	return proofOfWork(difficulty)
}

// proofOfWork is the difficulty.
type proofOfWork int

func (proofOfWork) Kind() string { return "pow" }

// New's state is the difficulty in one byte, followed by the salt.
func (d proofOfWork) New() ([]byte, Puzzle, error) {
	salt := rand.Text()
	p := Proof{Algorithm: "SHA-256", Salt: salt, Difficulty: int(d)}
	return append([]byte{byte(d)}, salt...), Puzzle{Proof: &p}, nil
}

func (proofOfWork) Check(_ context.Context, state []byte, a Answer) (bool, error) {
	if len(state) < 2 || state[0] < 1 || state[0] > maxDifficulty {
		return false, nil
	}
	if a.Point != "" || a.Code == "" || len(a.Code) > maxProof*utf8.UTFMax ||
		!utf8.ValidString(a.Code) || utf8.RuneCountInString(a.Code) > maxProof {
		return false, nil
	}
	difficulty, salt := int(state[0]), state[1:]
	sum := sha256.Sum256(append(slices.Clip(salt), a.Code...))
	return bits.LeadingZeros64(binary.BigEndian.Uint64(sum[:])) >= difficulty, nil
}
