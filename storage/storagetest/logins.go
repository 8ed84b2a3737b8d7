package storagetest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"example.com/mailkey/storage"
)

var logins = []check{
	{"create the user", "the first login creates the user and the session", loginFirst},
	{"find the user", "the next login finds the user, and notes when it was", loginNext},
	{"store the session whole", "FindSession returns the session that Redeem was given", loginSession},
	{"do not fold addresses", "users have the same address when its bytes are the same", loginFolding},
	{"are refused", "with Refuse the code is spent, and nobody is let in", loginRefused},
	{"need a user", "without Register the code is spent when there is no such user", loginNoUser},
	{"need no registration twice", "without Register a user that exists is let in", loginRegistered},
	{"need an enabled user", "the code of a disabled user is spent, until the user is enabled again", loginDisabled},
	{"are for the user that the caller saw", "a user whose id is not Session.UserID is an error, and nothing was changed", loginOtherUser},
	{"are for the address's new user", "a new user whose id is not the address's is an error, and nothing was changed", loginOtherNewUser},
	{"are whole or not at all", "a login that cannot store its session changes nothing", loginWhole},
	{"make one user", "parallel first logins from several devices make one user", loginParallel},
	{"end the oldest sessions", "one user has at most MaxSessions live sessions at one client", loginMaxSessions},
	{"count live sessions", "sessions that ended or expired are not among MaxSessions", loginLiveSessions},
	{"count sessions when at once", "parallel logins keep MaxSessions", loginMaxSessionsParallel},
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
		w.session(anna, 0).is(loggedIn{g.Session, user(anna)}),
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
		w.session(next, hour).is(loggedIn{g.Session, want}),
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
		w.session(anna, 0).is(loggedIn{full.Session, user(anna)}),
		session(s.FindSession(ctx, "t", start)).is(loggedIn{bare.Session, user(ben)}),
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

// spent checks that the visitor's code is gone, and that nobody was let in.
func (w *scene) spent(v visitor, now time.Duration) error {
	return cmp.Or(
		w.lives(v, now, false),
		w.right(v, now, storage.GuessGone),
		w.signedIn(v, now, false),
	)
}

func loginRefused(ctx context.Context, s storage.Store) error {
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

func loginNoUser(ctx context.Context, s storage.Store) error {
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

func loginRegistered(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	g := phone.guess(true, 0)
	g.Register = false
	return cmp.Or(
		w.logsIn(anna),
		w.asks(phone),
		w.redeem(g, 0).is(storage.Redeemed{Result: storage.GuessLoggedIn, User: user(anna)}),
	)
}

func loginDisabled(ctx context.Context, s storage.Store) error {
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

func loginOtherUser(ctx context.Context, s storage.Store) error {
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

func loginOtherNewUser(ctx context.Context, s storage.Store) error {
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

func loginWhole(ctx context.Context, s storage.Store) error {
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
		w.lives(anna, 0, false), // nothing was forgiven
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

// logsInAmong is logsIn where max sessions may live.
func (w *scene) logsInAmong(max int, v visitor) error {
	g := v.guess(true, v.asked)
	g.MaxSessions = max
	return cmp.Or(w.asks(v), w.redeem(g, v.asked).err)
}

func loginMaxSessions(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	app := anna
	app.client = "app"
	device := func(i int) visitor { return anna.on(i).later(time.Duration(i) * minute) }
	return cmp.Or(
		w.logsIn(app, ben),
		repeat(2, func(i int) error { return w.logsInAmong(2, device(i)) }),
		w.signedIn(device(0), hour, true),
		w.logsInAmong(2, device(2)),
		w.signedIn(device(0), hour, false),
		w.signedIn(device(1), hour, true),
		w.signedIn(device(2), hour, true),
		w.logsInAmong(1, device(3)),
		w.signedIn(device(1), hour, false),
		w.signedIn(device(2), hour, false),
		w.signedIn(device(3), hour, true),
		w.signedIn(app, hour, true),
		w.signedIn(ben, hour, true),
	)
}

func loginLiveSessions(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	device := func(i int) visitor { return anna.on(i).later(time.Duration(i) * minute) }
	brief := device(1).guess(true, minute)
	brief.Session.ExpiresAt = at(2 * minute)
	return cmp.Or(
		w.logsIn(device(0)),
		w.asks(device(1)),
		w.redeem(brief, minute).err,
		w.logsIn(device(2)),
		value(s.EndSession(ctx, device(2).token(), at(2*minute))).is(true),
		w.logsInAmong(2, device(3)),
		w.signedIn(device(0), hour, true),
		w.signedIn(device(3), hour, true),
	)
}

func loginMaxSessionsParallel(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	var live counter
	return cmp.Or(
		w.logsIn(anna.later(-minute)),
		repeat(6, func(i int) error { return w.asks(anna.on(i)) }),
		parallel(6, func(i int) error {
			g := anna.on(i).guess(true, 0)
			g.MaxSessions = 3
			_, err := w.Redeem(ctx, g, w.limits, start)
			return err
		}),
		repeat(6, func(i int) error {
			_, _, ok, err := s.FindSession(ctx, anna.on(i).token(), start)
			return live.count(ok, err)
		}),
		live.is(3),
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
		w.session(anna, 0).is(loggedIn{want, user(anna)}),
		w.asks(anna), // as a device that logged in
	)
}
