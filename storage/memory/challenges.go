package memory

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"example.com/mailkey/storage"
)

type challenge struct {
	storage.Mail
	email     string // of whose user's MailTo it is mailed to, if there is one
	createdAt time.Time
	used      bool
	guesses   int
	delivery  delivery
}

// live reports whether c takes another guess.
func (c *challenge) live(l storage.AddressLimits, now time.Time) bool {
	return !c.used && !past(c.ExpiresAt, now) && c.guesses < l.GuessesPerCode
}

// RequestCode implements [storage.Challenges].
func (s *Store) RequestCode(ctx context.Context, r storage.CodeRequest, l storage.AddressLimits, now time.Time) (done storage.CodeRequested, err error) {
	if err := s.lock(ctx); err != nil {
		return done, err
	}
	defer s.mu.Unlock()
	now = ms(now)

	a, known := s.address(r.Address), s.known(r.Address, r.Device)
	if len(s.outbox) >= r.Room(known) {
		return storage.CodeRequested{Full: true}, nil
	}
	if wait := a.SendWait(now, known, l); wait > 0 {
		return storage.CodeRequested{Wait: wait}, nil
	}
	a.AddSend(now, known)
	if a.UserID == "" {
		a.UserID = r.UserID
	}
	s.touch(r.Address, a, now)

	c := s.challenges[string(r.Binding)]
	again := c != nil && c.live(l, now) && c.Level >= max(r.MinLevel, a.Level(now, l)) &&
		c.SecretID == r.SecretID && c.ExpiresAt.Sub(now) >= r.Lifetime/2
	if !again {
		c = &challenge{createdAt: now}
		c.Challenge = cloneChallenge(storage.Challenge{
			ID:        r.ChallengeID,
			Binding:   r.Binding,
			SecretID:  r.SecretID,
			Level:     max(r.MinLevel, a.Level(now, l)),
			UserID:    a.UserID,
			ExpiresAt: ms(now.Add(r.Lifetime)),
		})
		s.challenges[string(r.Binding)] = c
	}
	s.post(c, r, now)
	return storage.CodeRequested{ExpiresAt: c.ExpiresAt, NextIn: a.SendWait(now, known, l)}, nil
}

// FindChallenge implements [storage.Challenges].
func (s *Store) FindChallenge(ctx context.Context, binding []byte, l storage.AddressLimits, now time.Time) (c storage.Challenge, ok bool, err error) {
	if err := s.lock(ctx); err != nil {
		return c, false, err
	}
	defer s.mu.Unlock()

	row := s.challenges[string(binding)]
	if row == nil || !row.live(l, now) {
		return c, false, nil
	}
	return cloneChallenge(row.Challenge), true, nil
}

// GuessWait implements [storage.Challenges].
func (s *Store) GuessWait(ctx context.Context, address, device []byte, l storage.AddressLimits, now time.Time) (wait time.Duration, level int, err error) {
	if err := s.lock(ctx); err != nil {
		return 0, 0, err
	}
	defer s.mu.Unlock()
	a := s.address(address)
	return a.GuessWait(now, s.known(address, device), l), a.Level(now, l), nil
}

// Redeem implements [storage.Challenges].
func (s *Store) Redeem(ctx context.Context, g storage.Guess, l storage.AddressLimits, now time.Time) (done storage.Redeemed, err error) {
	if err := s.lock(ctx); err != nil {
		return done, err
	}
	defer s.mu.Unlock()
	now = ms(now)

	a, known := s.address(g.Address), s.known(g.Address, g.Device)
	c := s.challenges[string(g.Binding)]
	gone := c == nil || !bytes.Equal(c.ID, g.ChallengeID) || !c.live(l, now) || c.Level < a.Level(now, l)
	if wait := a.GuessWait(now, known, l); wait > 0 {
		if g.Right && !gone {
			c.used = true
			s.dropMail(c)
		}
		return storage.Redeemed{Result: storage.GuessLimited, Wait: wait}, nil
	}
	if gone {
		return storage.Redeemed{Result: storage.GuessGone}, nil
	}
	if !g.Right {
		c.guesses++
		a.AddFailure(now, storage.DayOf(c.createdAt), known)
		s.failures[hourOf(now)]++
		return storage.Redeemed{Result: storage.GuessWrong}, nil
	}

	u, result, err := s.admit(g, a.UserID, now)
	if err != nil {
		return done, err
	}
	// Nothing can fail from here on.
	c.used = true
	s.dropMail(c)
	if result != storage.GuessLoggedIn {
		return storage.Redeemed{Result: result}, nil
	}
	newUser := s.logIn(u, g, now)
	s.devices[device{string(g.Address), string(g.Device)}] = now
	a.Forgive(storage.DayOf(c.createdAt), c.guesses, known)
	return storage.Redeemed{Result: result, User: *u, NewUser: newUser}, nil
}

// admit says whom a right guess lets in, if anybody; a user that there was not
// before is not stored yet.
func (s *Store) admit(g storage.Guess, newUserID string, now time.Time) (*storage.User, storage.GuessResult, error) {
	id, u := g.Session.UserID, s.usersByEmail[g.Email]
	switch {
	case g.Refuse:
		return nil, storage.GuessRefused, nil
	case u == nil && !g.Register:
		return nil, storage.GuessNoUser, nil
	case u == nil && (id != newUserID || s.users[id] != nil), u != nil && u.ID != id:
		return nil, 0, fmt.Errorf("redeem: the user is not %s: %w", id, storage.ErrConflict)
	case u != nil && !u.DisabledAt.IsZero():
		return nil, storage.GuessDisabled, nil
	case s.sessions[g.Session.TokenHash] != nil:
		return nil, 0, fmt.Errorf("redeem: a second session with one token: %w", storage.ErrConflict)
	case u == nil:
		u = &storage.User{ID: id, Email: g.Email, MailTo: g.MailTo, CreatedAt: now}
	}
	return u, storage.GuessLoggedIn, nil
}

// FailuresByHour implements [storage.Challenges].
func (s *Store) FailuresByHour(ctx context.Context, n int, now time.Time) ([]int, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()

	counts, first := make([]int, n), hourOf(now)-int64(n)+1
	for i := range counts {
		counts[i] = s.failures[first+int64(i)]
	}
	return counts, nil
}

func hourOf(t time.Time) int64 { return t.UnixMilli() / time.Hour.Milliseconds() }

func cloneChallenge(c storage.Challenge) storage.Challenge {
	c.ID, c.Binding = bytes.Clone(c.ID), bytes.Clone(c.Binding)
	return c
}
