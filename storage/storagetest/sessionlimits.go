package storagetest

import (
	"cmp"
	"context"
	"time"

	"example.com/mailkey/storage"
)

var sessionLimits = []check{
	{"end the oldest", "one user has at most MaxSessions live sessions at one client", sessionLimit},
	{"count live ones", "sessions that ended or expired are not among MaxSessions", sessionLimitLive},
	{"hold when logging in at once", "parallel logins keep MaxSessions", sessionLimitParallel},
}

// logsInAmong is logsIn where max sessions may live.
func (w *scene) logsInAmong(max int, v visitor) error {
	g := v.guess(true, v.asked)
	g.MaxSessions = max
	return cmp.Or(w.asks(v), w.redeem(g, v.asked).err)
}

func sessionLimit(ctx context.Context, s storage.Store) error {
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

func sessionLimitLive(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	device := func(i int) visitor { return anna.on(i).later(time.Duration(i) * minute) }
	brief := device(1).guess(true, minute)
	brief.Session.ExpiresAt = at(3 * minute) // when the last one logs in
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

func sessionLimitParallel(ctx context.Context, s storage.Store) error {
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
			_, ok, err := s.FindSession(ctx, anna.on(i).token(), start)
			return live.count(ok, err)
		}),
		live.is(3),
	)
}
