package storagetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/mailkey/storage"
)

var sweeps = []check{
	{"remove what nobody can see", "Sweep removes what expired, and reports how much", sweepExpired},
	{"remove a little at a time", "Sweep removes at most limit rows of each kind, and 0 means that nothing is left", sweepLimit},
	{"come to an end", "a caller that repeats Sweep gets to 0", sweepEnds},
	{"leave what is alive", "Sweep removes nothing that a verb can see", sweepAlive},
	{"leave sessions within reach", "sessions that Sweep leaves are found, counted and ended as before", sweepSessions},
	{"leave revoked sessions", "an ended session stays for as long as it would have lived: its token is never given again", sweepTombstones},
	{"leave memories for a year", "what an address remembers, and which devices it knows, stays for a year", sweepMemory},
	{"leave the failures of a week", "FailuresByHour of the last seven days survives", sweepFailures},
	{"forget in the end", "what an address remembers goes AddressLife after the day of its last mail, its devices after DeviceLife, the failures of an hour after FailureLife", sweepForgets},
	{"leave what comes to life again", "what is taken, or asked for, parallel to Sweep is not lost, although it was dead before", sweepRevived},
	{"disturb nobody", "verbs parallel to Sweep answer as ever", sweepParallel},
}

// swept sweeps until nothing is left and returns how much was removed.
func (w *scene) swept(now time.Duration, limit int) (removed int, err error) {
	for range 1000 {
		n, err := w.Sweep(w.ctx, at(now), limit)
		if n == 0 || err != nil {
			return removed, err
		}
		removed += n
	}
	return removed, errors.New("Sweep does not come to an end")
}

func (w *scene) sweeps(now time.Duration) error {
	_, err := w.swept(now, 100)
	return err
}

func sweepExpired(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	c, t := captcha(1, "anna", minute), ticket(1, minute)
	return cmp.Or(
		s.PutCaptcha(ctx, c, 9, 9),
		s.PutTicket(ctx, t),
		value(w.swept(minute-tick, 9)).is(0),
		value(w.swept(minute+tick, 9)).is(2),
		lookup(s.TakeCaptcha(ctx, c.ID, start)).none(), // even for a clock that is behind
		value(s.TakeTicket(ctx, t.ID, t.Binding, start)).is(false),
	)
}

func sweepLimit(ctx context.Context, s storage.Store) error {
	return cmp.Or(
		repeat(5, func(i int) error { return s.PutTicket(ctx, ticket(i, minute)) }),
		value(s.Sweep(ctx, at(hour), 2)).is(2),
		value(s.Sweep(ctx, at(hour), 2)).is(2),
		value(s.Sweep(ctx, at(hour), 2)).is(1),
		value(s.Sweep(ctx, at(hour), 2)).is(0),
	)
}

func sweepEnds(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	if err := cmp.Or(
		repeat(5, func(i int) error {
			v := anna.on(i)
			return cmp.Or(
				s.PutCaptcha(ctx, captcha(i, "anna", minute), 9, 9),
				value(s.TakeLimits(ctx, start, three(fmt.Sprint(i)))).is(0),
				w.asks(v),
				w.wrong(v, 1, 0),
				w.right(v, 0, storage.GuessLoggedIn),
				w.asks(v.later(minute)),
			)
		}),
		w.claims(2*lifetime),
	); err != nil {
		return err
	}
	removed, err := w.swept(2*365*day, 2)
	return cmp.Or(
		value(removed >= 4*5, err).is(true), // captchas, limits, challenges and sessions
		w.signedIn(anna.on(1), 0, false),
		lookup(s.UserByEmail(ctx, anna.email)).is(user(anna)), // users stay
	)
}

func sweepAlive(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.Cooldown, w.limits.Level1After = hour, 2
	c, t := captcha(1, "anna", hour+tick), ticket(1, hour+tick)
	v := ben.later(hour - lifetime + tick)
	return cmp.Or(
		s.PutCaptcha(ctx, c, 9, 9),
		s.PutTicket(ctx, t),
		repeat(3, func(int) error { return value(s.TakeLimits(ctx, at(hour-minute+tick), three("a"))).is(0) }),
		w.logsIn(anna),
		w.asks(v),
		w.wrong(v, 1, v.asked),
		value(s.SaveKeys(ctx, []byte("keys"), 0)).is(true),
		s.Beat(ctx, start),
		w.sweeps(hour),
		lookup(s.TakeCaptcha(ctx, c.ID, at(hour))).is(c),
		value(s.TakeTicket(ctx, t.ID, t.Binding, at(hour))).is(true),
		repeat(2, func(int) error { return value(s.TakeLimits(ctx, at(hour), three("a"))).is(0) }),
		value(s.TakeLimits(ctx, at(hour), three("a"))).is(tick),
		w.waits(v.later(lifetime-tick), v.asked+hour-hour),
		w.claims(hour, v),
		w.wrong(v, 1, hour),
		w.signedIn(anna, hour, true),
		loadKeys(ctx, s).is(document{[]byte("keys"), 1}),
		value(s.LastBeat(ctx)).is(start),
	)
}

