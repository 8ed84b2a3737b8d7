package storage

import (
	"context"
	"time"
)

// Challenge is one mailed code, or rather everything but the code: the code
// is derived from the challenge and a secret that the store never sees.
type Challenge struct {
	ID        []byte    // random
	Binding   []byte    // key of address, client, device and purpose together; begins with the key of the address
	SecretID  string    // which secret the code is derived with
	Level     int       // how long the code is
	UserID    string    // the id that a new user of the address gets
	ExpiresAt time.Time // of the code
}

// CodeRequest asks for a code to be mailed.
type CodeRequest struct {
	Binding []byte // key of address, client, device and purpose together; begins with Address
	Address []byte // key of the address; all of one length
	Device  []byte // key of the device

	// What the mail has to know, see Mail. It goes to the MailTo of the user with
	// this Email, if there is one when it is claimed, else to the request's: whoever
	// asks for it does the same for every address, and waits as long.
	Email    string
	MailTo   string
	Language string
	ClientID string
	Purpose  string

	// Used when a new challenge is made rather than the living one mailed
	// again.
	ChallengeID []byte        // random
	SecretID    string        // which secret the code is derived with
	MinLevel    int           // the least length of the code
	Lifetime    time.Duration // of the code

	UserID     string // used when the address was never heard of
	MaxPending int    // mails that may wait in the outbox, see Room
}

// Room is how many mails may wait in the outbox when a device asks for one more.
// A tenth of MaxPending is for devices that logged in to the address before:
// strangers who have mails sent to whomever cannot fill it up.
func (r CodeRequest) Room(known bool) int {
	if known {
		return r.MaxPending
	}
	return r.MaxPending - r.MaxPending/10
}

// CodeRequested is what became of a [CodeRequest].
type CodeRequested struct {
	Full      bool          // the outbox is full; nothing was changed
	Wait      time.Duration // above 0: a limit of the address refuses; nothing was changed
	ExpiresAt time.Time     // of the code that is mailed
	NextIn    time.Duration // how long until the address's limits allow the next request
}

// Guess is one attempt to redeem a code.
type Guess struct {
	Binding     []byte // key of address, client, device and purpose together; begins with Address
	ChallengeID []byte // the challenge that the guess was compared with; empty: there was none
	Address     []byte // key of the address
	Device      []byte // key of the device

	// Right is the outcome of the comparison. What follows is used only when
	// it is true.
	Right    bool
	Refuse   bool   // spend the code, but let nobody in
	Register bool   // create the user if there is none
	Email    string // folded: finds the user, or is a new one's
	MailTo   string // the spelling that a new user's mail goes to

	// Session is to be created, unless its TokenHash is empty: then it is kept
	// elsewhere. Its UserID is the user's, or a new user's.
	Session     Session
	MaxSessions int // live ones that one user may have at one client: the oldest are ended
}

// GuessResult is the answer to a guess.
type GuessResult int

// The answers to a guess. Only LoggedIn grants anything.
const (
	GuessGone     GuessResult = iota // no live challenge: nothing was counted
	GuessWrong                       // counted
	GuessLimited                     // the device has to wait: nothing was counted
	GuessRefused                     // right, and the code is spent: the caller refuses
	GuessNoUser                      // right, and the code is spent: no such user
	GuessDisabled                    // right, and the code is spent: the user is disabled
	GuessLoggedIn                    // right: the session exists
)

// Redeemed is what became of a [Guess].
type Redeemed struct {
	Result  GuessResult   // the answer
	Wait    time.Duration // with GuessLimited: how long
	User    User          // with GuessLoggedIn: whose session it is
	NewUser bool          // with GuessLoggedIn: the user was created now
}

// Challenges issues and redeems codes.
type Challenges interface {
	// RequestCode asks for a code to be mailed, in this order: the outbox has
	// room for one of this device; the address's limits allow it, for a device
	// that logged in before or for a stranger; then the challenge of the binding
	// is put into the outbox. That is the living one, when it was not used, has guesses left,
	// lives for at least half of the lifetime still, was made with the same
	// secret and is long enough; else a new one that replaces it, with the
	// level that the address's failures ask for, and at least MinLevel. There
	// is one challenge per binding.
	RequestCode(ctx context.Context, r CodeRequest, l AddressLimits, now time.Time) (CodeRequested, error)

	// FindChallenge returns the binding's challenge; ok is false when there is
	// none, or when it was used, expired or out of guesses.
	FindChallenge(ctx context.Context, binding []byte, l AddressLimits, now time.Time) (c Challenge, ok bool, err error)

	// GuessWait returns how long the device has to wait until it may guess at a
	// code of the address, 0 when it may now; and the level that the address's
	// failures ask for, below which a code is gone. The caller asks before it
	// compares anything: what is compared will be counted.
	GuessWait(ctx context.Context, address, device []byte, l AddressLimits, now time.Time) (wait time.Duration, level int, err error)

	// Redeem counts the guess and, when it is right and allowed, redeems the
	// challenge: finds or creates the user, checks that it is enabled, creates
	// the session, remembers the device, forgives the guesses that went wrong
	// before at this challenge and takes its mail out of the outbox, even one
	// that is on its way. All of it is durable, or none.
	//
	// A challenge takes l.GuessesPerCode guesses, the right one included. It is
	// gone when used, expired, replaced, out of guesses, or shorter than the
	// address's level by now. Of parallel right guesses exactly one is not
	// told GuessGone; of parallel wrong ones exactly l.GuessesPerCode are
	// told GuessWrong. A guess at a challenge that is gone counts nowhere.
	//
	// A guess of a device that has to wait is told GuessLimited and counts
	// nowhere. The caller has asked GuessWait before, so it came at the same
	// moment as others; if it is right it spends the challenge all the same, so
	// that nobody gains by finding out.
	//
	// A user whose id is not Session.UserID is an error: the caller looked
	// before somebody else changed it.
	Redeem(ctx context.Context, g Guess, l AddressLimits, now time.Time) (Redeemed, error)

	// FailuresByHour returns how many wrong guesses were counted, in all, in
	// each of the last n hours, the current one last.
	FailuresByHour(ctx context.Context, n int, now time.Time) ([]int, error)
}
