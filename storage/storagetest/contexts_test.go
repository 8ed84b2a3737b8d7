package storagetest

import (
	"context"
	"time"

	"example.com/mailkey/storage"
)

// always is a context that does not end.
func always(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }

var brokenContexts = []broken{
	{"spends the code, and creates no session", by("contexts/that ended leave no half login"), func(s *tampered) {
		redeem := s.redeem
		s.redeem = func(ctx context.Context, g storage.Guess, l storage.AddressLimits, now time.Time) (storage.Redeemed, error) {
			g.Refuse = ctx.Err() != nil
			done, err := redeem(always(ctx), g, l, now)
			if g.Refuse {
				err = ctx.Err()
			}
			return done, err
		}
	}},
	{"makes the challenge, and mails nothing", by("contexts/that ended leave no half request"), func(s *tampered) {
		request := s.requestCode
		s.requestCode = func(ctx context.Context, r storage.CodeRequest, l storage.AddressLimits, now time.Time) (storage.CodeRequested, error) {
			done, err := request(always(ctx), r, l, now)
			if ctx.Err() != nil {
				_, _ = s.ClaimMails(always(ctx), everything, lease, 0, now)
			}
			return done, err
		}
	}},
	{"takes from the first limit alone", by("contexts/that ended leave no half taking"), func(s *tampered) {
		take := s.takeLimits
		s.takeLimits = func(ctx context.Context, now time.Time, limits ...storage.Limit) (time.Duration, error) {
			if ctx.Err() == nil {
				return take(ctx, now, limits...)
			}
			_, _ = take(always(ctx), now, limits[0])
			return 0, ctx.Err()
		}
	}},
	{"takes nothing, and says that it did", by("contexts/that ended leave no half taking"), func(s *tampered) {
		take := s.takeLimits
		s.takeLimits = func(ctx context.Context, now time.Time, limits ...storage.Limit) (time.Duration, error) {
			wait, err := take(ctx, now, limits...)
			if ctx.Err() != nil {
				err = nil
			}
			return wait, err
		}
	}},
	{"disables the user, and leaves the sessions", by("contexts/that ended leave no half disabling"), func(s *tampered) {
		disable, find := s.setUserDisabled, s.userByID
		half := false
		s.setUserDisabled = func(ctx context.Context, id string, at time.Time) (bool, error) {
			half = ctx.Err() != nil
			return disable(ctx, id, at)
		}
		s.userByID = func(ctx context.Context, id string) (storage.User, bool, error) {
			u, ok, err := find(ctx, id)
			if half {
				u.DisabledAt = start
			}
			return u, ok, err
		}
	}},
	{"counts a version, and writes nothing", by("contexts/that ended leave no half document"), func(s *tampered) {
		save := s.saveKeys
		s.saveKeys = func(ctx context.Context, sealed []byte, version int64) (bool, error) {
			if ctx.Err() == nil {
				return save(ctx, sealed, version)
			}
			before, _, _ := s.LoadKeys(always(ctx))
			_, _ = save(always(ctx), before, version)
			return false, ctx.Err()
		}
	}},
	{"counts a guess at the hour alone", by("contexts/that ended leave no half guess"), func(s *tampered) {
		redeem, lost := s.redeem, s.tallies()
		s.redeem = func(ctx context.Context, g storage.Guess, l storage.AddressLimits, now time.Time) (storage.Redeemed, error) {
			if ctx.Err() != nil {
				lost.add(nil, 1)
			}
			return redeem(ctx, g, l, now)
		}
		ownFailures(s, func(last int) int { return last + lost.get(nil) })
	}},
}
