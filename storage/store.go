package storage

import (
	"context"
	"errors"
	"time"
)

// ErrConflict is returned (wrapped) by verbs that would break a uniqueness
// rule: two users with one address.
var ErrConflict = errors.New("storage: conflict")

// ErrBusy is returned (wrapped) when the store cannot take the work now:
// a lock held by another process, a full queue, a disk that is full. Nothing
// was changed, and the same call may succeed a moment later.
var ErrBusy = errors.New("storage: busy")

// ErrUncertain is returned (wrapped) when the store was lost before it said what
// became of the call: it was done as a whole, or not at all. To do it again is
// for callers who can bear that it is done twice.
var ErrUncertain = errors.New("storage: uncertain whether it was done")

// Clock is what a store has besides, if its instances share a clock: that of
// the database. It is never used to decide anything, but to notice that an
// instance's own is wrong.
type Clock interface {
	// Clock returns the time by the database's clock.
	Clock(ctx context.Context) (time.Time, error)
}

// Store is everything that mailkey keeps.
type Store interface {
	Captchas
	Tickets
	Limits
	Challenges
	Outbox
	Users
	Sessions
	Keys

	// Sweep removes at most limit rows of each kind that no verb can see any
	// more (expired, or past their use) and reports how many it removed in
	// all. The caller repeats it until it removes nothing. Sessions stay for
	// as long as they would have lived, so that a revoked one cannot be
	// written again. What does not expire by itself stays for [AddressLife],
	// [DeviceLife] and [FailureLife].
	Sweep(ctx context.Context, now time.Time, limit int) (removed int, err error)
}

// How long [Store.Sweep] leaves what does not expire by itself.
const (
	AddressLife = 366 * day // what an address remembers, after the day of its last mail: failures count for a year, and the rest of a day
	DeviceLife  = 400 * day // which devices an address knows, after their last login
	FailureLife = 8 * day   // the wrong guesses of an hour, after it: they are compared over a week
)
