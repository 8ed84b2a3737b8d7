package storage

import (
	"context"
	"time"
)

// Session is one login on one device.
type Session struct {
	TokenHash  string // of the session_token, as scs makes it
	ID         string // public, random, not the token
	UserID     string
	ClientID   string
	Agent      string // what the client said about itself
	OS         string
	ClaimedIP  string // what the client said its address was; may be empty
	IP         string // the peer's address as the server saw it
	Data       []byte // the host's own session values, encoded by scs
	CreatedAt  time.Time
	LastSeenAt time.Time
	ExpiresAt  time.Time
}

// Sessions keeps sessions. They are created by [Challenges.Redeem] alone, so
// a session without a redeemed code cannot exist.
type Sessions interface {
	// FindSession returns the live session with that token hash and its user.
	// ok is false when there is none, when it expired or was ended, and when
	// the user is disabled.
	FindSession(ctx context.Context, tokenHash string, now time.Time) (s Session, u User, ok bool, err error)

	// SaveSessionData replaces the session's Data; ok is false, and nothing
	// was written, when the session is not live any more.
	SaveSessionData(ctx context.Context, tokenHash string, data []byte, now time.Time) (ok bool, err error)

	// EndSession ends the session for good; ok is false when there was no
	// live one with that token hash.
	EndSession(ctx context.Context, tokenHash string, now time.Time) (ok bool, err error)
}
