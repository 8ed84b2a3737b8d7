package storage

import (
	"context"
	"time"
)

// Captcha is one graphic challenge that waits for its one answer.
type Captcha struct {
	ID        []byte    // hash of the token that the client holds
	Kind      string    // which engine checks the answer
	State     []byte    // what that engine needs to check it, sealed by the caller
	Peer      []byte    // key of the peer that asked for it
	ExpiresAt time.Time // from then on it is gone
}

// Captchas keeps challenges until they are answered.
type Captchas interface {
	// PutCaptcha stores c. At most perPeer captchas of one peer and total
	// captchas in all are kept, or for each instance a hundredth more: the oldest
	// make room.
	PutCaptcha(ctx context.Context, c Captcha, perPeer, total int) error

	// TakeCaptcha removes the captcha and returns it; ok is false when there
	// is none with that id or when it expired. Of parallel calls one gets it.
	TakeCaptcha(ctx context.Context, id []byte, now time.Time) (c Captcha, ok bool, err error)

	// HearCaptcha counts one playing of the captcha's audio and returns the
	// captcha; ok is false when there is none, when it expired, or when it was
	// played limit times already. It never prolongs the captcha's life.
	HearCaptcha(ctx context.Context, id []byte, limit int, now time.Time) (c Captcha, ok bool, err error)
}
