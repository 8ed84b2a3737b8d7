package storagetest

import (
	"cmp"
	"context"
	"time"

	"example.com/mailkey/storage"
)

var users = []check{
	{"are not invented", "ok is false when there is no such user", userUnknown},
	{"are disabled", "SetUserDisabled notes the time, the zero time enables again, and each adds one to Generation", userDisabled},
	{"lose their sessions", "disabling ends all sessions of the user in the same step, for good", userLosesSessions},
	{"lose sessions of logins under way", "no login that is parallel to SetUserDisabled leaves a session behind", userDisabledParallel},
}

func userUnknown(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		w.logsIn(ben),
		lookup(s.UserByID(ctx, anna.userID())).none(),
		lookup(s.UserByID(ctx, "")).none(),
		lookup(s.UserByID(ctx, ben.email)).none(),
		lookup(s.UserByEmail(ctx, anna.email)).none(),
		lookup(s.UserByEmail(ctx, "")).none(),
		value(s.SetUserDisabled(ctx, anna.userID(), start)).is(false),
		value(s.SetUserDisabled(ctx, anna.userID(), time.Time{})).is(false),
	)
}

func userDisabled(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	want := user(anna)
	disabled := func(t time.Time) error {
		want.DisabledAt = t
		want.Generation++
		return cmp.Or(
			value(s.SetUserDisabled(ctx, anna.userID(), t)).is(true),
			lookup(s.UserByID(ctx, anna.userID())).is(want),
			lookup(s.UserByEmail(ctx, anna.email)).is(want),
			lookup(s.UserByID(ctx, ben.userID())).is(user(ben)),
		)
	}
	next := anna.later(day)
	logsIn := func() error {
		want.LastLoginAt = at(day)
		return w.redeem(next.guess(true, day), day).is(storage.Redeemed{Result: storage.GuessLoggedIn, User: want})
	}
	return cmp.Or(
		w.logsIn(anna, ben),
		disabled(at(minute)),
		disabled(at(hour)),
		disabled(time.Time{}),
		disabled(time.Time{}),
		w.asks(next),
		logsIn(),
	)
}

func userLosesSessions(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	app := anna
	app.client = "app"
	all := []visitor{anna, phone, app}
	each := func(f func(v visitor) error) error { return repeat(3, func(i int) error { return f(all[i]) }) }
	dead := func(v visitor) error {
		return cmp.Or(
			w.session(v, 0).none(),
			value(s.SaveSessionData(ctx, v.token(), []byte("new"), start)).is(false),
			value(s.EndSession(ctx, v.token(), start)).is(false),
		)
	}
	return cmp.Or(
		w.logsIn(anna, phone, app, ben),
		value(s.SetUserDisabled(ctx, anna.userID(), time.Time{})).is(true), // ends nothing
		each(func(v visitor) error { return w.signedIn(v, 0, true) }),
		value(s.SetUserDisabled(ctx, anna.userID(), start)).is(true),
		each(dead),
		w.signedIn(ben, 0, true),
		value(s.SetUserDisabled(ctx, anna.userID(), time.Time{})).is(true),
		each(dead),
		w.logsIn(anna.later(minute)),
		w.signedIn(anna.later(minute), minute, true),
	)
}

func userDisabledParallel(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return repeat(5, func(round int) error {
		v := visitor{email: string(rune('a' + round))}
		return cmp.Or(
			w.logsIn(v),
			repeat(5, func(i int) error { return w.asks(v.on(i)) }),
			parallel(5, func(i int) error {
				if i == 2 {
					_, err := s.SetUserDisabled(ctx, v.userID(), start)
					return err
				}
				_, err := s.Redeem(ctx, v.on(i).guess(true, 0), w.limits, start)
				return err
			}),
			value(s.SetUserDisabled(ctx, v.userID(), time.Time{})).is(true),
			repeat(5, func(i int) error { return w.signedIn(v.on(i), 0, false) }),
		)
	})
}
