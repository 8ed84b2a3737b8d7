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
	most    int // rows at a time
}

func (s *fullStore) Sweep(_ context.Context, _ time.Time, limit int) (int, error) {
	time.Sleep(s.batch)
	s.batches, s.most = s.batches+1, max(s.most, limit)
	return limit, nil
}

// However much there is to remove, it is done a little at a time, and leaves the
// database to others in between.
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
	})
}
