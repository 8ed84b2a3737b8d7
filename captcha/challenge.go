package captcha

import (
	"fmt"
	"log/slog"
	"time"
)

// Challenge is one puzzle for one client. It prints and logs without its
// token and without the puzzle.
type Challenge struct {
	Token     string    // goes back with the answer: 43 characters of base64url, nothing can be read from it
	Kind      string    // of the engine that made the puzzle
	ExpiresAt time.Time // from then on no answer is right
	Puzzle
}

// Puzzle is what the client gets to see. Engines fill in what their kind needs.
type Puzzle struct {
	Image []byte // PNG
	Piece []byte // PNG of a piece that belongs somewhere in Image
	Proof *Proof // what to find instead
}

// Proof asks for a proof of work, see [ProofOfWork].
type Proof struct {
	Algorithm  string `json:"algorithm"`  // "SHA-256"
	Salt       string `json:"salt"`       // what the answer is appended to
	Difficulty int    `json:"difficulty"` // leading zero bits
}

// Answer is what the client sends back. Engines look at one of the fields, take
// it literally, and count an answer that has the other one set as wrong.
type Answer struct {
	Code  string // what the person typed, or the proof of work
	Point string // where the person dropped the piece: the point_json of the wire
}

// String says what kind of challenge it is, and no secret.
func (c Challenge) String() string {
	return fmt.Sprintf("%s captcha until %s", c.Kind, c.ExpiresAt.UTC().Format(time.RFC3339))
}

// LogValue is what package log/slog writes for a challenge.
func (c Challenge) LogValue() slog.Value {
	return slog.GroupValue(slog.String("kind", c.Kind), slog.Time("expires_at", c.ExpiresAt))
}
