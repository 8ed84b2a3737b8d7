package storagetest

import (
	"cmp"
	"context"

	"example.com/mailkey/storage"
)

var challenges = []check{
	{"come back whole", "FindChallenge returns the challenge that RequestCode made", challengeWhole},
	{"expire", "what expires at t is dead when it is t, and alive a millisecond before", challengeExpires},
	{"are kept by binding", "there is one challenge per binding, and each binding has its own", challengeBindings},
	{"need room in the outbox", "with MaxPending mails waiting RequestCode is told Full, and nothing was changed", challengeFull},
	{"leave room for friends", "the last tenth of MaxPending is for devices that logged in to the address before", challengeFriends},
	{"need room before all else", "the outbox is asked before the address's limits", challengeFullFirst},
	{"need room when asked at once", "parallel requests keep MaxPending", challengeFullParallel},
	{"are long enough", "a challenge has the level of the address, and at least MinLevel", challengeLevel},
	{"are not shared", "slices passed in are not kept, those returned belong to the caller", challengeAliases},
}

// find finds the challenge of the visitor's binding.
func (w *scene) find(v visitor) answer[storage.Challenge] {
	return lookup(w.FindChallenge(w.ctx, v.binding(), w.limits, at(v.asked)))
}

// of is the challenge that is made when the visitor asks.
func of(v visitor) storage.Challenge {
	return storage.Challenge{
		ID:        v.challenge(),
		Binding:   v.binding(),
		SecretID:  "secret 1",
		UserID:    v.userID(),
		ExpiresAt: at(v.asked + lifetime),
	}
}

func challengeWhole(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	r, want := anna.request(), of(anna)
	r.SecretID, r.MinLevel, r.UserID = "geheim-秘密", 1, "ünïque"
	want.SecretID, want.Level, want.UserID = r.SecretID, 1, r.UserID
	return cmp.Or(
		w.find(anna).none(),
		lookup(s.FindChallenge(ctx, nil, w.limits, start)).none(),
		w.request(r, 0).is(storage.CodeRequested{ExpiresAt: at(lifetime)}),
		w.find(anna).is(want),
	)
}

func challengeExpires(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		w.asks(anna, ben),
		w.lives(anna, lifetime-tick, true),
		w.lives(anna, lifetime, false),
		w.guesses(anna, false, lifetime-tick, storage.GuessWrong),
		w.guesses(anna, false, lifetime, storage.GuessGone),
		w.right(anna, lifetime, storage.GuessGone),
		w.right(ben, lifetime-tick, storage.GuessLoggedIn),
	)
}

func challengeBindings(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	app := anna
	app.client = "app"
	return cmp.Or(
		w.asks(anna, phone, app, ben),
		w.wrong(anna, 3, 0),
		w.lives(anna, 0, false),
		w.find(phone).is(of(phone)),
		w.find(app).is(of(app)),
		w.find(ben).is(of(ben)),
		w.wrong(phone, 3, 0),
		w.right(app, 0, storage.GuessLoggedIn),
		w.right(ben, 0, storage.GuessLoggedIn),
	)
}

// asksFor has the visitor ask where max mails may wait.
func (w *scene) asksFor(v visitor, max int) answer[storage.CodeRequested] {
	r := v.request()
	r.MaxPending = max
	return w.request(r, v.asked)
}

func challengeFull(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.Cooldown = hour
	full := storage.CodeRequested{Full: true}
	accepted := storage.CodeRequested{ExpiresAt: at(lifetime), NextIn: hour}
	return cmp.Or(
		w.asksFor(ben.on(1), 2).is(accepted),
		w.asksFor(anna, 1).is(full),
		w.find(anna).none(),
		w.asksFor(anna, 2).is(accepted),
		w.asksFor(visitor{email: "carl@example.com"}, 2).is(full),
		w.claims(0, ben.on(1), anna),
		w.asksFor(visitor{email: "carl@example.com"}, 2).is(full), // claimed ones wait too
		w.asksFor(visitor{email: "carl@example.com"}, 3).is(accepted),
	)
}

func challengeFriends(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	full := storage.CodeRequested{Full: true}
	accepted := storage.CodeRequested{ExpiresAt: at(lifetime)}
	return cmp.Or(
		familiar(w),
		repeat(18, func(i int) error { return w.asksFor(nth(i), 20).is(accepted) }),
		w.asksFor(ben, 20).is(full),
		w.asksFor(phone, 20).is(full), // a stranger at the same address
		w.asksFor(anna, 20).is(accepted),
		w.asksFor(anna, 18).is(full),
		w.asksFor(ben, 21).is(full),
		w.asksFor(ben, 22).is(accepted),
	)
}

func challengeFullFirst(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.Cooldown = hour
	return cmp.Or(
		w.asks(anna),
		w.asksFor(anna, 1).is(storage.CodeRequested{Full: true}),
		w.asksFor(anna, 2).is(storage.CodeRequested{Wait: hour}),
	)
}

func challengeFullParallel(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	var accepted counter
	return cmp.Or(
		parallel(8, func(i int) error {
			a := w.asksFor(visitor{email: string(rune('a' + i))}, 3)
			return accepted.count(!a.got.Full, a.err)
		}),
		accepted.is(3),
	)
}

func challengeLevel(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.Level1After = 1
	wanted := func(v visitor, min, want int) error {
		r, c := v.request(), of(v)
		r.MinLevel, c.Level = min, want
		return cmp.Or(w.request(r, v.asked).err, w.find(v).is(c))
	}
	return cmp.Or(
		wanted(anna, 0, 0),
		wanted(anna.on("1"), 1, 1),
		w.wrong(anna, 1, 0),
		wanted(anna.on("2"), 0, 1),
		wanted(anna.on("3"), 1, 1),
		wanted(anna.on("4"), 2, 2),
		wanted(anna.later(minute), 0, 1),
	)
}

func challengeAliases(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	r := anna.request()
	if err := w.request(r, 0).err; err != nil {
		return err
	}
	scribble(r.Binding, r.Address, r.Device, r.ChallengeID)
	a := w.find(anna)
	if err := a.is(of(anna)); err != nil {
		return err
	}
	scribble(a.got.ID, a.got.Binding)
	return cmp.Or(w.find(anna).is(of(anna)), w.right(anna, 0, storage.GuessLoggedIn))
}
