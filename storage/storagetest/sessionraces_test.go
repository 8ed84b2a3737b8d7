package storagetest

import (
	"context"
	"time"

	"example.com/mailkey/storage"
)

// rotatesBetween has tokens change between the two halves of another verb,
// which calls the function that is returned.
func rotatesBetween(s *tampered) (between func()) {
	waiting, rotated := s.tallies(), s.tallies()
	rotates(func(_ *tampered, rotate rotating) rotating {
		return func(ctx context.Context, old, next string, grace time.Duration, now time.Time) (bool, error) {
			patient(func() bool { return waiting.get(nil) > 0 })
			defer rotated.add(nil, 1)
			return rotate(ctx, old, next, grace, now)
		}
	})(s)
	return func() {
		before := rotated.get(nil)
		waiting.add(nil, 1)
		patient(func() bool { return rotated.get(nil) > before })
		waiting.add(nil, -1)
	}
}

var brokenSessionRaces = []broken{
	{"ends the oldest session by the token that it had", by("session races/trim while a token changes"), func(s *tampered) {
		between := rotatesBetween(s)
		judges(func(g guessing, try try) (storage.Redeemed, error) {
			list, _ := s.ListSessions(context.Background(), g.Session.UserID, g.now)
			between()
			for _, old := range list[min(len(list), g.MaxSessions-1):] {
				_, _ = s.EndSession(context.Background(), old.TokenHash, g.now)
			}
			g.MaxSessions = everything
			return try(g)
		})(s)
	}},
	{"ends sessions by the tokens that they had", by("session races/disable while a token changes"), func(s *tampered) {
		between := rotatesBetween(s)
		s.setUserDisabled = func(ctx context.Context, id string, at time.Time) (bool, error) {
			list, err := s.ListSessions(ctx, id, at)
			if between(); at.IsZero() {
				return true, nil
			}
			for _, old := range list {
				_, _ = s.EndSession(ctx, old.TokenHash, at)
			}
			return true, err
		}
	}},
	{"rotates a copy", by("session races/save while a token changes"), func(s *tampered) {
		save, meet := s.saveSessionData, meeting()
		s.saveSessionData = func(ctx context.Context, hash string, data []byte, now time.Time) (bool, error) {
			ok, err := save(ctx, hash, data, now)
			meet()
			return ok, err
		}
		rotates(func(_ *tampered, rotate rotating) rotating {
			return func(ctx context.Context, old, next string, grace time.Duration, now time.Time) (bool, error) {
				meet() // the data was read before
				ok, err := rotate(ctx, old, next, grace, now)
				_, _ = save(ctx, next, nil, now)
				return ok, err
			}
		})(s)
	}},
	{"counts sessions before it ends them", by("session races/end each once"), func(s *tampered) {
		end, meet := s.endSessions, meeting()
		s.endSessions = func(ctx context.Context, which storage.SessionFilter, now time.Time) (int, error) {
			list, _ := s.ListSessions(ctx, which.UserID, now)
			meet()
			_, err := end(ctx, which, now)
			return len(list), err
		}
	}},
}
