package storagetest

import (
	"cmp"
	"context"
	"time"

	"example.com/mailkey/storage"
)

var deliveries = []check{
	{"end", "a mail that was delivered or given up is not handed out again, and makes room", deliveryEnds},
	{"are retried", "a mail is due again at RetryAt, as often as it is certain that it was not delivered", deliveryRetried},
	{"are repeated once", "a mail of which two attempts ended without anybody knowing how is dropped", deliveryUnknown},
	{"of dead workers count", "a claim that ran out is an attempt that ended without anybody knowing how", deliveryRanOut},
	{"may be late", "a result counts after the claim ran out, unless somebody else claimed the mail", deliveryLate},
	{"are finished by their worker", "FinishMail does nothing when the claim is not m's any more", deliveryOthers},
	{"are finished once", "FinishMail does nothing when the claim was finished already", deliveryTwice},
	{"do not touch another challenge", "FinishMail does nothing to the challenge that replaced m's", deliveryReplaced},
	{"are asked for again", "a resend is due at once, with the next Number", deliveryResend},
	{"are asked for while under way", "a resend asked for meanwhile stays due, but not before the attempt ended", deliveryResendClaimed},
	{"start again when asked for again", "attempts at the mail before do not count against a resend", deliveryResendUnknown},
	{"are asked for at once", "a resend parallel to a claim is neither lost nor delivered twice", deliveryResendParallel},
}

var delivered = storage.MailResult{}

func failed(retry time.Duration) storage.MailResult {
	return storage.MailResult{RetryAt: at(retry)}
}

func unknown(retry time.Duration) storage.MailResult {
	return storage.MailResult{RetryAt: at(retry), Unknown: true}
}

func (w *scene) finish(m storage.Mail, r storage.MailResult, now time.Duration) error {
	return w.FinishMail(w.ctx, m, r, at(now))
}

func deliveryEnds(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		w.asks(anna, ben),
		w.claims(0, anna, ben),
		w.pending(0, 2),
		w.finish(mail(anna, 1, 1), delivered, 0),
		w.pending(0, 1),
		w.finish(mail(ben, 1, 1), storage.MailResult{Unknown: true}, 0),
		w.pending(0, 0),
		w.claims(lifetime-tick),
	)
}

func deliveryRetried(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		w.asks(anna),
		repeat(20, func(i int) error {
			now := time.Duration(i) * 10 * second
			return cmp.Or(
				w.delivers(now, mail(anna, 1, i+1), failed(now+10*second)),
				w.claims(now+10*second-tick),
			)
		}),
		w.pending(200*second, 1),
	)
}

func deliveryUnknown(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		w.asks(anna),
		w.delivers(0, mail(anna, 1, 1), unknown(second)),
		w.claims(second-tick),
		w.delivers(second, mail(anna, 1, 2), failed(2*second)), // changes nothing
		w.delivers(2*second, mail(anna, 1, 3), unknown(3*second)),
		w.claims(minute),
		w.pending(minute, 0),
	)
}

func deliveryRanOut(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		w.asks(anna),
		w.claims(0, anna),
		w.delivers(lease, mail(anna, 1, 2), unknown(lease+second)),
		w.claims(2*lease),
		w.asks(ben),
		w.delivers(0, mail(ben, 1, 1), unknown(second)),
		w.claims(second, ben),
		w.claims(second+lease),
		w.pending(5*minute, 0),
	)
}

func deliveryLate(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		w.asks(anna),
		w.claims(0, anna),
		w.finish(mail(anna, 1, 1), delivered, lease),
		w.claims(lease),
		w.pending(lease, 0),
	)
}

func deliveryOthers(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		w.asks(anna),
		w.claims(0, anna),
		w.claims(lease, anna),
		w.finish(mail(anna, 1, 1), delivered, lease+second),
		w.pending(lease+second, 1),
		w.finish(mail(anna, 1, 1), failed(lease), lease+second),
		w.claims(lease+second),
		w.finish(mail(anna, 1, 2), failed(lease+2*second), lease+second),
		w.delivers(lease+2*second, mail(anna, 1, 3), delivered),
	)
}

func deliveryTwice(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		w.asks(anna),
		w.delivers(0, mail(anna, 1, 1), failed(second)),
		w.finish(mail(anna, 1, 1), delivered, 0),
		w.finish(mail(anna, 1, 1), failed(hour), 0),
		w.delivers(second, mail(anna, 1, 2), delivered),
		w.finish(mail(anna, 1, 2), failed(2*second), second),
		w.claims(minute),
		w.finish(mail(ben, 1, 1), failed(2*second), second), // nobody asked for
		w.claims(minute),
	)
}

func deliveryReplaced(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	next := anna.later(lifetime)
	return cmp.Or(
		w.asks(anna),
		w.claims(0, anna),
		w.asks(next),
		w.finish(mail(anna, 1, 1), delivered, lifetime),
		w.claims(lifetime, next),
		w.finish(mail(anna, 1, 1), delivered, lifetime),
		w.finish(mail(anna, 1, 1), failed(lifetime), lifetime),
		w.claims(lifetime),
		w.delivers(lifetime+lease, mail(next, 1, 2), delivered),
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

func deliveryResend(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		w.asks(anna),
		w.resends(anna, 0), // before the first was claimed
		w.delivers(0, resent(anna, 2, 1), delivered),
		w.claims(minute),
		w.resends(anna, minute), // after it was delivered
		w.delivers(minute, resent(anna, 3, 2), failed(hour)),
		w.claims(minute),
		w.resends(anna, minute), // while it is to be retried later
		w.delivers(minute, resent(anna, 4, 3), delivered),
		w.claims(hour),
	)
}

func deliveryResendClaimed(ctx context.Context, s storage.Store) error {
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

func deliveryResendUnknown(ctx context.Context, s storage.Store) error {
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

func deliveryResendParallel(ctx context.Context, s storage.Store) error {
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
