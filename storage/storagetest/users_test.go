package storagetest

import (
	"context"
	"time"

	"example.com/mailkey/storage"
)

// disabling is what SetUserDisabled does.
type disabling func(ctx context.Context, id string, at time.Time) (bool, error)

func disables(change func(s *tampered, disable disabling) disabling) func(*tampered) {
	return func(s *tampered) { s.setUserDisabled = change(s, s.setUserDisabled) }
}

var brokenUsers = []broken{
	{"disables users that do not exist", by("users/are not invented"), disables(func(_ *tampered, disable disabling) disabling {
		return func(ctx context.Context, id string, at time.Time) (bool, error) {
			_, err := disable(ctx, id, at)
			return true, err
		}
	})},
	{"finds nobody as the user without a name", by("users/are not invented"), func(s *tampered) {
		find := s.userByID
		s.userByID = func(ctx context.Context, id string) (storage.User, bool, error) {
			u, ok, err := find(ctx, id)
			return u, ok || id == "", err
		}
	}},
	{"does not enable again", by("users/are disabled"), disables(func(_ *tampered, disable disabling) disabling {
		return func(ctx context.Context, id string, at time.Time) (bool, error) {
			if at.IsZero() {
				return true, nil
			}
			return disable(ctx, id, at)
		}
	})},
	{"counts no generations", by("users/are disabled"), func(s *tampered) {
		find := s.userByID
		s.userByID = func(ctx context.Context, id string) (storage.User, bool, error) {
			u, ok, err := find(ctx, id)
			u.Generation = 0
			return u, ok, err
		}
	}},
	{"only marks a user as disabled", by("users/lose their sessions"), disables(func(s *tampered, _ disabling) disabling {
		disabled := make(map[string]time.Time)
		find := s.findSession
		s.findSession = func(ctx context.Context, hash string, now time.Time) (storage.LiveSession, bool, error) {
			found, ok, err := find(ctx, hash, now)
			return found, ok && disabled[found.UserID].IsZero(), err
		}
		return func(_ context.Context, id string, at time.Time) (bool, error) {
			disabled[id] = at
			return true, nil
		}
	})},
	{"ends sessions when it enables", by("users/lose their sessions"), disables(func(_ *tampered, disable disabling) disabling {
		return func(ctx context.Context, id string, at time.Time) (bool, error) {
			if ok, err := disable(ctx, id, start); !ok || err != nil || !at.IsZero() {
				return ok, err
			}
			return disable(ctx, id, at)
		}
	})},
	{"looks whether a user is disabled before the login", by("users/lose sessions of logins under way"), func(s *tampered) {
		meet := meeting()
		lives := make(map[string]bool)
		judges(func(g guessing, try try) (storage.Redeemed, error) {
			u, _, _ := s.UserByEmail(context.Background(), g.Email)
			meet()
			if u.DisabledAt.IsZero() {
				s.locked(func() { lives[g.Session.TokenHash] = true })
			}
			return try(g)
		})(s)
		find := s.findSession
		s.findSession = func(ctx context.Context, hash string, now time.Time) (storage.LiveSession, bool, error) {
			found, ok, err := find(ctx, hash, now)
			s.locked(func() { ok = ok || lives[hash] })
			return found, ok, err
		}
	}},
}
