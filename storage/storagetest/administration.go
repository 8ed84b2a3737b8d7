package storagetest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"time"

	"example.com/mailkey/storage"
)

var administration = []check{
	{"lists the user's sessions", "ListSessions returns the live sessions of the user, the newest first", adminListSessions},
	{"ends the sessions that it names", "EndSessions ends the live sessions that the filter names, and counts them", adminEndSessions},
	{"lists users", "ListUsers returns at most limit users, in the order of their ids, from after on", adminListUsers},
	{"changes an address", "ChangeEmail gives the user another address; user and sessions are the same", adminChangeEmail},
	{"respells an address", "ChangeEmail without an address to leave changes where mails go, and no code and no device", adminRespell},
	{"gives nobody another's address", "an address that another user has is ErrConflict, and nothing was changed", adminChangeTaken},
	{"deletes users", "DeleteUser removes the user and all sessions of the user", adminDeleteUser},
	{"frees an address that was left", "devices are strangers to it, and who registers with it gets the NextUserID", adminLeftAddress},
	{"deletes users who log in", "no login that is parallel to DeleteUser leaves a user or a session behind", adminDeleteParallel},
}

func adminListSessions(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	app := anna.on("tablet").later(2 * minute)
	app.client = "app"
	data := anna.guess(true, 0).Session
	data.Data = []byte("data")
	of := func(v visitor) storage.Session { return v.guess(true, v.asked).Session }
	lists := func(v visitor, now time.Duration, want ...storage.Session) error {
		return value(s.ListSessions(ctx, v.userID(), at(now))).is(want)
	}
	return cmp.Or(
		lists(anna, 0),
		w.logsIn(anna, phone.later(minute), app, ben),
		value(s.SaveSessionData(ctx, anna.token(), data.Data, start)).is(true),
		lists(anna, hour, of(app), of(phone.later(minute)), data),
		lists(ben, hour, of(ben)),
		value(s.EndSession(ctx, phone.later(minute).token(), at(hour))).is(true),
		lists(anna, hour, of(app), data),
		lists(anna, sessionLife-tick, of(app), data),
		lists(anna, sessionLife, of(app)),
	)
}

func adminEndSessions(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	id := func(v visitor) string { return v.guess(true, 0).Session.ID }
	ends := func(which storage.SessionFilter, now time.Duration, want int) error {
		return value(s.EndSessions(ctx, which, at(now))).is(want)
	}
	return cmp.Or(
		w.logsIn(anna, phone, anna.on("third"), anna.on("fourth"), ben, ben.on("second")),
		ends(storage.SessionFilter{UserID: "another"}, 0, 0),
		ends(storage.SessionFilter{UserID: anna.userID(), ID: id(ben)}, 0, 0),
		ends(storage.SessionFilter{UserID: anna.userID(), ID: id(anna)}, 0, 1),
		w.signedIn(anna, 0, false),
		ends(storage.SessionFilter{UserID: anna.userID(), ID: id(anna)}, 0, 0),
		ends(storage.SessionFilter{UserID: anna.userID(), ExceptID: id(phone)}, 0, 2),
		w.signedIn(anna.on("third"), 0, false),
		w.signedIn(phone, 0, true),
		w.signedIn(ben, 0, true),
		ends(storage.SessionFilter{ID: id(ben.on("second"))}, 0, 1),
		w.signedIn(ben.on("second"), 0, false),
		ends(storage.SessionFilter{UserID: ben.userID()}, sessionLife, 0), // they expired
		ends(storage.SessionFilter{}, sessionLife, 0),
		ends(storage.SessionFilter{}, sessionLife-tick, 2),
		w.signedIn(phone, 0, false),
		w.signedIn(ben, 0, false),
	)
}

func adminListUsers(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	b, c, d, a := visitor{email: "B"}, visitor{email: "C"}, visitor{email: "D"}, visitor{email: "a"} // in the order of bytes
	lists := func(after string, limit int, want ...visitor) error {
		var users []storage.User
		for _, v := range want {
			u := user(v)
			if v == c {
				u.DisabledAt, u.Generation = start, 1
			}
			users = append(users, u)
		}
		return value(s.ListUsers(ctx, after, limit)).is(users)
	}
	return cmp.Or(
		lists("", 9),
		w.logsIn(a, d, c, b),
		value(s.SetUserDisabled(ctx, c.userID(), start)).is(true),
		lists("", 9, b, c, d, a),
		lists("", 3, b, c, d),
		lists(d.userID(), 3, a),
		lists(b.userID(), 2, c, d),
		lists(c.userID()+" and more", 9, d, a),
		lists(a.userID(), 9),
	)
}

// left is the visitor's address as it is left behind.
func left(v visitor) storage.LeftAddress {
	return storage.LeftAddress{Address: v.address(), NextUserID: "next"}
}

