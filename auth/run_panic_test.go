package auth_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/storage"
)

// buggyStore panics in all that is done in the background.
type buggyStore struct {
	storage.Store
	buggy  atomic.Bool
	panics atomic.Int64
}

func (s *buggyStore) check() {
	if s.buggy.Load() {
		s.panics.Add(1)
		panic(bug)
	}
}

func (s *buggyStore) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	s.check()
	return s.Store.Sweep(ctx, now, limit)
}

func (s *buggyStore) Beat(ctx context.Context, now time.Time) error {
	s.check()
	return s.Store.Beat(ctx, now)
}

func (s *buggyStore) FinishMail(ctx context.Context, m storage.Mail, r storage.MailResult, now time.Time) error {
	s.check()
	return s.Store.FinishMail(ctx, m, r, now)
}

func (s *buggyStore) ClaimMails(ctx context.Context, limit int, lease, minLife time.Duration, now time.Time) ([]storage.Mail, error) {
	mails, err := s.Store.ClaimMails(ctx, limit, lease, minLife, now)
	if len(mails) == 0 {
		s.check()
	}
	return mails, err
}

// A panic in the background ends nothing: it is in the log, and what it
// interrupted is done at its next turn.
func TestFault_R37_PanicsInTheBackground(t *testing.T) {
	t.Parallel()
	play(t, func(c *auth.Config) { c.Store = &buggyStore{Store: c.Store} }, func(k *kit) {
		store := k.conf.Store.(*buggyStore)
		store.buggy.Store(true)
		if a := k.send("ann@b.example"); a.status != 200 {
			t.Fatal(string(a.body))
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait() // for what happens at this very moment
		if n := strings.Count(k.log.String(), `msg="panic in the background"`); n < 10 || int64(n) != store.panics.Load() {
			t.Errorf("%d panics in the log, want all of %d", n, store.panics.Load())
		}
		store.buggy.Store(false)
		time.Sleep(time.Minute)
		before := len(k.mails.Mails())
		if a := k.send("ann@b.example"); a.status != 200 {
			t.Fatal(string(a.body))
		}
		time.Sleep(time.Minute)
		if got := len(k.mails.Mails()); before == 0 || got != before+1 {
			t.Errorf("%d mails, and %d before", got, before)
		}
	})
}
