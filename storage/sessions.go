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

// LiveSession is what a request has to know about the session that it came
// with.
type LiveSession struct {
	TokenHash  string
	ID         string
	UserID     string
	Email      string // of the user, folded
	ClientID   string
	Data       []byte
	CreatedAt  time.Time
	LastSeenAt time.Time
	ExpiresAt  time.Time
}

// Sessions keeps sessions. They are created by [Challenges.Redeem] alone, so
// a session without a redeemed code cannot exist.
type Sessions interface {
	// FindSession returns the live session with that token hash; ok is false
	// when there is none, when it expired or was ended, and when the user is
	// disabled. Every request of somebody who is signed in calls it.
	FindSession(ctx context.Context, tokenHash string, now time.Time) (s LiveSession, ok bool, err error)

	// SaveSessionData replaces the session's Data; ok is false, and nothing
	// was written, when the session is not live any more.
	SaveSessionData(ctx context.Context, tokenHash string, data []byte, now time.Time) (ok bool, err error)

	// EndSession ends the session for good; ok is false when there was no
	// live one with that token hash.
	EndSession(ctx context.Context, tokenHash string, now time.Time) (ok bool, err error)

	// EndSessions ends the live sessions that which names, and reports how many
	// there were. Those of everybody may be ended a little at a time: when it
	// fails some have ended, and who logs in meanwhile may stay.
	EndSessions(ctx context.Context, which SessionFilter, now time.Time) (n int, err error)

	// ListSessions returns the live sessions of the user, the newest first.
	ListSessions(ctx context.Context, userID string, now time.Time) ([]Session, error)

	// TouchSession sets LastSeenAt of the session to now, if it is live and was
	// not seen later.
	TouchSession(ctx context.Context, tokenHash string, now time.Time) error

	// RotateSession gives the live session with the token hash old the token
	// hash next, and ok is true; the old one is dead from then on. When exactly
	// that was done less than grace ago and the session is still live, ok is
	// true as well: the caller is trying again. Otherwise it is false.
	RotateSession(ctx context.Context, old, next string, grace time.Duration, now time.Time) (ok bool, err error)
}

// SessionFilter names sessions. The zero value names all there are.
type SessionFilter struct {
	UserID   string // of this user
	ID       string // this one
	ExceptID string // but not this one
}
