package storagetest

import (
	"cmp"
	"context"
	"time"

	"example.com/mailkey/storage"
)

var resends = []check{
	{"mail the living code", "RequestCode mails the living challenge again, as it was", resendLiving},
	{"mail it in its first half", "a challenge that lives for less than half of the lifetime is replaced", resendHalf},
	{"replace what is of no use", "a challenge is replaced when used, out of guesses, expired, too short, or of another secret", resendReplaced},
	{"give no guesses back", "a challenge that is mailed again has the guesses that it had", resendGuesses},
	{"give a new code all its guesses", "a challenge that replaces another takes GuessesPerCode guesses", resendNewGuesses},
	{"are due at once", "a resend is due when it was asked for, with the next Number", resendDue},
	{"wait for the attempt under way", "a resend asked for meanwhile stays due, but not before the attempt ended", resendClaimed},
	{"start counting attempts again", "attempts at the mail before do not count against a resend", resendUnknown},
	{"are neither lost nor doubled", "a resend parallel to a claim is delivered, and once", resendParallel},
}

func resendLiving(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	r := anna.later(minute).request()
	r.UserID, r.Lifetime = "another", 2*minute
	long := ben.request()
	long.MinLevel = 2
	return cmp.Or(
		w.asks(anna),
		w.request(r, minute).is(storage.CodeRequested{ExpiresAt: at(lifetime)}),
		w.find(anna).is(of(anna)),
		w.guesses(anna.later(minute), true, minute, storage.GuessGone),
		w.right(anna, minute, storage.GuessLoggedIn),
		w.request(long, 0).err,
		w.asks(ben.later(minute)), // longer than asked for is long enough
		w.lives(ben, minute, true),
	)
}

func resendHalf(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	half, over := anna.later(lifetime/2), anna.later(lifetime/2+tick)
	return cmp.Or(
		w.asks(anna, half),
		w.find(half).is(of(anna)),
		w.request(over.request(), over.asked).is(storage.CodeRequested{ExpiresAt: at(over.asked + lifetime)}),
		w.find(over).is(of(over)),
		w.guesses(anna, true, over.asked, storage.GuessGone), // there is one challenge per binding
		w.guesses(anna, false, over.asked, storage.GuessGone),
		w.right(over, over.asked, storage.GuessLoggedIn),
	)
}

func resendReplaced(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.Level1After = 4
	replaced := func(i int, wear func(visitor) error, secret string, minLevel, level int) error {
		v := anna.on(i).later(time.Duration(i) * hour)
		next := v.later(minute)
		r, want := next.request(), of(next)
		r.SecretID, r.MinLevel = secret, minLevel
		want.SecretID, want.Level = secret, level
		return cmp.Or(w.asks(v), wear(v), w.request(r, next.asked).err, w.find(next).is(want))
	}
	fresh := func(visitor) error { return nil }
	used := func(v visitor) error { return w.right(v, v.asked, storage.GuessLoggedIn) }
	exhausted := func(v visitor) error { return w.wrong(v, 3, v.asked) }
	outgrown := func(v visitor) error {
		other := v.on("other")
		return cmp.Or(w.asks(other), w.wrong(other, 1, v.asked))
	}
	return cmp.Or(
		replaced(1, used, "secret 1", 0, 0),
		replaced(2, fresh, "secret 2", 0, 0),
		replaced(3, fresh, "secret 1", 1, 1),
		replaced(4, exhausted, "secret 1", 0, 0),
		replaced(5, outgrown, "secret 1", 0, 1),
		w.asks(ben, ben.later(lifetime)), // expired
		w.find(ben.later(lifetime)).is(of(ben.later(lifetime))),
	)
}

func resendGuesses(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		w.asks(anna),
		w.wrong(anna, 2, 0),
		w.asks(anna.later(minute)),
		w.wrong(anna, 1, minute),
		w.lives(anna, minute, false),
		w.right(anna, minute, storage.GuessGone),
	)
}

func resendNewGuesses(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	next := anna.later(minute)
	return cmp.Or(
		w.asks(anna),
		w.wrong(anna, 3, 0),
		w.asks(next),
		w.wrong(next, 2, minute),
		w.right(next, minute, storage.GuessLoggedIn),
	)
}

// resends has the visitor ask again, in other words, and the same code be
// mailed.
func (w *scene) resends(v visitor, now time.Duration) error {
	r := v.later(now).request()
	r.MailTo, r.Language = "again", "en"
	return w.request(r, now).is(storage.CodeRequested{ExpiresAt: at(v.asked + lifetime)})
}

// resent is the mail after that.
func resent(v visitor, number, try int) storage.Mail {
	m := mail(v, number, try)
	m.To, m.Language = "again", "en"
	return m
}

func resendDue(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		w.asks(anna),
		w.resends(anna, 0), // before the first was claimed
		w.delivers(0, resent(anna, 2, 1), delivered),
		w.claims(second),
		w.resends(anna, second), // after it was delivered
		w.delivers(second, resent(anna, 3, 2), failed(hour)),
		w.claims(2*second),
		w.resends(anna, 2*second), // while it is to be retried later
		w.claims(2*second, anna),
		w.resends(anna, 2*second+lease),                         // after a claim ran out
		w.finish(resent(anna, 4, 3), delivered, 3*second+lease), // which puts nothing off
		w.delivers(2*second+lease, resent(anna, 5, 4), unknown(hour)),
		w.resends(anna, 2*second+lease),
		w.delivers(2*second+lease, resent(anna, 6, 5), delivered),
		w.claims(hour),
	)
}

func resendClaimed(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		w.asks(anna, ben),
		w.claims(0, anna, ben),
		w.resends(anna, second),
		w.resends(ben, second),
		w.claims(second),
		w.finish(mail(anna, 1, 1), delivered, 2*second),
		w.delivers(2*second, resent(anna, 2, 2), delivered),
		w.finish(mail(ben, 1, 1), failed(hour), 3*second),
		w.delivers(3*second, resent(ben, 2, 2), delivered),
		w.pending(3*second, 0),
	)
}

func resendUnknown(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		w.asks(anna),
		w.delivers(0, mail(anna, 1, 1), unknown(second)),
		w.resends(anna, second),
		w.delivers(second, resent(anna, 2, 2), unknown(2*second)),
		w.claims(2*second, anna),
		w.resends(anna, 3*second),
		w.claims(2*second+lease, anna), // the claim that ran out was the mail's before
		w.finish(resent(anna, 3, 4), unknown(2*minute), 2*minute),
		w.delivers(2*minute, resent(anna, 3, 5), delivered),
		w.claims(lifetime-tick),
	)
}

func resendParallel(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return repeat(10, func(round int) error {
		v := anna.on(round)
		times := make(map[int]int)
		work := func() error {
			for {
				mails, err := s.ClaimMails(ctx, room, lease, 0, start)
				if err != nil || len(mails) == 0 {
					return err
				}
				for _, m := range mails {
					times[m.Number]++
					if err := s.FinishMail(ctx, m, delivered, start); err != nil {
						return err
					}
				}
			}
		}
		return cmp.Or(
			w.asks(v),
			parallel(2, func(i int) error {
				if i == 0 {
					return work()
				}
				_, err := s.RequestCode(ctx, v.request(), w.limits, start)
				return err
			}),
			work(),
			value(times[1] > 1, nil).is(false),
			value(times[2], nil).is(1),
			w.pending(0, 0),
		)
	})
}
