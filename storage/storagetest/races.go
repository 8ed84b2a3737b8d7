package storagetest

import (
	"cmp"
	"context"
	"time"

	"example.com/mailkey/storage"
)

var races = []check{
	{"count each wrong guess", "of parallel wrong guesses exactly GuessesPerCode are told GuessWrong", raceWrong},
	{"count each at the address", "parallel wrong guesses at several challenges are all counted at the address", raceAddress},
	{"have one winner", "of parallel right guesses exactly one is not told GuessGone", raceRight},
	{"count before a right one", "of wrong and right guesses at once no more than GuessesPerCode are answered", raceMixed},
}

func raceWrong(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	var wrong counter
	return cmp.Or(
		w.asks(anna),
		parallel(12, func(int) error {
			got, err := w.Redeem(ctx, anna.guess(false, 0), w.limits, start)
			return wrong.count(got.Result == storage.GuessWrong, err)
		}),
		wrong.is(3),
		value(s.FailuresByHour(ctx, 1, start)).is([]int{3}),
		w.right(anna, 0, storage.GuessGone),
	)
}

func raceAddress(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.Level1After = 13
	var wrong counter
	return cmp.Or(
		repeat(4, func(i int) error { return w.asks(anna.on(i)) }),
		parallel(16, func(i int) error {
			got, err := w.Redeem(ctx, anna.on(i%4).guess(false, 0), w.limits, start)
			return wrong.count(got.Result == storage.GuessWrong, err)
		}),
		wrong.is(12),
		value(s.FailuresByHour(ctx, 1, start)).is([]int{12}),
		w.level(anna, 0, 0),
		w.asks(anna),
		w.wrong(anna, 1, 0),
		w.level(anna, 0, 1),
	)
}

// contest makes guesses at one challenge at once and returns the results.
func (w *scene) contest(v visitor, guesses int, right func(i int) bool) ([]storage.GuessResult, error) {
	results := make([]storage.GuessResult, guesses)
	err := parallel(guesses, func(i int) error {
		g := v.guess(right(i), v.asked)
		g.Session.TokenHash = v.on(i).token()
		got, err := w.Redeem(w.ctx, g, w.limits, at(v.asked))
		results[i] = got.Result
		return err
	})
	return results, err
}

// tally counts the results that are r.
func tally(results []storage.GuessResult, r storage.GuessResult) (n int) {
	for _, result := range results {
		if result == r {
			n++
		}
	}
	return n
}

func raceRight(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return repeat(5, func(round int) error {
		v := anna.later(time.Duration(round) * minute)
		if err := w.asks(v); err != nil {
			return err
		}
		results, err := w.contest(v, 8, func(int) bool { return true })
		var sessions int
		for i := range 8 {
			_, ok, err := s.FindSession(ctx, v.on(i).token(), at(v.asked))
			if err != nil {
				return err
			}
			if ok {
				sessions++
			}
		}
		return cmp.Or(err,
			value(tally(results, storage.GuessLoggedIn), nil).is(1),
			value(tally(results, storage.GuessGone), nil).is(7),
			value(sessions, nil).is(1),
		)
	})
}

func raceMixed(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return repeat(5, func(round int) error {
		v := anna.later(time.Duration(round) * minute)
		if err := w.asks(v); err != nil {
			return err
		}
		results, err := w.contest(v, 12, func(i int) bool { return i%6 == 5 })
		wrong, in := tally(results, storage.GuessWrong), tally(results, storage.GuessLoggedIn)
		return cmp.Or(err,
			value(wrong+in > 3, nil).is(false),
			value(wrong == 3 || in == 1, nil).is(true),
			w.lives(v, v.asked, false),
		)
	})
}
