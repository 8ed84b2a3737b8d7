package storagetest

import (
	"context"
	"time"

	"example.com/mailkey/storage"
)

// rotating is what RotateSession does.
type rotating func(ctx context.Context, old, next string, grace time.Duration, now time.Time) (bool, error)

func rotates(change func(s *tampered, rotate rotating) rotating) func(*tampered) {
	return func(s *tampered) { s.rotateSession = change(s, s.rotateSession) }
}

// touches changes the time at which a session is touched.
func touches(change func(s *tampered, hash string, now time.Time) time.Time) func(*tampered) {
	return func(s *tampered) {
		touch := s.touchSession
		s.touchSession = func(ctx context.Context, hash string, now time.Time) error {
			return touch(ctx, hash, change(s, hash, now))
		}
	}
}

var brokenRotations = []broken{
	{"sees no session", by("rotations/note when a session was seen"), func(s *tampered) {
		s.touchSession = func(context.Context, string, time.Time) error { return nil }
	}},
	{"sees a session earlier than it was", by("rotations/note when a session was seen"), func(s *tampered) {
		last, find := start, s.findSession
		s.touchSession = func(_ context.Context, _ string, now time.Time) error {
			last = now
			return nil
		}
		s.findSession = func(ctx context.Context, hash string, now time.Time) (storage.LiveSession, bool, error) {
			found, ok, err := find(ctx, hash, now)
			found.LastSeenAt = last
			return found, ok, err
		}
	}},
	{"touches a session when it expires", by("rotations/touch the living"), touches(func(_ *tampered, _ string, now time.Time) time.Time {
		return now.Add(-tick)
	})},
	{"keeps the old token", by("rotations/give another token"), func(s *tampered) {
		find, tokens := s.findSession, make(map[string]string)
		rotates(func(_ *tampered, rotate rotating) rotating {
			return func(ctx context.Context, old, next string, grace time.Duration, now time.Time) (bool, error) {
				tokens[old] = next
				return rotate(ctx, old, next, grace, now)
			}
		})(s)
		s.findSession = func(ctx context.Context, hash string, now time.Time) (storage.LiveSession, bool, error) {
			if next := tokens[hash]; next != "" {
				hash = next
			}
			return find(ctx, hash, now)
		}
	}},
	{"rotates once, and not again", by("rotations/may be tried again"), withGrace(func(time.Duration) time.Duration { return 0 })},
	{"tolerates a late repetition", by("rotations/may be tried again"), withGrace(func(d time.Duration) time.Duration { return d + tick })},
	{"tolerates a repetition too short", by("rotations/may be tried again"), withGrace(func(d time.Duration) time.Duration { return d - tick })},
	{"takes any rotation for a repetition", by("rotations/may be tried again"), rotates(func(s *tampered, rotate rotating) rotating {
		return func(ctx context.Context, old, next string, grace time.Duration, now time.Time) (bool, error) {
			ok, err := rotate(ctx, old, next, grace, now)
			_, found, _ := s.FindSession(ctx, next, now)
			return ok || found, err
		}
	})},
	{"rotates what expired", by("rotations/need a living session"), rotates(func(_ *tampered, rotate rotating) rotating {
		return func(ctx context.Context, old, next string, grace time.Duration, now time.Time) (bool, error) {
			return rotate(ctx, old, next, grace, now.Add(-tick))
		}
	})},
	{"takes another session's token", by("rotations/take no other session's token"), rotates(func(s *tampered, rotate rotating) rotating {
		return func(ctx context.Context, old, next string, grace time.Duration, now time.Time) (bool, error) {
			if _, taken, _ := s.FindSession(ctx, next, now); taken {
				return s.EndSession(ctx, old, now)
			}
			return rotate(ctx, old, next, grace, now)
		}
	})},
	{"looks before it rotates", by("rotations/have one winner", "rotations/do not outlive the end"), func(s *tampered) {
		meet := meeting()
		rotates(func(_ *tampered, rotate rotating) rotating {
			return func(ctx context.Context, old, next string, grace time.Duration, now time.Time) (bool, error) {
				_, found, _ := s.FindSession(ctx, old, now)
				meet()
				_, err := rotate(ctx, old, next, grace, now)
				return found, err
			}
		})(s)
		end := s.endSession
		s.endSession = func(ctx context.Context, hash string, now time.Time) (bool, error) {
			_, found, _ := s.FindSession(ctx, hash, now)
			meet()
			_, err := end(ctx, hash, now)
			return found, err
		}
	}},
}

func withGrace(change func(time.Duration) time.Duration) func(*tampered) {
	return rotates(func(_ *tampered, rotate rotating) rotating {
		return func(ctx context.Context, old, next string, grace time.Duration, now time.Time) (bool, error) {
			return rotate(ctx, old, next, change(grace), now)
		}
	})
}
