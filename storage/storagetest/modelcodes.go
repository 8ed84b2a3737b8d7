package storagetest

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"example.com/mailkey/storage"
)

type modelChallenge struct {
	storage.Mail
	email     string // of whose user's MailTo it is mailed to, if there is one
	address   []byte
	createdAt time.Time
	guesses   int
	used      bool

	due     time.Time // zero: nothing to mail
	claimed int       // the Number that somebody claimed; 0: nobody
	unknown int       // attempts at the Number that ended nobody knows how
}

func (c *modelChallenge) lives(l storage.AddressLimits, now time.Time) bool {
	return !c.used && now.Before(c.ExpiresAt) && c.guesses < l.GuessesPerCode
}

// drop ends the delivery.
func (c *modelChallenge) drop() { c.due, c.claimed = time.Time{}, 0 }

func (m *model) challenge(binding []byte) *modelChallenge {
	for _, c := range m.challenges {
		if bytes.Equal(c.Binding, binding) {
			return c
		}
	}
	return nil
}

func (m *model) address(key []byte) *storage.Address {
	if m.addresses[string(key)] == nil {
		m.addresses[string(key)] = new(storage.Address)
	}
	return m.addresses[string(key)]
}

func (m *model) RequestCode(_ context.Context, r storage.CodeRequest, l storage.AddressLimits, now time.Time) (done storage.CodeRequested, err error) {
	now = stored(now)
	pending := 0
	for _, c := range m.challenges {
		if !c.due.IsZero() {
			pending++
		}
	}
	a, known := m.address(r.Address), m.devices[[2]string{string(r.Address), string(r.Device)}]
	wait := a.SendWait(now, known, l)
	switch {
	case pending >= r.Room(known):
		return storage.CodeRequested{Full: true}, nil
	case wait > 0:
		return storage.CodeRequested{Wait: wait}, nil
	}
	a.UserID = cmp.Or(a.UserID, r.UserID)
	a.AddSend(now, known)

	level, c := max(r.MinLevel, a.Level(now, l)), m.challenge(r.Binding)
	if c == nil || !c.lives(l, now) || c.SecretID != r.SecretID || c.Level < level || c.ExpiresAt.Sub(now) < r.Lifetime/2 {
		m.challenges = slices.DeleteFunc(m.challenges, func(old *modelChallenge) bool { return old == c })
		c = &modelChallenge{address: r.Address, createdAt: now}
		c.Challenge = storage.Challenge{
			ID: r.ChallengeID, Binding: r.Binding, SecretID: r.SecretID, Level: level, UserID: a.UserID,
			ExpiresAt: stored(now.Add(r.Lifetime)),
		}
		c.ClientID, c.Purpose = r.ClientID, r.Purpose
		m.challenges = append(m.challenges, c)
	}
	c.To, c.Language, c.email = r.MailTo, r.Language, r.Email
	c.Number++
	c.unknown = 0
	if c.claimed == 0 || !now.Before(c.due) { // nobody is at it
		c.claimed, c.due = 0, now
	}
	return storage.CodeRequested{ExpiresAt: c.ExpiresAt, NextIn: a.SendWait(now, known, l)}, nil
}

func (m *model) FindChallenge(_ context.Context, binding []byte, l storage.AddressLimits, now time.Time) (storage.Challenge, bool, error) {
	c := m.challenge(binding)
	if c == nil || !c.lives(l, now) {
		return storage.Challenge{}, false, nil
	}
	return c.Challenge, true, nil
}

func (m *model) GuessWait(_ context.Context, address, device []byte, l storage.AddressLimits, now time.Time) (wait time.Duration, level int, err error) {
	a := m.address(address)
	return a.GuessWait(now, m.devices[[2]string{string(address), string(device)}], l), a.Level(now, l), nil
}

func (m *model) Redeem(_ context.Context, g storage.Guess, l storage.AddressLimits, now time.Time) (done storage.Redeemed, err error) {
	now = stored(now)
	device := [2]string{string(g.Address), string(g.Device)}
	a, known, c := m.address(g.Address), m.devices[device], m.challenge(g.Binding)
	wait := a.GuessWait(now, known, l)
	gone := c == nil || !bytes.Equal(c.ID, g.ChallengeID) || !c.lives(l, now) || c.Level < a.Level(now, l)
	switch {
	case wait > 0:
		if g.Right && !gone {
			c.used = true
			c.drop()
		}
		return storage.Redeemed{Result: storage.GuessLimited, Wait: wait}, nil
	case gone:
		return storage.Redeemed{Result: storage.GuessGone}, nil
	case !g.Right:
		c.guesses++
		a.AddFailure(now, storage.DayOf(c.createdAt), known)
		m.failures[now.Unix()/3600]++
		return storage.Redeemed{Result: storage.GuessWrong}, nil
	}
	if done, err = m.logIn(g, a.UserID, now); err != nil {
		return storage.Redeemed{}, err
	}
	c.used = true
	c.drop()
	if done.Result == storage.GuessLoggedIn {
		m.devices[device] = true
		a.Forgive(storage.DayOf(c.createdAt), c.guesses, known)
	}
	return done, nil
}

func (m *model) FailuresByHour(_ context.Context, n int, now time.Time) ([]int, error) {
	hours := make([]int, n)
	for i := range hours {
		hours[i] = m.failures[now.Unix()/3600-int64(n-1-i)]
	}
	return hours, nil
}

func (m *model) ClaimMails(_ context.Context, limit int, lease, minLife time.Duration, now time.Time) (mails []storage.Mail, err error) {
	now = stored(now)
	slices.SortFunc(m.challenges, func(a, b *modelChallenge) int {
		return cmp.Or(a.due.Compare(b.due), bytes.Compare(a.ID, b.ID))
	})
	for _, c := range m.challenges {
		if c.due.IsZero() || now.Before(c.due) {
			continue
		}
		if c.claimed == c.Number { // nobody knows how that ended
			c.unknown, c.claimed = c.unknown+1, 0
		}
		if c.unknown > 1 || !now.Before(c.ExpiresAt) || c.ExpiresAt.Sub(now) < minLife {
			c.drop()
		} else if len(mails) < limit {
			c.due, c.claimed = stored(now.Add(lease)), c.Number
			c.Try++
			mail := c.Mail
			if u := m.byEmail(c.email); u != nil {
				mail.To = u.MailTo
			}
			mails = append(mails, mail)
		}
	}
	return mails, nil
}

func (m *model) FinishMail(_ context.Context, mail storage.Mail, r storage.MailResult, now time.Time) error {
	c := m.challenge(mail.Binding)
	if c == nil || !bytes.Equal(c.ID, mail.ID) || c.Try != mail.Try || c.claimed == 0 {
		return nil
	}
	c.claimed = 0
	if c.Number > mail.Number { // asked for again
		c.due = stored(now)
		return nil
	}
	if r.Unknown {
		c.unknown++
	}
	c.due = stored(r.RetryAt)
	if c.unknown > 1 {
		c.drop()
	}
	return nil
}

func (m *model) Beat(_ context.Context, now time.Time) error {
	if now = stored(now); now.After(m.beat) {
		m.beat = now
	}
	return nil
}

func (m *model) LastBeat(context.Context) (time.Time, error) { return m.beat, nil }
