package storagetest

import (
	"cmp"
	"context"
	"errors"

	"example.com/mailkey/storage"
)

var addressRaces = []check{
	{"give an address to one user", "of users who change to an address and one who registers with it at once, one gets it", raceForAddress},
	{"count while it is left", "wrong guesses that are parallel to ChangeEmail are counted at the address", raceCounted},
	{"ask while it is left", "a code that is asked for parallel to DeleteUser is gone, or makes another user", raceAsked},
	{"delete once", "of parallel calls of DeleteUser one is told true", raceDeleted},
}

// nth is a visitor whom nobody has seen before.
func nth(n int) visitor { return visitor{email: string(rune('a' + n)), client: "web"} }

// unlessConflict is for calls of which a conflict is an answer.
func unlessConflict(err error) error {
	if errors.Is(err, storage.ErrConflict) {
		return nil
	}
	return err
}

func raceForAddress(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return repeat(5, func(round int) error {
		a, b, v := nth(3*round), nth(3*round+1), nth(3*round+2)
		var won counter
		return cmp.Or(
			w.logsIn(a, b),
			w.asks(v),
			parallel(3, func(i int) error {
				if i == 2 {
					got, err := s.Redeem(ctx, v.guess(true, 0), w.limits, start)
					return won.count(got.Result == storage.GuessLoggedIn, unlessConflict(err))
				}
				from := nth(3*round + i)
				ok, err := s.ChangeEmail(ctx, from.userID(), v.email, "", left(from))
				return won.count(ok, unlessConflict(err))
			}),
			won.is(1),
		)
	})
}

func raceCounted(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return repeat(5, func(round int) error {
		v := nth(round)
		var wrong counter
		err := cmp.Or(
			w.logsIn(v),
			repeat(4, func(i int) error { return w.asks(v.on(i)) }),
			parallel(5, func(i int) error {
				if i == 4 {
					_, err := s.ChangeEmail(ctx, v.userID(), "new "+v.email, "", left(v))
					return err
				}
				got, err := s.Redeem(ctx, v.on(i).guess(false, 0), w.limits, start)
				return wrong.count(got.Result == storage.GuessWrong, err)
			}),
		)
		w.limits.Level1After = int(wrong.n.Load())
		err = cmp.Or(err, w.level(v, 0, 1))
		w.limits.Level1After++
		return cmp.Or(err, w.level(v, 0, 0))
	})
}

func raceAsked(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return repeat(5, func(round int) error {
		v := nth(round)
		err := cmp.Or(
			w.logsIn(v),
			parallel(2, func(i int) error {
				if i == 0 {
					return w.asks(v.on("another"))
				}
				_, err := s.DeleteUser(ctx, v.userID(), left(v))
				return err
			}),
		)
		found := w.find(v.on("another"))
		if err != nil || !found.ok {
			return cmp.Or(err, found.err)
		}
		return value(found.got.UserID, nil).is("next")
	})
}

func raceDeleted(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	var deleted counter
	return cmp.Or(
		w.logsIn(anna),
		parallel(6, func(int) error {
			ok, err := s.DeleteUser(ctx, anna.userID(), left(anna))
			return deleted.count(ok, err)
		}),
		deleted.is(1),
	)
}
