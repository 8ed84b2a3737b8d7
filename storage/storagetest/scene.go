package storagetest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"example.com/mailkey/storage"
)

const (
	lifetime    = 10 * minute // of a code
	sessionLife = 5 * day
	lease       = minute // of a claimed mail
	room        = 100    // mails that may wait
)

// roomy are limits that nobody reaches, but for the three guesses per code.
var roomy = storage.AddressLimits{
	PerHour: 1000, PerDay: 1000, StrangersPerHour: 1000, StrangersPerDay: 1000,
	GuessesPerCode: 3, Level1After: 1000, Level2After: 2000, StrangerGuessesPerDay: 1000,
	FirstWait: minute, LastWait: hour,
}

// scene is a store where visitors act. All times are after start.
type scene struct {
	storage.Store
	ctx    context.Context
	limits storage.AddressLimits
	probes int
}

func play(ctx context.Context, s storage.Store) *scene {
	return &scene{Store: s, ctx: ctx, limits: roomy}
}

func (w *scene) request(r storage.CodeRequest, now time.Duration) answer[storage.CodeRequested] {
	return value(w.RequestCode(w.ctx, r, w.limits, at(now)))
}

func (w *scene) redeem(g storage.Guess, now time.Duration) answer[storage.Redeemed] {
	return value(w.Redeem(w.ctx, g, w.limits, at(now)))
}

// asks has the visitors ask for their codes, each in its time.
func (w *scene) asks(visitors ...visitor) error {
	for _, v := range visitors {
		if err := w.waits(v, 0); err != nil {
			return err
		}
	}
	return nil
}

// waits has the visitor ask for a code and be told to wait.
func (w *scene) waits(v visitor, want time.Duration) error {
	a := w.request(v.request(), v.asked)
	if a.got.Full {
		return fmt.Errorf("%s: the outbox is full", where())
	}
	return answer[time.Duration]{a.got.Wait, true, a.err}.is(want)
}

// guesses has the visitor guess and be told the result.
func (w *scene) guesses(v visitor, right bool, now time.Duration, want storage.GuessResult) error {
	a := w.redeem(v.guess(right, now), now)
	return answer[storage.GuessResult]{a.got.Result, true, a.err}.is(want)
}

// hasToWait checks how long the visitor has to wait until it may guess.
func (w *scene) hasToWait(v visitor, now, want time.Duration) error {
	wait, _, err := w.GuessWait(w.ctx, v.address(), v.deviceKey(), w.limits, at(now))
	return value(wait, err).is(want)
}

// wrong has the visitor guess wrong, n times, and have it counted.
func (w *scene) wrong(v visitor, n int, now time.Duration) error {
	return repeat(n, func(int) error { return w.guesses(v, false, now, storage.GuessWrong) })
}

// right has the visitor guess right and be told the result.
func (w *scene) right(v visitor, now time.Duration, want storage.GuessResult) error {
	return w.guesses(v, true, now, want)
}

// logsIn has the visitors ask and guess right, each in its time.
func (w *scene) logsIn(visitors ...visitor) error {
	for _, v := range visitors {
		if err := cmp.Or(w.asks(v), w.right(v, v.asked, storage.GuessLoggedIn)); err != nil {
			return err
		}
	}
	return nil
}

// session finds the session that the visitor's code was redeemed for.
func (w *scene) session(v visitor, now time.Duration) answer[storage.LiveSession] {
	return lookup(w.FindSession(w.ctx, v.token(), at(now)))
}

// signedIn checks whether the visitor's session is alive.
func (w *scene) signedIn(v visitor, now time.Duration, want bool) error {
	a := w.session(v, now)
	return answer[bool]{a.ok, true, a.err}.is(want)
}

// lives checks whether the code that the visitor asked for can be guessed.
func (w *scene) lives(v visitor, now time.Duration, want bool) error {
	c, ok, err := w.FindChallenge(w.ctx, v.binding(), w.limits, at(now))
	return answer[bool]{ok && string(c.ID) == string(v.challenge()), true, err}.is(want)
}

// level checks how long a code of the visitor's address has to be, also by
// asking for one.
func (w *scene) level(v visitor, now time.Duration, want int) error {
	_, level, err := w.GuessWait(w.ctx, v.address(), v.deviceKey(), w.limits, at(now))
	if err := value(level, err).is(want); err != nil {
		return err
	}
	w.probes++
	probe := visitor{v.email, "probe", fmt.Sprint("probe ", w.probes), now}
	if err := w.asks(probe); err != nil {
		return err
	}
	c, ok, err := w.FindChallenge(w.ctx, probe.binding(), w.limits, at(now))
	return lookup(c.Level, ok, err).is(want)
}

// claims takes the mails that are due and checks whose they are.
func (w *scene) claims(now time.Duration, want ...visitor) error {
	_, err := w.claim(now, want...)
	return err
}

// claim takes the mails that are due, checks whose they are, and returns them,
// in the order of want.
func (w *scene) claim(now time.Duration, want ...visitor) ([]storage.Mail, error) {
	mails, err := w.ClaimMails(w.ctx, room, lease, 0, at(now))
	var got, wanted [][]byte
	for _, m := range mails {
		got = append(got, m.ID)
	}
	for _, v := range want {
		wanted = append(wanted, v.challenge())
	}
	place := func(id []byte) int {
		return slices.IndexFunc(wanted, func(w []byte) bool { return bytes.Equal(id, w) })
	}
	slices.SortFunc(got, func(a, b []byte) int { return place(a) - place(b) })
	slices.SortFunc(mails, func(a, b storage.Mail) int { return place(a.ID) - place(b.ID) })
	return mails, value(got, err).is(wanted)
}

// live is what FindSession finds of a session and its user.
func live(s storage.Session, u storage.User) storage.LiveSession {
	return storage.LiveSession{
		TokenHash: s.TokenHash, ID: s.ID, UserID: s.UserID, Email: u.Email, ClientID: s.ClientID, Data: s.Data,
		CreatedAt: s.CreatedAt, LastSeenAt: s.LastSeenAt, ExpiresAt: s.ExpiresAt,
	}
}
