package storage

import (
	"context"
	"time"
)

// User is a person who once proved to own a mailbox.
type User struct {
	ID          string // random, stable, never given to anybody else
	Email       string // folded: the form that is compared
	MailTo      string // the spelling that mail goes to
	CreatedAt   time.Time
	LastLoginAt time.Time
	DisabledAt  time.Time // zero: enabled
	Generation  int64     // grows when the user is disabled or enabled: sessions that are kept elsewhere end with it
}

// Users finds and administers users. They are created by [Challenges.Redeem]
// alone.
type Users interface {
	// UserByID returns the user; ok is false when there is none.
	UserByID(ctx context.Context, id string) (u User, ok bool, err error)

	// UserByEmail returns the user with the folded address; ok is false when
	// there is none.
	UserByEmail(ctx context.Context, email string) (u User, ok bool, err error)

	// SetUserDisabled disables (at the given time) or, with the zero time,
	// enables a user; ok is false when there is none. Each call adds one to
	// Generation, and disabling ends all sessions of the user in the same step.
	SetUserDisabled(ctx context.Context, id string, at time.Time) (ok bool, err error)

	// ListUsers returns at most limit users, in the order of the bytes of their
	// ids, from the first id after the given one on.
	ListUsers(ctx context.Context, after string, limit int) ([]User, error)

	// ChangeEmail gives the user another address; ok is false when there is no
	// such user. An address that another user has is an error that wraps
	// ErrConflict. The old address is free: codes that were mailed to it are
	// gone, devices that logged in to it are strangers to it, and
	// leave.NextUserID is the id of whoever registers with it.
	ChangeEmail(ctx context.Context, id, email, mailTo string, leave LeftAddress) (ok bool, err error)

	// DeleteUser removes the user and all sessions of the user; ok is false when
	// there is none. The address is free, as after ChangeEmail.
	DeleteUser(ctx context.Context, id string, leave LeftAddress) (ok bool, err error)
}

// LeftAddress is an address that its user leaves.
type LeftAddress struct {
	Address    []byte // its key, as in CodeRequest; empty: none is left
	NextUserID string
}
