package storagetest

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"example.com/mailkey/storage"
)

var outbox = []check{
	{"hands out what was asked for", "a mail is due when it was asked for, and says all that the request said", outboxMail},
	{"writes to the user", "a mail goes to the MailTo of who is the user with the Email when it is claimed, and to the request's when there is none", outboxUser},
	{"hides what is claimed", "a claimed mail is hidden until now+lease, and due from then on", outboxLease},
	{"hands out the oldest", "ClaimMails returns at most limit mails, those due first first", outboxOrder},
	{"hands out each once", "of parallel calls of ClaimMails one gets the mail", outboxParallel},
	{"drops what is used", "mails whose code is used are dropped", outboxUsed},
	{"drops what lives too short", "mails whose code lives for less than minLife are dropped", outboxMinLife},
	{"drops what expired", "a mail whose code expired is not handed out", outboxExpired},
	{"drops what nobody could know twice", "a mail whose claim ran out twice is dropped", outboxRanOut},
	{"makes room", "mails that were dropped do not count as pending", outboxRoom},
	{"is not overfilled", "parallel calls of RequestCode keep MaxPending", outboxRoomParallel},
	{"mails nothing that is used meanwhile", "a code that is redeemed parallel to ClaimMails is not mailed again", outboxUsedParallel},
	{"replaces", "a challenge that is replaced takes its mail along", outboxReplaced},
	{"keeps the beat", "LastBeat returns the latest time given to Beat, and the zero time before", outboxBeat},
	{"is not shared", "slices returned belong to the caller", outboxAliases},
}

func outboxMail(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		w.claims(0),
		w.asks(anna, ben.later(minute)),
		w.delivers(0, mail(anna, 1, 1), delivered),
		w.delivers(minute, mail(ben.later(minute), 1, 1), delivered),
	)
}

func outboxUser(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	to := func(v visitor, mailTo string, number int, want string) error {
		r, m := v.request(), mail(v, number, number)
		r.MailTo, m.To = mailTo, want
		return cmp.Or(w.request(r, v.asked).err, w.delivers(v.asked, m, delivered))
	}
	desk := ben.on("desk").later(minute)
	fifth := desk.request()
	fifth.MailTo = "fifth"
	return cmp.Or(
		to(anna, "first", 1, "first"),
		w.right(anna, 0, storage.GuessLoggedIn), // with the MailTo of the guess
		to(phone, "second", 1, "To."+anna.email),
		to(phone, "third", 2, "To."+anna.email),
		to(ben, "fourth", 1, "fourth"),
		w.request(fifth, desk.asked).err,
		w.right(ben, minute, storage.GuessLoggedIn), // before it is claimed
		w.delivers(minute, mail(desk, 1, 1), delivered),
	)
}

func outboxLease(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		w.asks(anna),
		w.claims(second, anna),
		w.claims(second),
		w.claims(second+lease-tick),
		w.delivers(second+lease, mail(anna, 1, 2), delivered),
	)
}

func outboxOrder(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	first := func(limit int, want ...visitor) error {
		mails, err := s.ClaimMails(ctx, limit, lease, 0, at(minute))
		var got, wanted []string
		for _, m := range mails {
			got = append(got, m.To)
		}
		for _, v := range want {
			wanted = append(wanted, "To."+v.email)
		}
		return value(got, err).is(wanted)
	}
	named := func(name string, asked time.Duration) visitor { return visitor{email: name, asked: asked} }
	b, a, d, c := named("b", 0), named("a", second), named("d", 2*second), named("c", 3*second)
	retried := named("retried", -minute)
	return cmp.Or(
		w.asks(retried),
		w.delivers(-minute, mail(retried, 1, 1), storage.MailResult{RetryAt: at(second + tick)}),
		w.asks(c, a, d, b),
		first(2, b, a),
		first(1, retried),
		first(9, d, c),
		first(9),
	)
}

func outboxParallel(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	got := make([][]storage.Mail, 9)
	claim := func(i int) (err error) {
		got[i], err = s.ClaimMails(ctx, 4+i, lease, 0, start)
		return err
	}
	if err := cmp.Or(
		repeat(12, func(i int) error { return w.asks(visitor{email: fmt.Sprint(i)}) }),
		parallel(8, claim),
		claim(8), // what they left
	); err != nil {
		return err
	}
	times := make(map[string]int)
	for _, mails := range got {
		for _, m := range mails {
			times[m.To] += m.Try
		}
	}
	return repeat(12, func(i int) error { return value(times[fmt.Sprint("To.", i)], nil).is(1) })
}

