package storagetest

import (
	"context"
	"fmt"
	"time"

	"example.com/mailkey/storage"
)

var brokenChallenges = []broken{
	{"loses the secret of a challenge", by("challenges/come back whole"), finds(asIs, func(c *storage.Challenge) { c.SecretID = "" })},
	{"finds a challenge when it expires", by("challenges/expire"), finds(shifted(-tick), nothing)},
	{"does not find a challenge before it expires", by("challenges/expire"), finds(shifted(+tick), nothing)},
	{"redeems a challenge when it expires", by("challenges/expire"), tries(func(g *guessing) { g.now = g.now.Add(-tick) })},
	{"does not redeem a challenge before it expires", by("challenges/expire"), tries(func(g *guessing) { g.now = g.now.Add(tick) })},
	{"has one challenge per address", by("challenges/are kept by binding"), func(s *tampered) {
		addresses := make(map[string][]byte)
		asks(func(a *asking) {
			s.locked(func() { addresses[string(a.r.Binding)] = a.r.Address })
			a.r.Binding = a.r.Address
		})(s)
		tries(func(g *guessing) { g.Binding = g.Address })(s)
		finds(func(binding *[]byte, _ *time.Time) {
			s.locked(func() { *binding = addresses[string(*binding)] })
		}, nothing)(s)
	}},
	{"lets a mail too many wait", by("challenges/need room in the outbox"), asks(func(a *asking) { a.r.MaxPending++ })},
	{"lets strangers fill the outbox", by("challenges/leave room for friends"), asks(func(a *asking) { a.r.MaxPending = a.r.MaxPending * 10 / 9 })},
	{"takes everybody for a stranger to the outbox", by("challenges/leave room for friends"), asks(func(a *asking) { a.r.MaxPending -= a.r.MaxPending / 10 })},
	{"remembers a request without room", by("challenges/need room in the outbox"), answers(func(a asking, ask ask) (storage.CodeRequested, error) {
		done, err := ask(a)
		if a.r.MaxPending = everything; done.Full {
			_, err = ask(a)
		}
		return done, err
	})},
	{"has room for mails that are under way", by("challenges/need room in the outbox"), func(s *tampered) {
		claim, claimed := s.claimMails, 0
		s.claimMails = func(ctx context.Context, limit int, lease, minLife time.Duration, now time.Time) ([]storage.Mail, error) {
			mails, err := claim(ctx, limit, lease, minLife, now)
			claimed += len(mails)
			return mails, err
		}
		asks(func(a *asking) { a.r.MaxPending += claimed })(s)
	}},
	{"asks the limits before the outbox", by("challenges/need room before all else"), answers(func(a asking, ask ask) (storage.CodeRequested, error) {
		done, err := ask(a)
		if a.r.MaxPending = everything; done.Full {
			return ask(a)
		}
		return done, err
	})},
	{"counts waiting mails before it adds one", by("challenges/need room when asked at once"), func(s *tampered) {
		waiting, meet := s.tallies(), meeting()
		answers(func(a asking, ask ask) (storage.CodeRequested, error) {
			n := waiting.get(nil)
			if meet(); n >= a.r.MaxPending {
				return storage.CodeRequested{Full: true}, nil
			}
			waiting.set(nil, n+1)
			a.r.MaxPending = everything
			return ask(a)
		})(s)
	}},
	{"makes a new challenge each time", by("resends/mail the living code"), func(s *tampered) {
		n := 0
		asks(func(a *asking) { n++; a.r.SecretID = fmt.Sprint("secret ", n) })(s)
	}},
	{"prolongs a code that is mailed again", by("resends/mail the living code"), answers(func(a asking, ask ask) (storage.CodeRequested, error) {
		done, err := ask(a)
		done.ExpiresAt = a.now.Add(a.r.Lifetime)
		return done, err
	})},
	{"mails a code again until it expires", by("resends/mail it in its first half"), again(func(r *storage.CodeRequest, _ storage.Challenge) { r.Lifetime = 0 })},
	{"mails no code again at the half", by("resends/mail it in its first half"), again(func(r *storage.CodeRequest, _ storage.Challenge) { r.Lifetime += 2 * tick })},
	{"mails a code of another secret again", by("resends/replace what is of no use"), again(func(r *storage.CodeRequest, c storage.Challenge) { r.SecretID = c.SecretID })},
	{"mails a code again that is too short", by("resends/replace what is of no use"), again(func(r *storage.CodeRequest, _ storage.Challenge) { r.MinLevel = 0 })},
	{"mails a code again that became too short", by("resends/replace what is of no use"), asks(func(a *asking) { a.l.Level1After = everything })},
	{"gives guesses back with a resend", by("resends/give no guesses back"), func(s *tampered) {
		wrong := ownGuesses(s)
		asks(func(a *asking) { wrong.set(a.r.Binding, 0) })(s)
	}},
	{"counts the guesses of all challenges", by("resends/give a new code all its guesses"), func(s *tampered) { ownGuesses(s) }},
	{"ignores the wanted level", by("challenges/are long enough"), asks(func(a *asking) { a.r.MinLevel = 0 })},
	{"ignores the address's level", by("challenges/are long enough"), asks(func(a *asking) { a.l.Level1After = everything })},
	{"shares a challenge's binding", by("challenges/are not shared"), func(s *tampered) {
		var shared sharedKeys
		of := func(k []byte) (same []byte) {
			s.locked(func() { same = shared.of(k) })
			return same
		}
		asks(func(a *asking) { a.r.Binding = of(a.r.Binding) })(s)
		tries(func(g *guessing) { g.Binding = of(g.Binding) })(s)
		finds(func(binding *[]byte, _ *time.Time) { *binding = of(*binding) }, nothing)(s)
	}},
}

func asIs(*[]byte, *time.Time) {}

func nothing(*storage.Challenge) {}

func shifted(d time.Duration) func(*[]byte, *time.Time) {
	return func(_ *[]byte, now *time.Time) { *now = now.Add(d) }
}

// again changes a request for a binding that has a living challenge.
func again(change func(*storage.CodeRequest, storage.Challenge)) func(*tampered) {
	return func(s *tampered) {
		asks(func(a *asking) {
			if c, ok := s.living(a.r.Binding, a.l, a.now); ok {
				change(&a.r, c)
			}
		})(s)
	}
}

// ownGuesses counts the wrong guesses of a binding.
func ownGuesses(s *tampered) *tallies {
	wrong := s.tallies()
	judges(func(g guessing, try try) (storage.Redeemed, error) {
		if wrong.get(g.Binding) >= g.l.GuessesPerCode {
			return storage.Redeemed{Result: storage.GuessGone}, nil
		}
		g.l.GuessesPerCode = everything
		done, err := try(g)
		if done.Result == storage.GuessWrong {
			wrong.add(g.Binding, 1)
		}
		return done, err
	})(s)
	return wrong
}
