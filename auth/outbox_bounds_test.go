package auth_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/storage"
)

// outboxStore notes what is asked of it.
type outboxStore struct {
	storage.Store
	mu       sync.Mutex
	leases   []time.Duration
	minLives []time.Duration
	records  []time.Duration // until they are given up
	beats    []time.Time
}

func (s *outboxStore) ClaimMails(ctx context.Context, limit int, lease, minLife time.Duration, now time.Time) ([]storage.Mail, error) {
	s.mu.Lock()
	s.leases, s.minLives = append(s.leases, lease), append(s.minLives, minLife)
	s.mu.Unlock()
	return s.Store.ClaimMails(ctx, limit, lease, minLife, now)
}

func (s *outboxStore) FinishMail(ctx context.Context, m storage.Mail, r storage.MailResult, now time.Time) error {
	s.mu.Lock()
	s.records = append(s.records, left(ctx))
	s.mu.Unlock()
	return s.Store.FinishMail(ctx, m, r, now)
}

func (s *outboxStore) Beat(ctx context.Context, now time.Time) error {
	s.mu.Lock()
	s.beats = append(s.beats, now)
	s.mu.Unlock()
	return s.Store.Beat(ctx, now)
}

// left is how long a context lives.
func left(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return time.Until(deadline)
}

// Four mails are under way at a time, each for half a minute at most, after
// which others may try: not before that is over by any clock.
func TestDeliveryBounds(t *testing.T) {
	t.Parallel()
	store := &outboxStore{}
	var mu sync.Mutex
	var times []time.Duration
	var release chan struct{}
	change := func(c *auth.Config) {
		store.Store, c.Store = c.Store, store
		release = make(chan struct{}) // of the bubble
		c.Mailer = auth.MailerFunc(func(ctx context.Context, _ auth.CodeMail) error {
			mu.Lock()
			times = append(times, left(ctx))
			mu.Unlock()
			<-release
			return nil
		})
	}
	begun := func() []time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(times)
	}
	play(t, change, func(k *kit) {
		const mails = 6
		for i := range mails {
			if a := k.send(fmt.Sprintf("ann%d@b.example", i)); a.status != 200 {
				k.Fatal(string(a.body))
			}
		}
		synctest.Wait()
		if n := len(begun()); n != 4 {
			t.Errorf("%d mails are under way", n)
		}
		release <- struct{}{} // one ends
		synctest.Wait()
		if n := len(begun()); n != 5 {
			t.Errorf("after one of them %d mails were begun", n)
		}
		close(release)
		time.Sleep(time.Minute)
		synctest.Wait()
		k.stop()

		for i, d := range begun() {
			if d != 30*time.Second {
				t.Errorf("mail %d may take %v", i, d)
			}
		}
		store.mu.Lock()
		defer store.mu.Unlock()
		if len(store.records) != mails {
			t.Errorf("the end of %d mails was recorded", len(store.records))
		}
		for i, d := range store.records {
			if d != 10*time.Second {
				t.Errorf("to record the end of mail %d may take %v", i, d)
			}
		}
		for i := range store.leases {
			if store.leases[i] != 101*time.Second || store.minLives[i] != time.Minute {
				t.Errorf("claimed for %v, if they live for %v", store.leases[i], store.minLives[i])
			}
		}
		for i := 1; i < len(store.beats); i++ {
			if pause := store.beats[i].Sub(store.beats[i-1]); pause != 10*time.Second {
				t.Errorf("a sign of life after %v", pause)
			}
		}
		if len(store.beats) < 6 {
			t.Errorf("%d signs of life in a minute", len(store.beats))
		}
	})
}

// What is being delivered when Run ends has ten seconds more.
func TestDeliveryGrace(t *testing.T) {
	t.Parallel()
	play(t, func(c *auth.Config) {
		c.Mailer = auth.MailerFunc(func(ctx context.Context, _ auth.CodeMail) error { <-ctx.Done(); return ctx.Err() })
	}, func(k *kit) {
		if a := k.send("ann@b.example"); a.status != 200 {
			k.Fatal(string(a.body))
		}
		synctest.Wait()
		start := time.Now()
		k.stop()
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("Run ended after %v", took)
		}
	})
}
