package auth_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/storage"
)

// lateKeys is a store that is slow to tell one reader what it read.
type lateKeys struct {
	storage.Store
	late atomic.Bool // the next reader is the one
}

func (s *lateKeys) LoadKeys(ctx context.Context) ([]byte, int64, error) {
	sealed, version, err := s.Store.LoadKeys(ctx)
	if s.late.CompareAndSwap(true, false) {
		time.Sleep(time.Second)
	}
	return sealed, version, err
}

// Whoever read the keys before a rotation and comes back after it does not
// bring the old ones back.
func TestKeysThatWereReadBeforeARotation(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(*auth.Auth, context.Context){
		"tending": (*auth.Auth).Tend,
		"a request": func(a *auth.Auth, ctx context.Context) {
			a.RingIDs(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var store *lateKeys
			instances(t, 1, func(c *auth.Config) {
				store = &lateKeys{Store: c.Store}
				c.Store = store
			}, func(auths []*auth.Auth) {
				a := auths[0]
				_, old := signed(t, a)
				time.Sleep(2 * time.Minute) // the keys are due to be read anew
				store.late.Store(true)
				done := make(chan struct{})
				go func() { defer close(done); read(a, t.Context()) }()
				synctest.Wait()
				if err := a.RotateKeys(t.Context()); err != nil {
					t.Fatal(err)
				}
				<-done
				if _, kid := signed(t, a); kid == old || !slices.Contains(a.RingIDs(t.Context()), kid) {
					t.Errorf("it signs with %s, and publishes %v; before the rotation it was %s", kid, a.RingIDs(t.Context()), old)
				}
			})
		})
	}
}