func outboxUsed(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	refused := ben.guess(true, 0)
	refused.Refuse = true
	return cmp.Or(
		w.asks(anna, ben, phone),
		w.right(anna, 0, storage.GuessLoggedIn),
		w.redeem(refused, 0).err,
		w.claims(0, phone),
		w.right(phone, second, storage.GuessLoggedIn), // the mail is on its way
		s.FinishMail(ctx, mail(phone, 1, 1), storage.MailResult{RetryAt: at(minute)}, at(second)),
		w.pending(second, 0), // it takes nobody's room
		w.claims(2*minute),
		w.pending(2*minute, 0),
	)
}

func outboxMinLife(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	claim := func(now time.Duration, want ...storage.Mail) error {
		return value(s.ClaimMails(ctx, room, lease, minute, at(now))).is(want)
	}
	return cmp.Or(
		w.asks(anna),
		claim(lifetime-minute, mail(anna, 1, 1)),
		w.asks(phone),
		claim(lifetime-minute+tick),
		w.claims(0), // once dropped it does not come back
		w.pending(0, 1),
		w.right(phone, 0, storage.GuessLoggedIn), // only the mail is dropped
	)
}

func outboxExpired(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		w.asks(anna),
		w.claims(lifetime),
		w.pending(lifetime, 0),
	)
}

func outboxRanOut(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		w.asks(anna),
		w.claims(0, anna),
		w.claims(lease, anna),
		w.claims(2*lease),
		w.pending(2*lease, 0),
		w.lives(anna, 2*lease, true), // the reader may have got it
	)
}

func outboxRoom(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	late := storage.MailResult{RetryAt: at(lifetime + minute)}
	return cmp.Or(
		w.asks(anna),
		w.delivers(0, mail(anna, 1, 1), late),
		w.asks(phone),
		w.claims(0, phone),
		w.claims(lifetime+minute), // the one is to be retried too late, the other's claim ran out
		w.pending(lifetime+minute, 0),
	)
}

func outboxRoomParallel(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	var taken counter
	return cmp.Or(
		parallel(8, func(i int) error {
			r := nth(i).request()
			r.MaxPending = 3
			got, err := s.RequestCode(ctx, r, w.limits, start)
			return taken.count(!got.Full, err)
		}),
		taken.is(3),
		w.pending(0, 3),
	)
}

func outboxUsedParallel(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return repeat(5, func(round int) error {
		v := nth(round)
		return cmp.Or(
			w.asks(v),
			parallel(2, func(i int) (err error) {
				if i == 0 {
					_, err = s.ClaimMails(ctx, room, lease, 0, start)
				} else {
					_, err = s.Redeem(ctx, v.guess(true, 0), w.limits, start)
				}
				return err
			}),
			w.claims(lease),
			w.pending(lease, 0),
		)
	})
}

func outboxReplaced(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	next := anna.later(lifetime - tick)
	return cmp.Or(
		w.asks(anna, next),
		w.delivers(next.asked, mail(next, 1, 1), delivered),
		w.claims(next.asked),
	)
}

func outboxBeat(ctx context.Context, s storage.Store) error {
	return cmp.Or(
		value(s.LastBeat(ctx)).is(time.Time{}),
		s.Beat(ctx, at(minute)),
		value(s.LastBeat(ctx)).is(at(minute)),
		s.Beat(ctx, start), // by an instance whose clock is behind
		value(s.LastBeat(ctx)).is(at(minute)),
		parallel(8, func(i int) error { return s.Beat(ctx, at(hour+time.Duration(i)*second)) }),
		value(s.LastBeat(ctx)).is(at(hour+7*second)),
	)
}

func outboxAliases(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	if err := w.asks(anna); err != nil {
		return err
	}
	mails, err := w.claim(0, anna)
	if err != nil {
		return err
	}
	scribble(mails[0].ID, mails[0].Binding)
	return w.delivers(lease, mail(anna, 1, 2), delivered)
}