func adminChangeEmail(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	want := user(anna)
	want.Email, want.MailTo = "new@example.com", "New@example.com"
	return cmp.Or(
		value(s.ChangeEmail(ctx, anna.userID(), want.Email, want.MailTo, left(anna))).is(false),
		w.logsIn(anna, ben),
		value(s.ChangeEmail(ctx, anna.userID(), want.Email, want.MailTo, left(anna))).is(true),
		lookup(s.UserByID(ctx, anna.userID())).is(want),
		lookup(s.UserByEmail(ctx, want.Email)).is(want),
		lookup(s.UserByEmail(ctx, anna.email)).none(),
		w.session(anna, 0).is(live(anna.guess(true, 0).Session, want)),
		lookup(s.UserByEmail(ctx, ben.email)).is(user(ben)),
	)
}

func adminRespell(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.StrangersPerHour, w.limits.Cooldown = 2, 0
	want := user(anna)
	want.MailTo = "ANNA@example.com"
	return cmp.Or(
		w.logsIn(anna),
		w.asks(phone, ben),
		value(s.ChangeEmail(ctx, anna.userID(), anna.email, "", storage.LeftAddress{})).is(true),
		value(s.ChangeEmail(ctx, anna.userID(), anna.email, want.MailTo, storage.LeftAddress{Address: []byte{}})).is(true),
		lookup(s.UserByEmail(ctx, anna.email)).is(want),
		w.find(phone).is(of(phone)),
		w.find(ben).is(of(ben)),
		w.asks(anna), // a device that logged in
	)
}

func adminChangeTaken(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.StrangersPerHour = 1
	return cmp.Or(
		w.logsIn(anna, ben),
		value(s.ChangeEmail(ctx, anna.userID(), ben.email, "", left(anna))).fails(storage.ErrConflict),
		lookup(s.UserByEmail(ctx, anna.email)).is(user(anna)),
		lookup(s.UserByEmail(ctx, ben.email)).is(user(ben)),
		w.asks(anna), // the device is known still
	)
}

func adminDeleteUser(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		value(s.DeleteUser(ctx, anna.userID(), left(anna))).is(false),
		w.logsIn(anna, phone, ben),
		value(s.DeleteUser(ctx, anna.userID(), left(anna))).is(true),
		lookup(s.UserByID(ctx, anna.userID())).none(),
		lookup(s.UserByEmail(ctx, anna.email)).none(),
		w.session(anna, 0).none(),
		w.session(phone, 0).none(),
		value(s.SaveSessionData(ctx, anna.token(), nil, start)).is(false),
		value(s.ListSessions(ctx, anna.userID(), start)).is(nil),
		value(s.DeleteUser(ctx, anna.userID(), left(anna))).is(false),
		value(s.SetUserDisabled(ctx, anna.userID(), start)).is(false),
		w.session(ben, 0).is(live(ben.guess(true, 0).Session, user(ben))),
	)
}

func adminLeftAddress(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.StrangersPerHour = 1
	leaves := func(v visitor, leave func() (bool, error)) error {
		next := v.later(hour)
		g, made, registered := next.guess(true, hour), of(next), user(next)
		made.UserID, g.Session.UserID, registered.ID = "next", "next", "next"
		last := v.request()
		last.Binding = append(v.address(), bytes.Repeat([]byte{0xff}, 32)...) // that there can be
		return cmp.Or(
			w.logsIn(v),
			w.request(last, v.asked).err,
			value(leave()).is(true),
			lookup(s.FindChallenge(ctx, last.Binding, w.limits, at(v.asked))).none(),
			w.waits(v.later(minute), hour-minute), // a stranger
			w.asks(next),
			w.find(next).is(made),
			w.redeem(g, hour).is(storage.Redeemed{Result: storage.GuessLoggedIn, User: registered, NewUser: true}),
			w.asks(next.later(minute)), // a device that logged in
		)
	}
	return cmp.Or(
		leaves(anna, func() (bool, error) { return s.DeleteUser(ctx, anna.userID(), left(anna)) }),
		value(s.DeleteUser(ctx, "next", storage.LeftAddress{Address: anna.address(), NextUserID: "third"})).is(true),
		leaves(ben, func() (bool, error) { return s.ChangeEmail(ctx, ben.userID(), "new@example.com", "", left(ben)) }),
		lookup(s.UserByEmail(ctx, anna.email)).none(),
	)
}

func adminDeleteParallel(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return repeat(5, func(round int) error {
		v := visitor{email: string(rune('a' + round))}
		return cmp.Or(
			w.logsIn(v),
			repeat(5, func(i int) error { return w.asks(v.on(i)) }),
			parallel(5, func(i int) error {
				if i == 2 {
					_, err := s.DeleteUser(ctx, v.userID(), left(v))
					return err
				}
				_, err := s.Redeem(ctx, v.on(i).guess(true, 0), w.limits, start)
				if errors.Is(err, storage.ErrConflict) { // the user is gone
					return nil
				}
				return err
			}),
			lookup(s.UserByID(ctx, v.userID())).none(),
			lookup(s.UserByEmail(ctx, v.email)).none(),
			repeat(5, func(i int) error { return w.signedIn(v.on(i), 0, false) }),
		)
	})
}
