package sqlstore

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"time"

	"example.com/mailkey/internal/failpoint"
	"example.com/mailkey/storage"
)

//go:embed queries/address_guess.sql
var addressGuess string

//go:embed queries/challenge_redeem.sql
var challengeRedeem string

//go:embed queries/challenge_lock.sql
var challengeLock string

//go:embed queries/challenge_miss.sql
var challengeMiss string

//go:embed queries/failure_count.sql
var failureCount string

//go:embed queries/failure_hours.sql
var failureHours string

// GuessWait implements [storage.Challenges].
func (s *Store) GuessWait(ctx context.Context, address, device []byte, l storage.AddressLimits, now time.Time) (wait time.Duration, level int, err error) {
	row, ok, err := get[struct {
		State string
		Known bool
	}](s.db.Read(ctx), addressGuess, address, device, decoyOf(address), address)
	if err != nil || !ok {
		return 0, 0, err
	}
	a, err := storage.DecodeAddress([]byte(row.State))
	if err != nil {
		return 0, 0, err
	}
	return a.GuessWait(now, row.Known, l), a.Level(now, l), nil
}

// Redeem implements [storage.Challenges].
func (s *Store) Redeem(ctx context.Context, g storage.Guess, l storage.AddressLimits, now time.Time) (out storage.Redeemed, err error) {
	err = s.db.Transact(ctx, func(tx Conn) error {
		out, err = redeem(tx, g, l, now)
		return err
	})
	if err != nil {
		return storage.Redeemed{}, err
	}
	return out, nil
}

func redeem(tx Conn, g storage.Guess, l storage.AddressLimits, now time.Time) (storage.Redeemed, error) {
	key, address, err := lockAddress(tx, g.Address)
	if err != nil {
		return storage.Redeemed{}, err
	}
	if !bytes.Equal(key, g.Address) { // a decoy: no code was ever mailed
		g.ChallengeID = nil
	}
	known, err := knownDevice(tx, g.Address, g.Device)
	if err != nil {
		return storage.Redeemed{}, err
	}
	wait, at := address.GuessWait(now, known, l), now.UnixMilli()
	limited := storage.Redeemed{Result: storage.GuessLimited, Wait: wait}
	if !g.Right {
		if wait > 0 {
			return limited, nil
		}
		return countMiss(tx, g, l, key, address, known, now)
	}

	spent, ok, err := get[struct {
		Guesses   int
		CreatedAt int64 `db:"created_at"`
	}](tx, challengeRedeem, at, g.Binding, blob(g.ChallengeID), at, l.GuessesPerCode, address.Level(now, l))
	switch {
	case err != nil:
		return storage.Redeemed{}, err
	case wait > 0:
		return limited, nil
	case !ok:
		return storage.Redeemed{Result: storage.GuessGone}, nil
	}
	if err := failpoint.Hit("redeem: counted"); err != nil {
		return storage.Redeemed{}, err
	}
	out, err := logIn(tx, g, address, now)
	if err != nil || out.Result != storage.GuessLoggedIn {
		return out, err
	}
	if err := failpoint.Hit("redeem: session stored"); err != nil {
		return out, err
	}
	if err := rememberDevice(tx, g.Address, g.Device, now); err != nil || spent.Guesses == 0 {
		return out, err
	}
	address.Forgive(dayOf(spent.CreatedAt), spent.Guesses, known)
	return out, saveAddress(tx, g.Address, address)
}

// countMiss counts a wrong guess, if there is a challenge to guess at; if not,
// it does as much. There is no row of a challenge that was swept while this
// waited for it: then nothing is alive, and nothing changes.
func countMiss(tx Conn, g storage.Guess, l storage.AddressLimits, key []byte, address *storage.Address, known bool, now time.Time) (storage.Redeemed, error) {
	missed, _, err := get[struct {
		Binding   []byte
		CreatedAt int64 `db:"created_at"`
		Alive     bool
	}](tx, challengeLock, blob(g.ChallengeID), now.UnixMilli(), l.GuessesPerCode, address.Level(now, l), decoyOf(g.Binding), g.Binding)
	if err != nil {
		return storage.Redeemed{}, err
	}
	result, n := storage.GuessGone, 0
	if missed.Alive {
		result, n = storage.GuessWrong, 1
		address.AddFailure(now, dayOf(missed.CreatedAt), known)
	}
	err = exec(tx, challengeMiss, n, missed.Binding)
	if err == nil {
		err = failpoint.Hit("redeem: counted")
	}
	if err != nil {
		return storage.Redeemed{}, err
	}
	// It is remembered from when the code was asked for, which is not long ago.
	if err := saveAddress(tx, key, address); err != nil {
		return storage.Redeemed{}, err
	}
	return storage.Redeemed{Result: result}, exec(tx, failureCount, hourOf(now), shardOf(g.Address), n)
}

func dayOf(ms int64) int64 { return storage.DayOf(time.UnixMilli(ms)) }

// logIn lets the owner of the mailbox in, or says why not.
func logIn(tx Conn, g storage.Guess, address *storage.Address, now time.Time) (storage.Redeemed, error) {
	if g.Refuse {
		return storage.Redeemed{Result: storage.GuessRefused}, nil
	}
	user, found, err := findUser(tx, userSeen, now.UnixMilli(), g.Email)
	switch {
	case err != nil:
		return storage.Redeemed{}, err
	case !found && !g.Register:
		return storage.Redeemed{Result: storage.GuessNoUser}, nil
	case !found && g.Session.UserID != address.UserID, found && g.Session.UserID != user.ID:
		return storage.Redeemed{}, fmt.Errorf("redeem: the user of the address changed: %w", storage.ErrConflict)
	case found && !user.DisabledAt.IsZero():
		return storage.Redeemed{Result: storage.GuessDisabled}, nil
	}
	if !found {
		user = storage.User{ID: g.Session.UserID, Email: g.Email, MailTo: g.MailTo, CreatedAt: now, LastLoginAt: now}
		if err := insertUser(tx, user); err != nil {
			return storage.Redeemed{}, err
		}
	}
	if err := failpoint.Hit("redeem: user found"); err != nil {
		return storage.Redeemed{}, err
	}
	if g.Session.TokenHash != "" {
		if err := insertSession(tx, g.Session, g.MaxSessions, now); err != nil {
			return storage.Redeemed{}, err
		}
	}
	return storage.Redeemed{Result: storage.GuessLoggedIn, User: storedUser(user), NewUser: !found}, nil
}

// FailuresByHour implements [storage.Challenges].
func (s *Store) FailuresByHour(ctx context.Context, n int, now time.Time) ([]int, error) {
	last := hourOf(now)
	var rows []struct {
		Hour int64
		N    int
	}
	if err := s.db.Read(ctx).Select(&rows, failureHours, last-int64(n), last); err != nil {
		return nil, err
	}
	hours := make([]int, n)
	for _, r := range rows {
		hours[n-1-int(last-r.Hour)] = r.N
	}
	return hours, nil
}

func hourOf(t time.Time) int64 { return t.UnixMilli() / time.Hour.Milliseconds() }
