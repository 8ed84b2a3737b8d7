package memory

import (
	"context"
	"time"

	"example.com/mailkey/storage"
)

// TakeLimits implements [storage.Limits].
func (s *Store) TakeLimits(ctx context.Context, now time.Time, limits ...storage.Limit) (wait time.Duration, err error) {
	if err := s.lock(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()

	next := make([]int64, len(limits))
	for i, l := range limits {
		var w time.Duration
		next[i], w = l.Take(s.limits[string(l.Key)], now)
		wait = max(wait, w)
	}
	if wait > 0 {
		return wait, nil
	}
	for i, l := range limits {
		if !l.Look {
			s.limits[string(l.Key)] = next[i]
		}
	}
	return 0, nil
}
