package storagetest

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"example.com/mailkey/storage"
)

const whole = "a verb whose context ended is done as a whole or not at all, and without an error as a whole"

var contexts = []check{
	{"that ended leave no half login", whole, contextOf(halfLogin)},
	{"that ended leave no half request", whole, contextOf(halfRequest)},
	{"that ended leave no half taking", whole, contextOf(halfTaking)},
	{"that ended leave no half disabling", whole, contextOf(halfDisabling)},
	{"that ended leave no half document", whole, contextOf(halfDocument)},
	{"that ended leave no half guess", whole, contextOf(halfGuess)},
}

// A half prepares a verb for the round and returns the verb, and the parts
// that it has to have done, all of them or none.
type half func(w *scene, round int) (verb verb, parts []part, err error)

type (
	verb func(context.Context) error
	part func() (done bool, err error)
)

// contextOf runs the verb with a context that ended before, and several times
// with one that ends meanwhile.
func contextOf(prepare half) func(context.Context, storage.Store) error {
	return func(ctx context.Context, s storage.Store) error {
		return repeat(12, func(round int) error {
			w := play(ctx, s)
			verb, parts, err := prepare(w, round)
			if err != nil {
				return err
			}
			short, cancel := context.WithCancel(ctx)
			defer cancel()
			if round == 0 {
				cancel()
			}
			var failed bool
			_ = parallel(2, func(i int) error {
				if i == 0 {
					failed = verb(short) != nil
				} else {
					cancel()
				}
				return nil
			})
			want := !failed
			for i, part := range parts {
				done, err := part()
				if failed && i == 0 {
					want = done
				}
				if err := value(done, err).is(want); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

func halfLogin(w *scene, round int) (verb, []part, error) {
	v := visitor{email: string(rune('a' + round))}
	verb := func(ctx context.Context) error {
		_, err := w.Redeem(ctx, v.guess(true, 0), w.limits, start)
		return err
	}
	return verb, []part{
		func() (bool, error) {
			_, ok, err := w.UserByEmail(w.ctx, v.email)
			return ok, err
		},
		func() (bool, error) {
			_, ok, err := w.FindSession(w.ctx, v.token(), start)
			return ok, err
		},
		func() (bool, error) {
			_, ok, err := w.FindChallenge(w.ctx, v.binding(), w.limits, start)
			return !ok, err
		},
		func() (bool, error) {
			due, err := w.due(v)
			return !due, err
		},
	}, w.asks(v)
}

// due reports whether the visitor's mail is due.
func (w *scene) due(v visitor) (bool, error) {
	mails, err := w.ClaimMails(w.ctx, room, lease, 0, start)
	return slices.ContainsFunc(mails, func(m storage.Mail) bool { return bytes.Equal(m.ID, v.challenge()) }), err
}

func halfRequest(w *scene, round int) (verb, []part, error) {
	v := visitor{email: string(rune('a' + round))}
	w.limits.Cooldown = hour
	verb := func(ctx context.Context) error {
		_, err := w.RequestCode(ctx, v.request(), w.limits, start)
		return err
	}
	return verb, []part{
		func() (bool, error) {
			_, ok, err := w.FindChallenge(w.ctx, v.binding(), w.limits, start)
			return ok, err
		},
		func() (bool, error) { return w.due(v) },
		func() (bool, error) {
			got, err := w.RequestCode(w.ctx, v.request(), w.limits, start)
			return got.Wait > 0, err
		},
	}, nil
}

func halfTaking(w *scene, round int) (verb, []part, error) {
	one := func(i int) storage.Limit {
		return storage.Limit{Key: key("half", round, i), Count: 1, Window: hour}
	}
	verb := func(ctx context.Context) error {
		_, err := w.TakeLimits(ctx, start, one(0), one(1), one(2))
		return err
	}
	var parts []part
	for i := range 3 {
		parts = append(parts, func() (bool, error) {
			wait, err := w.TakeLimits(w.ctx, start, look(one(i)))
			return wait > 0, err
		})
	}
	return verb, parts, nil
}

func halfDisabling(w *scene, round int) (verb, []part, error) {
	v := visitor{email: string(rune('a' + round))}
	verb := func(ctx context.Context) error {
		_, err := w.SetUserDisabled(ctx, v.userID(), start)
		return err
	}
	ended := func(v visitor) func() (bool, error) {
		return func() (bool, error) {
			_, enabled := w.SetUserDisabled(w.ctx, v.userID(), time.Time{})
			_, ok, err := w.FindSession(w.ctx, v.token(), start)
			return !ok, cmp.Or(enabled, err)
		}
	}
	return verb, []part{
		func() (bool, error) {
			u, _, err := w.UserByID(w.ctx, v.userID())
			return !u.DisabledAt.IsZero(), err
		},
		ended(v), ended(v.on("another")),
	}, w.logsIn(v, v.on("another"))
}

func halfDocument(w *scene, round int) (verb, []part, error) {
	before := loadKeys(w.ctx, w)
	verb := func(ctx context.Context) error {
		_, err := w.SaveKeys(ctx, key(round), before.got.Version)
		return err
	}
	return verb, []part{
		func() (bool, error) {
			now := loadKeys(w.ctx, w)
			return now.got.Version == before.got.Version+1, now.err
		},
		func() (bool, error) {
			now := loadKeys(w.ctx, w)
			return string(now.got.Sealed) == string(key(round)), now.err
		},
	}, before.err
}

func halfGuess(w *scene, round int) (verb, []part, error) {
	v := visitor{email: string(rune('a' + round)), asked: time.Duration(round) * hour}
	w.limits.GuessesPerCode, w.limits.StrangerGuessesPerDay = 1, 1
	verb := func(ctx context.Context) error {
		_, err := w.Redeem(ctx, v.guess(false, v.asked), w.limits, at(v.asked))
		return err
	}
	return verb, []part{
		func() (bool, error) {
			_, ok, err := w.FindChallenge(w.ctx, v.binding(), w.limits, at(v.asked))
			return !ok, err
		},
		func() (bool, error) {
			n, err := w.FailuresByHour(w.ctx, 1, at(v.asked))
			return err == nil && n[0] == 1, err
		},
		func() (bool, error) {
			got, err := w.Redeem(w.ctx, v.guess(true, v.asked), w.limits, at(v.asked))
			return got.Result == storage.GuessLimited, err
		},
	}, w.asks(v)
}
