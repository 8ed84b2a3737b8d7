package storagetest

import (
	"cmp"
	"context"

	"example.com/mailkey/storage"
)

var guesses = []check{
	{"run out", "a challenge is gone after GuessesPerCode wrong guesses, for a right one too", guessesRunOut},
	{"last to the last", "the guess before GuessesPerCode are counted may be right", guessesLast},
	{"need their challenge", "a guess at another challenge, another binding's or none is GuessGone", guessesElsewhere},
	{"end with a right one", "a challenge that was used is gone", guessesUsed},
	{"end with longer codes", "a challenge shorter than the address's level by now is gone", guessesOutgrown},
	{"count nowhere when gone", "a guess at a challenge that is gone counts nowhere", guessesGone},
	{"are not refunded", "a login that fails later gives no wrong guess back", guessesNotRefunded},
	{"are counted by the hour", "FailuresByHour returns the last n hours, the current one last", guessesByHour},
	{"stay counted", "FailuresByHour counts guesses that a login forgave, too", guessesByHourForgiven},
}

func guessesRunOut(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		w.asks(anna),
		w.wrong(anna, 2, 0),
		w.lives(anna, 0, true),
		w.wrong(anna, 1, 0),
		w.lives(anna, 0, false),
		w.guesses(anna, false, 0, storage.GuessGone),
		w.right(anna, 0, storage.GuessGone),
		w.signedIn(anna, 0, false),
	)
}

func guessesLast(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		w.asks(anna),
		w.wrong(anna, 2, 0),
		w.right(anna, 0, storage.GuessLoggedIn),
	)
}

func guessesElsewhere(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	gone := func(right bool, change func(*storage.Guess)) error {
		g := anna.guess(right, 0)
		change(&g)
		return w.redeem(g, 0).is(storage.Redeemed{Result: storage.GuessGone})
	}
	var err error
	for _, right := range []bool{false, true} {
		err = cmp.Or(err,
			gone(right, func(*storage.Guess) {}), // nobody asked yet
			w.asks(ben, phone),
			gone(right, func(*storage.Guess) {}),
			gone(right, func(g *storage.Guess) { g.ChallengeID = nil }),
			gone(right, func(g *storage.Guess) { g.ChallengeID = phone.challenge() }),
			gone(right, func(g *storage.Guess) { g.Binding = phone.binding() }),
			gone(right, func(g *storage.Guess) { g.Binding, g.ChallengeID = phone.binding(), nil }),
			gone(right, func(g *storage.Guess) { g.Binding, g.ChallengeID = phone.binding(), ben.challenge() }),
			gone(right, func(g *storage.Guess) { g.Binding = nil }),
		)
	}
	return cmp.Or(err,
		w.wrong(phone, 2, 0),
		w.right(phone, 0, storage.GuessLoggedIn),
		w.right(ben, 0, storage.GuessLoggedIn),
	)
}

func guessesUsed(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	again := anna.guess(true, 0)
	again.Session.TokenHash = "another"
	return cmp.Or(
		w.logsIn(anna),
		w.lives(anna, 0, false),
		w.redeem(again, 0).is(storage.Redeemed{Result: storage.GuessGone}),
		w.guesses(anna, false, 0, storage.GuessGone),
		lookup(s.FindSession(ctx, "another", start)).none(),
	)
}

func guessesOutgrown(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.Level1After = 2
	long := anna.on("long").request()
	long.MinLevel = 1
	return cmp.Or(
		w.asks(anna, phone),
		w.request(long, 0).err,
		w.wrong(anna, 2, 0),
		w.lives(phone, 0, true), // found it is
		w.guesses(phone, false, 0, storage.GuessGone),
		w.right(phone, 0, storage.GuessGone),
		w.right(anna, 0, storage.GuessGone),
		w.right(anna.on("long"), 0, storage.GuessLoggedIn),
	)
}

func guessesGone(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.Level1After, w.limits.StrangerGuessesPerDay = 4, 4
	stale := anna.later(-day)
	none := anna.guess(false, 0)
	none.ChallengeID = nil
	gone := storage.Redeemed{Result: storage.GuessGone}
	return cmp.Or(
		w.asks(stale, anna, phone),
		w.wrong(phone, 3, 0),
		repeat(9, func(int) error {
			return cmp.Or(
				w.guesses(phone, false, 0, storage.GuessGone),
				w.guesses(stale, false, 0, storage.GuessGone),
				w.redeem(none, 0).is(gone),
			)
		}),
		value(s.FailuresByHour(ctx, 48, start)).is(append(make([]int, 47), 3)),
		w.level(anna, 0, 0),
		w.lives(anna, 0, true),
		w.wrong(anna, 1, 0),
		w.level(anna, 0, 1),
	)
}

func guessesNotRefunded(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	broken := anna.guess(true, 0)
	broken.Session.UserID = "somebody else"
	return cmp.Or(
		w.asks(anna),
		w.wrong(anna, 1, 0),
		w.redeem(broken, 0).fails(storage.ErrConflict),
		w.wrong(anna, 1, 0),
		w.redeem(broken, 0).fails(storage.ErrConflict),
		w.wrong(anna, 1, 0),
		w.right(anna, 0, storage.GuessGone),
		value(s.FailuresByHour(ctx, 1, start)).is([]int{3}),
	)
}

func guessesByHour(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	wrong := func(v visitor, n int) error { return cmp.Or(w.asks(v), w.wrong(v, n, v.asked)) }
	return cmp.Or(
		value(s.FailuresByHour(ctx, 3, start)).is([]int{0, 0, 0}),
		wrong(anna.on(1).later(-hour-tick), 1),
		wrong(anna.on(2).later(-hour), 2),
		wrong(ben.on(3).later(-tick), 3),
		wrong(anna.on(4), 1),
		wrong(ben.on(5).later(hour-tick), 1),
		value(s.FailuresByHour(ctx, 1, start)).is([]int{2}),
		value(s.FailuresByHour(ctx, 3, at(hour-tick))).is([]int{1, 5, 2}),
		value(s.FailuresByHour(ctx, 5, at(hour))).is([]int{0, 1, 5, 2, 0}),
		value(s.FailuresByHour(ctx, 1, at(-minute))).is([]int{5}),
		value(s.FailuresByHour(ctx, 2, at(day))).is([]int{0, 0}),
	)
}

func guessesByHourForgiven(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		w.asks(anna),
		w.wrong(anna, 2, 0),
		w.right(anna, 0, storage.GuessLoggedIn),
		value(s.FailuresByHour(ctx, 1, start)).is([]int{2}),
	)
}
