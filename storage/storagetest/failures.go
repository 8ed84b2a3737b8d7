package storagetest

import (
	"cmp"
	"context"
	"time"

	"example.com/mailkey/storage"
)

var failures = []check{
	{"make codes longer", "after LevelNAfter wrong guesses, of whichever device, codes have level N", failureLevels},
	{"count for a year", "a failure counts for 365 days after the day on which its code was asked for", failureYear},
	{"are forgiven by a login", "a login takes back the wrong guesses at its challenge, and no others", failureForgiven},
	{"are forgiven by nothing else", "a right guess that logs nobody in takes nothing back", failureNotForgiven},
	{"slow strangers down", "after StrangerGuessesPerDay the wait is FirstWait, doubling up to LastWait", failureStrangers},
	{"do not come from guesses that have to wait", "GuessLimited counts nothing, and a wrong guess spends nothing", failureLimited},
	{"make a right guess of a device that has to wait spend the code", "GuessWait says who has to wait, and a right guess all the same spends the code", failureLimitedRight},
	{"touch no other code while a device has to wait", "a right guess that has to wait spends the challenge that it is for, if any", failureLimitedElsewhere},
	{"do not slow known devices down", "a device that logged in before does not wait for strangers' guesses", failureFriends},
	{"of a stranger are forgiven by its login", "a login takes back its wrong guesses from those of strangers", failureForgivenStranger},
}

func failureLevels(ctx context.Context, s storage.Store) error {
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

func failureYear(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.Level1After = 1
	v := anna.later(12*hour - minute) // asked for on one day, guessed on the next
	return cmp.Or(
		w.asks(v),
		w.wrong(v, 1, 12*hour),
		w.level(anna, 12*hour, 1),
		w.level(anna, 12*hour+365*day-tick, 1),
		w.level(anna, 12*hour+365*day, 0),
	)
}

func failureForgiven(ctx context.Context, s storage.Store) error {
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

func failureNotForgiven(ctx context.Context, s storage.Store) error {
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

func failureStrangers(ctx context.Context, s storage.Store) error {
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

func failureLimited(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.StrangerGuessesPerDay, w.limits.Level1After = 2, 3
	limited := storage.Redeemed{Result: storage.GuessLimited, Wait: minute}
	return cmp.Or(
		w.asks(anna),
		w.wrong(anna, 2, 0),
		repeat(5, func(int) error { return w.redeem(anna.guess(false, 0), 0).is(limited) }),
		w.redeem(phone.guess(true, 0), 0).is(limited), // although there is no code
		w.guesses(ben, false, 0, storage.GuessGone),   // who was never heard of
		value(s.FailuresByHour(ctx, 1, start)).is([]int{2}),
		w.level(anna, 0, 0),
		w.lives(anna, minute, true),
		w.right(anna, minute, storage.GuessLoggedIn),
	)
}

func failureLimitedRight(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.StrangerGuessesPerDay = 2
	return cmp.Or(
		w.hasToWait(anna, 0, 0),
		w.asks(anna),
		w.wrong(anna, 2, 0),
		w.hasToWait(anna, 0, minute),
		w.hasToWait(anna.on("new"), second, minute-second),
		w.redeem(anna.guess(true, 0), 0).is(storage.Redeemed{Result: storage.GuessLimited, Wait: minute}),
		w.hasToWait(anna, minute, 0),
		w.lives(anna, minute, false),
		w.claims(minute),
		w.right(anna, minute, storage.GuessGone),
	)
}

func failureLimitedElsewhere(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.StrangerGuessesPerDay = 2
	g := phone.guess(true, 0)
	g.ChallengeID = anna.challenge() // not that of the phone's binding
	return cmp.Or(
		w.asks(anna, phone),
		w.wrong(anna, 2, 0),
		w.redeem(g, 0).is(storage.Redeemed{Result: storage.GuessLimited, Wait: minute}),
		w.claims(0, anna, phone),
		w.right(phone, minute, storage.GuessLoggedIn),
	)
}

func failureFriends(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.StrangerGuessesPerDay, w.limits.Level1After = 2, 5
	return cmp.Or(
		familiar(w),
		w.asks(anna, phone, ben),
		w.wrong(anna, 2, 0),
		w.hasToWait(phone, 0, 0),
		w.wrong(phone, 2, 0), // only these count as strangers'
		w.hasToWait(phone, 0, minute),
		w.hasToWait(anna, 0, 0),
		w.wrong(ben, 2, 0),
		w.hasToWait(ben.on(anna.device), 0, minute), // known elsewhere
		w.guesses(phone, false, 0, storage.GuessLimited),
		w.guesses(anna.on("new"), true, 0, storage.GuessLimited),
		w.level(anna, 0, 0),
		w.wrong(anna, 1, 0), // and yet all count for the level
		w.level(anna, 0, 1),
	)
}

func failureForgivenStranger(ctx context.Context, s storage.Store) error {
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
