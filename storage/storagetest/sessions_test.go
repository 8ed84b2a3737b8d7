package storagetest

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"example.com/mailkey/storage"
)

var brokenSessions = []broken{
	{"finds any session", by("sessions/are not invented"), func(s *tampered) {
		find := s.findSession
		s.findSession = func(ctx context.Context, hash string, now time.Time) (storage.LiveSession, bool, error) {
			found, _, err := find(ctx, hash, now)
			return found, true, err
		}
	}},
	{"creates a session to save it", by("sessions/are not invented"), func(s *tampered) {
		save := s.saveSessionData
		s.saveSessionData = func(ctx context.Context, hash string, data []byte, now time.Time) (bool, error) {
			_, err := save(ctx, hash, data, now)
			return true, err
		}
	}},
	{"finds a session when it expires", by("sessions/expire"), findSessionAt(-tick)},
	{"lets a session expire early", by("sessions/expire"), findSessionAt(+tick)},
	{"saves a session when it expires", by("sessions/expire"), saveSessionAt(-tick)},
	{"does not save a session before it expires", by("sessions/expire"), saveSessionAt(+tick)},
	{"ends a session when it expires", by("sessions/expire"), endSessionAt(-tick)},
	{"does not end a session before it expires", by("sessions/expire"), endSessionAt(+tick)},
	{"does not save empty data", by("sessions/keep data"), func(s *tampered) {
		save := s.saveSessionData
		s.saveSessionData = func(ctx context.Context, hash string, data []byte, now time.Time) (bool, error) {
			if len(data) == 0 {
				return true, nil
			}
			return save(ctx, hash, data, now)
		}
	}},
	{"mixes what two save", by("sessions/keep data whole"), func(s *tampered) {
		save := s.saveSessionData
		var previous atomic.Pointer[[]byte]
		s.saveSessionData = func(ctx context.Context, hash string, data []byte, now time.Time) (bool, error) {
			half, own := len(data)/2, data
			if before := previous.Swap(&own); before != nil && len(*before) == len(data) {
				data = slices.Concat(own[:half], (*before)[half:])
			}
			return save(ctx, hash, data, now)
		}
	}},
	{"brings an ended session back when it is saved", by("sessions/end for good"), endsByDeleting(func() {})},
	{"brings an ended session back when it is saved meanwhile", by("sessions/stay dead"), func(s *tampered) {
		endsByDeleting(meeting())(s)
	}},
	{"ends a session twice", by("sessions/end for good"), func(s *tampered) {
		end := s.endSession
		s.endSession = func(ctx context.Context, hash string, now time.Time) (bool, error) {
			_, err := end(ctx, hash, now)
			return true, err
		}
	}},
	{"looks before it ends a session", by("sessions/end once"), func(s *tampered) {
		end, meet := s.endSession, meeting()
		s.endSession = func(ctx context.Context, hash string, now time.Time) (bool, error) {
			_, ok, _ := s.FindSession(ctx, hash, now)
			meet()
			_, err := end(ctx, hash, now)
			return ok, err
		}
	}},
}

func findSessionAt(shift time.Duration) func(*tampered) {
	return func(s *tampered) {
		find := s.findSession
		s.findSession = func(ctx context.Context, hash string, now time.Time) (storage.LiveSession, bool, error) {
			return find(ctx, hash, now.Add(shift))
		}
	}
}

func saveSessionAt(shift time.Duration) func(*tampered) {
	return func(s *tampered) {
		save := s.saveSessionData
		s.saveSessionData = func(ctx context.Context, hash string, data []byte, now time.Time) (bool, error) {
			return save(ctx, hash, data, now.Add(shift))
		}
	}
}

func endSessionAt(shift time.Duration) func(*tampered) {
	return func(s *tampered) {
		end := s.endSession
		s.endSession = func(ctx context.Context, hash string, now time.Time) (bool, error) {
			return end(ctx, hash, now.Add(shift))
		}
	}
}

// endsByDeleting loses what ended, like a store without tombstones: a request
// that loaded the session before writes it again.
func endsByDeleting(between func()) func(*tampered) {
	return func(s *tampered) {
		deleted := s.tallies()
		find := s.findSession
		s.findSession = func(ctx context.Context, hash string, now time.Time) (storage.LiveSession, bool, error) {
			found, ok, err := find(ctx, hash, now)
			return found, ok && deleted.get([]byte(hash)) == 0, err
		}
		s.endSession = func(ctx context.Context, hash string, now time.Time) (bool, error) {
			_, ok, err := s.FindSession(ctx, hash, now)
			deleted.set([]byte(hash), 1)
			between()
			return ok, err
		}
		save := s.saveSessionData
		s.saveSessionData = func(ctx context.Context, hash string, data []byte, now time.Time) (bool, error) {
			between()
			deleted.set([]byte(hash), 0)
			return save(ctx, hash, data, now)
		}
	}
}
