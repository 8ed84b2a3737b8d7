package storagetest

import (
	"cmp"
	"context"
	"time"

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
	{"need longer codes after failures", "after LevelNAfter wrong guesses, of whichever device, codes have level N", addressLevels},
	{"forget failures after a year", "a failure counts for 365 days from the day on which its code was asked for", addressYear},
	{"forgive the flow that ended in a login", "a login takes back the wrong guesses at its challenge, and no others", addressForgives},
	{"forgive nothing else", "a right guess that logs nobody in takes nothing back", addressForgivesNothing},
	{"slow strangers down", "after StrangerGuessesPerDay the wait is FirstWait, doubling up to LastWait", addressStrangers},
	{"count no guess while waiting", "GuessLimited counts nothing and spends nothing", addressLimited},
	{"do not slow their devices down", "a device that logged in before does not wait for strangers' guesses", addressFriends},
	{"forgive a stranger who logs in", "a login takes back its wrong guesses from those of strangers", addressForgivesStranger},
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

func addressLevels(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.Level1After, w.limits.Level2After = 3, 5
	return cmp.Or(
		w.asks(anna, phone, anna.on("tablet")),
		w.wrong(anna, 2, 0),
		w.level(anna, 0, 0),
		w.wrong(phone, 1, 0),
		w.level(anna, 0, 1),
		w.level(ben, 0, 0),
		w.guesses(anna.on("tablet"), false, 0, storage.GuessGone), // too short by now
		w.asks(anna.later(second)),
		w.wrong(anna.later(second), 1, second),
		w.level(anna, second, 1),
		w.wrong(anna.later(second), 1, second),
		w.level(anna, second, 2),
	)
}

func addressYear(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.Level1After = 1
	v := anna.later(12*hour - minute) // asked for on one day, guessed on the next
	return cmp.Or(
		w.asks(v),
		w.wrong(v, 1, 12*hour),
		w.level(anna, 12*hour, 1),
		w.level(anna, 12*hour+364*day-tick, 1),
		w.level(anna, 12*hour+364*day, 0),
	)
}

func addressForgives(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.Level1After = 4
	v, tablet := anna.later(12*hour-minute), anna.on("tablet").later(12*hour)
	return cmp.Or(
		w.asks(phone),
		w.wrong(phone, 1, 0),
		w.asks(v),
		w.wrong(v, 1, v.asked),
		w.wrong(v, 1, 12*hour), // on the day after
		w.right(v, 12*hour, storage.GuessLoggedIn),
		w.asks(tablet),
		w.wrong(tablet, 2, 12*hour),
		w.level(anna, 12*hour, 0),
		w.wrong(tablet, 1, 12*hour),
		w.level(anna, 12*hour, 1),
	)
}

func addressForgivesNothing(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.Level1After = 4
	flow := func(i int, want storage.GuessResult, change func(*storage.Guess)) error {
		v := anna.later(time.Duration(i) * minute)
		g := v.guess(true, v.asked)
		change(&g)
		return cmp.Or(w.asks(v), w.wrong(v, 1, v.asked), w.redeem(g, v.asked).is(storage.Redeemed{Result: want}))
	}
	return cmp.Or(
		w.logsIn(anna.later(-day)),
		value(s.SetUserDisabled(ctx, anna.userID(), start)).is(true),
		flow(0, storage.GuessRefused, func(g *storage.Guess) { g.Refuse = true }),
		flow(1, storage.GuessNoUser, func(g *storage.Guess) { g.Email, g.Register = "nobody@example.com", false }),
		flow(2, storage.GuessDisabled, func(*storage.Guess) {}),
		w.level(anna, hour, 0),
		w.asks(phone.later(hour)),
		w.wrong(phone.later(hour), 1, hour),
		w.level(anna, hour, 1),
	)
}

func addressStrangers(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.GuessesPerCode, w.limits.StrangerGuessesPerDay = 100, 2
	w.limits.FirstWait, w.limits.LastWait = 10*second, 30*second
	limited := func(now, wait time.Duration) error {
		return w.redeem(phone.guess(false, now), now).is(storage.Redeemed{Result: storage.GuessLimited, Wait: wait})
	}
	return cmp.Or(
		w.asks(anna, phone),
		w.wrong(anna, 2, 0),
		limited(0, 10*second),
		limited(10*second-tick, tick),
		w.wrong(phone, 1, 10*second),
		limited(10*second, 20*second),
		w.wrong(phone, 1, 30*second),
		limited(30*second, 30*second),
		w.wrong(phone, 1, minute),
		limited(minute, 30*second),
		w.asks(anna.later(12*hour)), // midnight
		w.wrong(anna.later(12*hour), 2, 12*hour),
	)
}

func addressLimited(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.StrangerGuessesPerDay, w.limits.Level1After = 2, 3
	limited := storage.Redeemed{Result: storage.GuessLimited, Wait: minute}
	return cmp.Or(
		w.asks(anna),
		w.wrong(anna, 2, 0),
		repeat(5, func(int) error { return w.redeem(anna.guess(false, 0), 0).is(limited) }),
		w.redeem(anna.guess(true, 0), 0).is(limited),
		w.redeem(phone.guess(true, 0), 0).is(limited), // although there is no code
		value(s.FailuresByHour(ctx, 1, start)).is([]int{2}),
		w.level(anna, 0, 0),
		w.lives(anna, minute, true),
		w.right(anna, minute, storage.GuessLoggedIn),
	)
}

func addressFriends(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.StrangerGuessesPerDay, w.limits.Level1After = 2, 5
	return cmp.Or(
		familiar(w),
		w.asks(anna, phone),
		w.wrong(anna, 2, 0),
		w.wrong(phone, 2, 0), // only these count as strangers'
		w.guesses(phone, false, 0, storage.GuessLimited),
		w.guesses(anna.on("new"), true, 0, storage.GuessLimited),
		w.level(anna, 0, 0),
		w.wrong(anna, 1, 0), // and yet all count for the level
		w.level(anna, 0, 1),
	)
}

func addressForgivesStranger(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.StrangerGuessesPerDay = 3
	return cmp.Or(
		w.asks(anna, phone),
		w.wrong(phone, 1, 0),
		w.wrong(anna, 1, 0),
		w.right(anna, 0, storage.GuessLoggedIn),
		w.wrong(phone, 2, 0),
		w.guesses(phone, false, 0, storage.GuessLimited),
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
