package storagetest

import (
	"cmp"
	"context"

	"example.com/mailkey/storage"
)

var addresses = []check{
	{"rest between mails", "a request within the Cooldown is told how long to wait", addressCooldown},
	{"are not changed by a refusal", "what a limit of the address refuses changes nothing", addressRefusal},
	{"get mails by the hour", "PerHour mails, and StrangersPerHour of them for devices that never logged in", addressPerHour},
	{"get mails by the day", "PerDay mails, and StrangersPerDay of them for devices that never logged in", addressPerDay},
	{"rest by themselves", "the limits of one address are not another's", addressApart},
	{"have a lane for their devices", "devices known to the address and others each have their own Cooldown", addressLanes},
	{"know a device by its login", "a device is known after a login, to that address alone", addressKnows},
	{"hold when asked at once", "of parallel requests within the Cooldown one is allowed", addressParallel},
	{"have one user id", "the address keeps the first UserID, for the challenges of all devices", addressUserID},
}

func addressCooldown(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.Cooldown = minute
	return cmp.Or(
		w.request(anna.request(), 0).is(storage.CodeRequested{ExpiresAt: at(lifetime), NextIn: minute}),
		w.request(anna.request(), tick).is(storage.CodeRequested{Wait: minute - tick}),
		w.waits(phone.later(second), minute-second),
		w.waits(anna.later(minute-tick), tick),
		w.asks(anna.later(minute)),
		w.waits(anna.later(minute), minute),
	)
}

func addressRefusal(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.Cooldown = minute
	other := anna.later(second).request()
	other.SecretID, other.MinLevel = "secret 2", 2
	if err := cmp.Or(
		w.asks(anna),
		w.request(other, second).is(storage.CodeRequested{Wait: minute - second}),
		w.waits(phone.later(second), minute-second),
		w.lives(anna, second, true),
		w.lives(phone.later(second), second, false),
	); err != nil {
		return err
	}
	mails, err := w.claim(second, anna)
	return cmp.Or(
		err,
		value(mails[0].Number, nil).is(1),
		w.asks(phone.later(minute)),
	)
}

// familiar logs the laptop in at a time that does not count any more.
func familiar(w *scene) error { return w.logsIn(anna.later(-2 * day)) }

func addressPerHour(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.PerHour, w.limits.StrangersPerHour = 3, 2
	return cmp.Or(
		familiar(w),
		w.asks(phone.later(0), phone.later(minute)),
		w.waits(phone.later(2*minute), hour-2*minute),
		w.asks(anna.later(2*minute)),
		w.waits(anna.later(3*minute), hour-3*minute),
		w.waits(phone.later(hour-tick), tick),
		w.asks(phone.later(hour)),
		w.waits(anna.later(hour), minute),
		w.asks(anna.later(hour+minute)),
	)
}

func addressPerDay(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.PerDay, w.limits.StrangersPerDay = 3, 2
	return cmp.Or(
		familiar(w),
		w.asks(phone.later(0), phone.later(6*hour)),
		w.waits(phone.later(12*hour), 12*hour),
		w.asks(anna.later(12*hour)),
		w.waits(anna.later(18*hour), 6*hour),
		w.waits(phone.later(day-tick), tick),
		w.asks(phone.later(day)),
		w.waits(anna.later(day), 6*hour),
		w.asks(anna.later(day+6*hour)),
	)
}

func addressApart(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.Cooldown, w.limits.PerHour, w.limits.PerDay = hour, 1, 1
	return cmp.Or(w.asks(anna, ben), w.waits(anna, day), w.waits(ben, day))
}

func addressLanes(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.Cooldown = minute
	return cmp.Or(
		familiar(w),
		w.asks(phone, anna),
		w.waits(phone.on("another"), minute),
		w.waits(anna, minute),
	)
}

func addressKnows(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.StrangersPerDay = 5
	refused, stranger := anna.guess(true, 0), anna.later(second)
	refused.Refuse = true
	bensLaptop := visitor{email: ben.email, device: anna.device, client: "app"}
	if err := cmp.Or(
		w.asks(anna),
		w.wrong(anna, 1, 0),
		w.redeem(refused, 0).is(storage.Redeemed{Result: storage.GuessRefused}),
		w.asks(stranger),
		w.asks(anna.later(2*second), anna.later(3*second), anna.later(4*second)),
		w.waits(anna.later(5*second), day-5*second),
	); err != nil {
		return err
	}
	return cmp.Or(
		w.right(stranger, 5*second, storage.GuessLoggedIn),
		w.asks(anna.later(6*second)), // known now
		w.waits(phone.later(6*second), day-6*second),
		repeat(5, func(int) error { return w.asks(bensLaptop) }),
		w.waits(bensLaptop, day),
	)
}

func addressParallel(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.Cooldown = minute
	var allowed counter
	return cmp.Or(
		parallel(8, func(i int) error {
			got, err := w.RequestCode(ctx, anna.on(i%4).request(), w.limits, start)
			return allowed.count(got.Wait == 0, err)
		}),
		allowed.is(1),
		w.waits(anna, minute),
	)
}

func addressUserID(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	another, third := phone.request(), anna.later(lifetime).request()
	another.UserID, third.UserID = "another", "a third"
	found := func(v visitor) answer[string] {
		c, ok, err := s.FindChallenge(ctx, v.binding(), w.limits, at(v.asked))
		return lookup(c.UserID, ok, err)
	}
	return cmp.Or(
		w.asks(anna),
		w.request(another, 0).err,
		found(anna).is(anna.userID()),
		found(phone).is(anna.userID()),
		w.request(third, lifetime).err,
		found(anna.later(lifetime)).is(anna.userID()),
	)
}