func sweepSessions(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	device := func(i int) visitor { return anna.on(i).later(time.Duration(i) * minute) }
	brief := device(0).guess(true, 0)
	brief.Session.ExpiresAt = at(5 * minute)
	return cmp.Or(
		w.asks(device(0)),
		w.redeem(brief, 0).err,
		w.logsIn(device(1), device(2)),
		w.sweeps(5*minute),
		w.logsInAmong(2, device(6)),
		w.signedIn(device(1), hour, false),
		w.signedIn(device(2), hour, true),
		value(s.SetUserDisabled(ctx, anna.userID(), start)).is(true),
		value(s.SetUserDisabled(ctx, anna.userID(), time.Time{})).is(true),
		w.signedIn(device(2), hour, false),
		w.signedIn(device(6), hour, false),
	)
}

func sweepTombstones(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	last := sessionLife - tick
	next := anna.later(last)
	g := next.guess(true, last)
	g.Session.TokenHash = anna.token()
	if err := cmp.Or(
		w.logsIn(anna),
		value(s.EndSession(ctx, anna.token(), start)).is(true),
		w.sweeps(last),
		w.asks(next),
	); err != nil {
		return err
	}
	if w.redeem(g, last).err == nil {
		return errors.New("a token that was revoked is alive again")
	}
	return w.signedIn(anna, last, false)
}

func sweepMemory(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	w.limits.Level1After, w.limits.StrangersPerHour = 1, 1
	year := 364 * day
	return cmp.Or(
		w.logsIn(anna),
		w.asks(phone.later(hour)),
		w.wrong(phone.later(hour), 1, hour),
		w.sweeps(year),
		w.asks(anna.later(year), anna.later(year)), // a device that logged in
		w.level(anna, year, 1),
	)
}

func sweepFailures(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	week := 7 * 24
	return cmp.Or(
		w.asks(anna),
		w.wrong(anna, 2, 0),
		w.sweeps(7*day-hour),
		value(s.FailuresByHour(ctx, week, at(7*day-hour))).is(append([]int{2}, make([]int, week-1)...)),
	)
}

// The last mail is of the day before the login.
func sweepForgets(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	midnight := storage.EndOfDay(at(0)).Sub(at(0))
	late, login := anna.later(midnight-time.Minute), midnight+time.Minute
	return cmp.Or(
		w.asks(late),
		w.wrong(late, 1, login),
		w.right(late, login, storage.GuessLoggedIn),
		w.sweeps(login+sessionLife), // and the code
		value(w.swept(midnight+storage.FailureLife+hour-tick, 9)).is(0),
		value(w.swept(midnight+storage.FailureLife+hour, 9)).is(1),
		value(w.swept(midnight+storage.AddressLife-tick, 9)).is(0),
		value(w.swept(midnight+storage.AddressLife, 9)).is(1),
		value(w.swept(login+storage.DeviceLife-tick, 9)).is(0),
		value(w.swept(login+storage.DeviceLife, 9)).is(1),
	)
}

func sweepRevived(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return repeat(5, func(round int) error {
		now := time.Duration(round+1) * day
		ones := make([]storage.Limit, 5)
		for i := range ones {
			ones[i] = storage.Limit{Key: key("one", i), Count: 1, Window: minute}
		}
		v := anna.later(now)
		return cmp.Or(
			w.asks(anna.later(now-hour)),
			value(s.TakeLimits(ctx, at(now-hour), ones...)).is(0),
			w.claims(now-hour, anna.later(now-hour)),
			parallel(3, func(i int) error {
				switch i {
				case 0:
					return w.asks(v)
				case 1:
					return value(s.TakeLimits(ctx, at(now), ones...)).is(0)
				}
				_, err := s.Sweep(ctx, at(now), 100)
				return err
			}),
			w.lives(v, now, true),
			w.claims(now, v),
			repeat(len(ones), func(i int) error { return value(s.TakeLimits(ctx, at(now), look(ones[i]))).is(minute) }),
		)
	})
}

func sweepParallel(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	var taken counter
	return cmp.Or(
		repeat(20, func(i int) error {
			return cmp.Or(s.PutTicket(ctx, ticket(i, hour)), s.PutTicket(ctx, ticket(-1-i, minute)))
		}),
		parallel(4, func(i int) error {
			if i%2 == 0 {
				return w.sweeps(minute)
			}
			return repeat(20, func(i int) error {
				t := ticket(i, hour)
				ok, err := s.TakeTicket(ctx, t.ID, t.Binding, at(minute))
				return taken.count(ok, err)
			})
		}),
		taken.is(20),
	)
}
