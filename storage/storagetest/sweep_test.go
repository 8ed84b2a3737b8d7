package storagetest

import (
	"context"
	"sync/atomic"
	"time"

	"example.com/mailkey/storage"
)

var brokenSweeps = []broken{
	{"removes nothing", by("sweep/remove what nobody can see"), sweepsAs(func(context.Context, time.Time, int, sweeping) (int, error) { return 0, nil })},
	{"does not say how much it removed", by("sweep/remove what nobody can see"), sweepsAs(func(ctx context.Context, now time.Time, limit int, sweep sweeping) (int, error) {
		n, err := sweep(ctx, now, limit)
		return min(n, 1), err
	})},
	{"does not count sessions", by("sweep/come to an end"), sweepsAs(func(ctx context.Context, now time.Time, limit int, sweep sweeping) (int, error) {
		n, err := sweep(ctx, now, limit)
		return min(n, 4), err
	})},
	{"removes everything at once", by("sweep/remove a little at a time"), sweepsAs(func(ctx context.Context, now time.Time, _ int, sweep sweeping) (int, error) {
		return sweep(ctx, now, everything)
	})},
	{"never comes to an end", by("sweep/come to an end"), sweepsAs(func(ctx context.Context, now time.Time, limit int, sweep sweeping) (int, error) {
		n, err := sweep(ctx, now, limit)
		return max(n, 1), err
	})},
	{"removes what is about to expire", by("sweep/remove what nobody can see", "sweep/leave what is alive"), sweepsLater(tick)},
	{"ends no session after a sweep", by("sweep/leave sessions within reach"), func(s *tampered) {
		swept := s.tallies()
		tries(func(g *guessing) {
			if swept.get(nil) > 0 {
				g.MaxSessions = everything
			}
		})(s)
		sweepsAs(func(ctx context.Context, now time.Time, limit int, sweep sweeping) (int, error) {
			swept.set(nil, 1)
			return sweep(ctx, now, limit)
		})(s)
	}},
	{"forgets revoked sessions", by("sweep/leave revoked sessions"), func(s *tampered) {
		swept := s.tallies()
		tries(func(g *guessing) {
			if swept.get(nil) > 0 {
				g.Session.TokenHash += "'"
			}
		})(s)
		sweepsAs(func(ctx context.Context, now time.Time, limit int, sweep sweeping) (int, error) {
			swept.set(nil, 1)
			return sweep(ctx, now, limit)
		})(s)
	}},
	{"forgets addresses a month early", by("sweep/leave memories for a year"), sweepsLater(30 * day)},
	{"forgets addresses a month late", by("sweep/forget in the end"), sweepsAs(func(ctx context.Context, now time.Time, limit int, sweep sweeping) (int, error) {
		if now.After(at(storage.AddressLife - 30*day)) {
			now = now.Add(-30 * day)
		}
		return sweep(ctx, now, limit)
	})},
	{"forgets the failures of the sixth day", by("sweep/leave the failures of a week"), sweepsLater(3 * day)},
	{"removes what it saw dead before", by("sweep/leave what comes to life again"), func(s *tampered) {
		sweepers, takers := s.tallies(), s.tallies()
		take := s.takeLimits
		s.takeLimits = func(ctx context.Context, now time.Time, limits ...storage.Limit) (time.Duration, error) {
			takers.add(nil, 1)
			defer takers.add(nil, -1)
			patient(func() bool { return sweepers.get(nil) > 0 })
			if sweepers.get(nil) > 0 {
				limits = eachLook(limits)
			}
			return take(ctx, now, limits...)
		}
		sweepsAs(func(ctx context.Context, now time.Time, limit int, sweep sweeping) (int, error) {
			sweepers.add(nil, 1)
			defer sweepers.add(nil, -1)
			patient(func() bool { return takers.get(nil) > 0 })
			return sweep(ctx, now, limit)
		})(s)
	}},
	{"lends its lock to nobody", by("sweep/disturb nobody"), func(s *tampered) {
		var sweepers atomic.Int32
		sweepsAs(func(ctx context.Context, now time.Time, limit int, sweep sweeping) (int, error) {
			sweepers.Add(1)
			patient(func() bool { return false })
			defer sweepers.Add(-1)
			return sweep(ctx, now, limit)
		})(s)
		take := s.takeTicket
		s.takeTicket = func(ctx context.Context, id, binding []byte, now time.Time) (bool, error) {
			patient(func() bool { return sweepers.Load() > 0 })
			ok, err := take(ctx, id, binding, now)
			return ok && sweepers.Load() == 0, err
		}
	}},
}

// sweeping is what Sweep does.
type sweeping func(ctx context.Context, now time.Time, limit int) (int, error)

// sweepsAs answers for Sweep.
func sweepsAs(answer func(ctx context.Context, now time.Time, limit int, sweep sweeping) (int, error)) func(*tampered) {
	return func(s *tampered) {
		sweep := s.sweep
		s.sweep = func(ctx context.Context, now time.Time, limit int) (int, error) {
			return answer(ctx, now, limit, sweep)
		}
	}
}

func sweepsLater(d time.Duration) func(*tampered) {
	return sweepsAs(func(ctx context.Context, now time.Time, limit int, sweep sweeping) (int, error) {
		return sweep(ctx, now.Add(d), limit)
	})
}
