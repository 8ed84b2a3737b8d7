package storagetest

import (
	"cmp"
	"context"
	"errors"
	"time"

	"example.com/mailkey/storage"
)

var refusals = []check{
	{"spend the code", "with Refuse the code is spent, and nobody is let in", refusalWanted},
	{"of nobody spend the code", "without Register the code is spent when there is no such user", refusalNoUser},
	{"are not for those who registered", "without Register a user that exists is let in", refusalRegistered},
	{"of disabled users spend the code", "the code of a disabled user is spent, until the user is enabled again", refusalDisabled},
	{"of another user change nothing", "a user whose id is not Session.UserID is an error, and nothing was changed", refusalOtherUser},
	{"of another new user change nothing", "a new user whose id is not the address's is an error, and nothing was changed", refusalOtherNewUser},
	{"of a session change nothing", "a login that cannot store its session changes nothing", refusalWhole},
}

// spent checks that the visitor's code is gone, and that nobody was let in.
func (w *scene) spent(v visitor, now time.Duration) error {
	return cmp.Or(
		w.lives(v, now, false),
		w.right(v, now, storage.GuessGone),
		w.signedIn(v, now, false),
	)
}

func refusalWanted(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	refused, next := anna.guess(true, 0), anna.later(hour)
	refused.Refuse = true
	known := next.guess(true, hour)
	known.Refuse = true
	return cmp.Or(
		w.asks(anna),
		w.redeem(refused, 0).is(storage.Redeemed{Result: storage.GuessRefused}),
		w.spent(anna, 0),
		lookup(s.UserByEmail(ctx, anna.email)).none(),
		w.logsIn(phone),
		w.asks(next),
		w.redeem(known, hour).is(storage.Redeemed{Result: storage.GuessRefused}),
		w.spent(next, hour),
		lookup(s.UserByEmail(ctx, anna.email)).is(user(anna)), // not the time of a login
	)
}

func refusalNoUser(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	g := anna.guess(true, 0)
	g.Register = false
	return cmp.Or(
		w.asks(anna),
		w.redeem(g, 0).is(storage.Redeemed{Result: storage.GuessNoUser}),
		w.spent(anna, 0),
		lookup(s.UserByEmail(ctx, anna.email)).none(),
		lookup(s.UserByID(ctx, anna.userID())).none(),
	)
}

func refusalRegistered(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	g := phone.guess(true, 0)
	g.Register = false
	return cmp.Or(
		w.logsIn(anna),
		w.asks(phone),
		w.redeem(g, 0).is(storage.Redeemed{Result: storage.GuessLoggedIn, User: user(anna)}),
	)
}

func refusalDisabled(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		w.logsIn(anna, ben),
		value(s.SetUserDisabled(ctx, anna.userID(), at(minute))).is(true),
		w.asks(phone),
		w.redeem(phone.guess(true, minute), minute).is(storage.Redeemed{Result: storage.GuessDisabled}),
		w.spent(phone, minute),
		w.logsIn(ben.later(minute)),
		value(s.SetUserDisabled(ctx, anna.userID(), time.Time{})).is(true),
		w.logsIn(phone.later(2*minute)),
		w.signedIn(phone.later(2*minute), 2*minute, true),
	)
}

func refusalOtherUser(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	g := phone.guess(true, 0)
	g.Session.UserID = ben.userID()
	return cmp.Or(
		w.logsIn(anna),
		w.asks(phone),
		w.redeem(g, 0).fails(storage.ErrConflict),
		w.signedIn(phone, 0, false),
		w.lives(phone, 0, true),
		lookup(s.UserByID(ctx, ben.userID())).none(),
		lookup(s.UserByEmail(ctx, anna.email)).is(user(anna)),
		w.right(phone, 0, storage.GuessLoggedIn),
	)
}

func refusalOtherNewUser(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	g := anna.guess(true, 0)
	g.Session.UserID = "another"
	return cmp.Or(
		w.asks(anna),
		w.redeem(g, 0).fails(storage.ErrConflict),
		w.signedIn(anna, 0, false),
		w.lives(anna, 0, true),
		lookup(s.UserByID(ctx, "another")).none(),
		lookup(s.UserByEmail(ctx, anna.email)).none(),
		w.redeem(anna.guess(true, 0), 0).is(
			storage.Redeemed{Result: storage.GuessLoggedIn, User: user(anna), NewUser: true}),
	)
}

func refusalWhole(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.Level1After, w.limits.StrangersPerHour = 3, 2
	g := anna.guess(true, 0)
	g.Session.TokenHash = ben.token() // which exists
	if err := cmp.Or(w.logsIn(ben), w.asks(anna), w.wrong(anna, 2, 0)); err != nil {
		return err
	}
	if w.redeem(g, 0).err == nil {
		return errors.New("two sessions have one token")
	}
	return cmp.Or(
		w.lives(anna, 0, true),
		lookup(s.UserByID(ctx, anna.userID())).none(),
		lookup(s.UserByEmail(ctx, anna.email)).none(),
		w.signedIn(ben, 0, true),
		w.asks(phone),
		w.waits(anna, hour), // a stranger still
		w.wrong(phone, 1, 0),
		w.right(anna, 0, storage.GuessGone), // nothing was forgiven
	)
}
