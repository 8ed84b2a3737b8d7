package storagetest

import (
	"bytes"
	"cmp"
	"context"
	"strings"
	"time"

	"example.com/mailkey/storage"
)

var logins = []check{
	{"create the user", "the first login creates the user and the session", loginFirst},
	{"find the user", "the next login finds the user, and notes when it was", loginNext},
	{"store the session whole", "FindSession and ListSessions return the session that Redeem was given", loginSession},
	{"do not fold addresses", "users have the same address when its bytes are the same", loginFolding},
	{"make one user", "parallel first logins from several devices make one user", loginParallel},
	{"share no slices", "slices passed in are not kept", loginAliases},
}

// user is the user that the visitor's first login creates.
func user(v visitor) storage.User {
	return storage.User{
		ID:          v.userID(),
		Email:       v.email,
		MailTo:      "To." + v.email,
		CreatedAt:   at(v.asked),
		LastLoginAt: at(v.asked),
	}
}

func loginFirst(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	g := anna.guess(true, 0)
	return cmp.Or(
		w.asks(anna),
		lookup(s.UserByID(ctx, anna.userID())).none(),
		lookup(s.UserByEmail(ctx, anna.email)).none(),
		w.redeem(g, 0).is(storage.Redeemed{Result: storage.GuessLoggedIn, User: user(anna), NewUser: true}),
		lookup(s.UserByID(ctx, anna.userID())).is(user(anna)),
		lookup(s.UserByEmail(ctx, anna.email)).is(user(anna)),
		w.session(anna, 0).is(live(g.Session, user(anna))),
		w.signedIn(phone, 0, false),
	)
}

func loginNext(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	next := phone.later(hour)
	want, g := user(anna), next.guess(true, hour)
	want.LastLoginAt, g.MailTo = at(hour), "anything@example.com"
	return cmp.Or(
		w.logsIn(anna, ben),
		w.asks(next),
		w.redeem(g, hour).is(storage.Redeemed{Result: storage.GuessLoggedIn, User: want}),
		lookup(s.UserByEmail(ctx, anna.email)).is(want),
		w.session(next, hour).is(live(g.Session, want)),
		w.signedIn(anna, hour, true),
		lookup(s.UserByEmail(ctx, ben.email)).is(user(ben)),
	)
}

func loginSession(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	full := anna.guess(true, 0)
	full.Session.Agent = strings.Repeat("Mozilla/5.0 (ЯйЦо) 🙂 ", 100)
	full.Session.OS = "Wîndows'; --\t\n\\"
	full.Session.ClaimedIP, full.Session.IP = "not an address", "2001:db8::1"
	full.Session.Data = bytes.Repeat([]byte{0, 0xff, '\'', 1}, 1<<14)
	full.Session.CreatedAt = time.Date(2026, 3, 10, 20, 0, 0, 123_999_999, time.FixedZone("", 8*3600))
	full.Session.LastSeenAt = start.Add(999 * time.Microsecond)
	bare := ben.guess(true, 0)
	bare.Session = storage.Session{TokenHash: "t", UserID: ben.userID(), ExpiresAt: at(hour)}
	return cmp.Or(
		w.asks(anna, ben),
		w.redeem(full, 0).err,
		w.redeem(bare, 0).err,
		w.session(anna, 0).is(live(full.Session, user(anna))),
		value(s.ListSessions(ctx, anna.userID(), start)).is([]storage.Session{full.Session}),
		lookup(s.FindSession(ctx, "t", start)).is(live(bare.Session, user(ben))),
		value(s.ListSessions(ctx, ben.userID(), start)).is([]storage.Session{bare.Session}),
	)
}

func loginFolding(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	emails := []string{"a@x", "A@x", "a@x ", "ä@x", "a\u0308@x", "ß@x", "ss@x", "\u212a@x", "k@x", "i@x", "ı@x", "a%@x", "a_@x"}
	each := func(f func(visitor) error) error {
		return repeat(len(emails), func(i int) error { return f(visitor{email: emails[i], client: "web"}) })
	}
	return cmp.Or(
		each(func(v visitor) error {
			return cmp.Or(lookup(s.UserByEmail(ctx, v.email)).none(), w.logsIn(v))
		}),
		each(func(v visitor) error {
			return cmp.Or(
				lookup(s.UserByEmail(ctx, v.email)).is(user(v)),
				lookup(s.UserByID(ctx, v.userID())).is(user(v)),
			)
		}),
	)
}

func loginParallel(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	var in, created counter
	devices := func(f func(i int) error) error { return repeat(6, f) }
	return cmp.Or(
		devices(func(i int) error { return w.asks(anna.on(i)) }),
		parallel(6, func(i int) error {
			got, err := w.Redeem(ctx, anna.on(i).guess(true, 0), w.limits, start)
			return cmp.Or(
				in.count(got.Result == storage.GuessLoggedIn && text(got.User) == text(user(anna)), err),
				created.count(got.NewUser, err),
			)
		}),
		in.is(6),
		created.is(1),
		devices(func(i int) error { return w.signedIn(anna.on(i), 0, true) }),
		lookup(s.UserByEmail(ctx, anna.email)).is(user(anna)),
	)
}

func loginAliases(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	g := anna.guess(true, 0)
	w.limits.StrangersPerHour = 1
	g.Session.Data = []byte("data")
	want := g.Session
	want.Data = []byte("data")
	if err := cmp.Or(w.asks(anna), w.redeem(g, 0).err); err != nil {
		return err
	}
	scribble(g.Session.Data, g.Binding, g.ChallengeID, g.Address, g.Device)
	return cmp.Or(
		w.session(anna, 0).is(live(want, user(anna))),
		w.asks(anna), // as a device that logged in
	)
}
