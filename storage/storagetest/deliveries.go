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
		w.pending(2*second, 0),
		w.claims(minute),
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
