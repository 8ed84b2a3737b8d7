package auth_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/storage/memory"
)

// A store that fails keeps the keys at hand, the next one among them, and is
// asked again.
func TestKeysWhileTheStoreFails(t *testing.T) {
	t.Parallel()
	var log syncBuffer
	var store *keyStore
	instances(t, 2, func(c *auth.Config) {
		if store == nil {
			store = &keyStore{Store: c.Store}
			c.Store = store
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		}
	}, func(auths []*auth.Auth) {
		a, healthy := auths[0], auths[1]
		_, first := signed(t, a)
		time.Sleep(29 * day)
		a.Tend(t.Context())
		store.load = errors.New("the disk is gone")
		before := a.Published(t.Context())
		for range 20 {
			time.Sleep(30 * time.Second)
			if _, kid := signed(t, a); kid != first || !bytes.Equal(a.Published(t.Context()), before) {
				t.Error("the keys changed")
			}
		}
		if n := strings.Count(log.String(), "the signing keys were not read anew"); n != 10 {
			t.Errorf("%d lines in ten minutes, want one a minute: %s", n, &log)
		}
		a.Tend(t.Context())
		if !strings.Contains(log.String(), "the signing keys were not rotated") {
			t.Errorf("the log says nothing of tending: %s", &log)
		}
		time.Sleep(2 * day)
		_, kid := signed(t, a)
		if _, want := signed(t, healthy); kid != want || kid == first {
			t.Errorf("it signs with %s, the others with %s", kid, want)
		}
		store.load = nil
		if err := healthy.RotateKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if !slices.Equal(a.RingIDs(t.Context()), healthy.RingIDs(t.Context())) {
			t.Error("it does not look at the store again")
		}
	})
}

// What fails is told, and nothing has changed then.
func TestRotateKeysFails(t *testing.T) {
	t.Parallel()
	store := &keyStore{Store: memory.New()}
	a := newAuth(t, func(c *auth.Config) { c.Store = store })
	before, _ := document(t, store)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	down := errors.New("the disk is full")
	for name, rotate := range map[string]func(context.Context) error{"RotateKeys": a.RotateKeys, "RevokeKeys": a.RevokeKeys} {
		store.save = down
		if err := rotate(t.Context()); !errors.Is(err, down) {
			t.Errorf("%s: %v", name, err)
		}
		store.save = nil
		if err := rotate(over); err == nil {
			t.Errorf("%s after its context: no error", name)
		}
		if after, _ := document(t, store); !bytes.Equal(before, after) || !slices.Equal(a.RingIDs(t.Context()), a.KeyIDs()) {
			t.Errorf("%s: the keys changed", name)
		}
	}
	store.later = 3 // others are faster
	if err := a.RotateKeys(t.Context()); err != nil || len(a.RingIDs(t.Context())) != 2 {
		t.Errorf("%v, keys %v", err, a.RingIDs(t.Context()))
	}
}

// Whoever goes away while the keys are read anew does not leave the others with
// old ones.
func TestKeysAreReadForAll(t *testing.T) {
	t.Parallel()
	instances(t, 2, nil, func(auths []*auth.Auth) {
		a, other := auths[0], auths[1]
		if err := other.RevokeKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		if got, want := a.RingIDs(gone), other.RingIDs(t.Context()); !slices.Equal(got, want) {
			t.Errorf("it has the keys %v, there are %v", got, want)
		}
	})
}

// Keys that are gone while the instance runs, or are those of another, are not
// taken for ours, and nothing is stored in their place.
func TestKeysThatAreNotOurs(t *testing.T) {
	t.Parallel()
	strange := memory.New()
	on(t, strange, oldSecret)
	for name, store := range map[string]*memory.Store{"gone": memory.New(), "another's": strange} {
		ours := &keyStore{Store: memory.New()}
		a := on(t, ours, oldSecret)
		ours.Store = store
		_, before := document(t, ours)
		for what, change := range map[string]func(context.Context) error{"RotateKeys": a.RotateKeys, "RevokeKeys": a.RevokeKeys} {
			if err := change(t.Context()); err == nil || !strings.Contains(err.Error(), "removed, or replaced") {
				t.Errorf("%s: %s: %v", name, what, err)
			}
		}
		a.Tend(t.Context())
		if _, after := document(t, ours); after != before || !slices.Equal(a.RingIDs(t.Context()), a.KeyIDs()) {
			t.Errorf("%s: the keys changed", name)
		}
	}
}

// An instance that nobody asked for two minutes has all who come at once wait for
// the keys of today.
func TestKeysAfterAPause(t *testing.T) {
	t.Parallel()
	for _, pause := range []time.Duration{2 * time.Minute, time.Hour} {
		instances(t, 2, nil, func(auths []*auth.Auth) {
			idle, other := auths[0], auths[1]
			_, stolen := signed(t, other)
			if err := other.RevokeKeys(context.Background()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(pause)
			var believed atomic.Int32
			var all sync.WaitGroup
			for range 100 {
				all.Go(func() {
					if _, _, ok := idle.PublicKey(context.Background(), stolen); ok {
						believed.Add(1)
					}
				})
			}
			all.Wait()
			if n := believed.Load(); n > 0 {
				t.Errorf("%d of 100 believed a key that was revoked %v ago", n, pause)
			}
		})
	}
}
