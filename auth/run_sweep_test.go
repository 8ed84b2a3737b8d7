package auth_test

import (
	"context"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/storage"
)

// fullStore has something to remove for as long as anybody asks, and takes its
// time to do so.
type fullStore struct {
	storage.Store
	batch   time.Duration
	batches int
	most    int           // rows at a time
	left    time.Duration // to what has expired, until it is removed
}

func (s *fullStore) Sweep(_ context.Context, now time.Time, limit int) (int, error) {
	s.left = time.Since(now)
	time.Sleep(s.batch)
	s.batches, s.most = s.batches+1, max(s.most, limit)
	return limit, nil
}

// However much there is to remove, it is done a little at a time, and leaves the
// database to others in between. What has not expired by the clock of every
// instance stays.
func TestSweepStepsAside(t *testing.T) {
	t.Parallel()
	store := &fullStore{batch: 10 * time.Millisecond}
	play(t, func(c *auth.Config) { store.Store, c.Store = c.Store, store }, func(k *kit) {
		time.Sleep(10 * time.Second)
		k.stop()
		if store.batches < 200 || store.batches > 201 {
			t.Errorf("%d batches in ten seconds are not a fifth of them", store.batches)
		}
		if store.most != 25 {
			t.Errorf("%d rows at a time", store.most)
		}
		if store.left != time.Minute {
			t.Errorf("what expired is removed after %v", store.left)
		}
	})
}
