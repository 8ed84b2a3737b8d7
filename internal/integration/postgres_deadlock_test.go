package integration

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/mailkey/internal/integration/services"
	"example.com/mailkey/storage"
)

// Two instances do everything at once to a handful of people. Nobody waits for
// somebody who waits for them, and nobody is told that a store is busy.
func TestPostgresHasNoDeadlocks(t *testing.T) {
	t.Parallel()
	server := services.StartPostgres(t)
	var stores []storage.Store
	for range 2 {
		stores = append(stores, openPostgres(t, pool(t, server.URL("postgres"), 6), "mailkey"))
	}
	var seconds atomic.Int64 // after noon: what happened passes
	var all sync.WaitGroup
	for worker := range 10 {
		r := rand.New(rand.NewPCG(uint64(worker), 1))
		all.Go(func() {
			for i := range 400 {
				now := noon.Add(time.Duration(seconds.Add(1)) * time.Second)
				verb, err := anything(t.Context(), stores[worker%2], r, now, fmt.Sprint(worker, " ", i))
				if err != nil && !errors.Is(err, storage.ErrConflict) {
					t.Errorf("%s: %v", verb, err)
				}
			}
		})
	}
	all.Wait()
	if n := ask[int](t, pool(t, server.URL("postgres"), 1), "SELECT deadlocks FROM pg_stat_database WHERE datname = 'postgres'"); n > 0 {
		t.Errorf("there were %d deadlocks", n)
	}
}

// anything calls a verb about somebody.
func anything(ctx context.Context, s storage.Store, r *rand.Rand, now time.Time, fresh string) (verb string, err error) {
	name := fmt.Sprint("somebody ", r.IntN(4))
	g := guess(name, fresh, r.IntN(2) == 0)
	g.MaxSessions, g.Session.CreatedAt, g.Session.ExpiresAt = 3, now, now.Add(10*time.Minute)
	u, _, err := s.UserByEmail(ctx, name)
	if err != nil {
		return "UserByEmail", err
	}
	if u.ID != "" {
		g.Session.UserID = u.ID
	}
	left := storage.LeftAddress{Address: []byte(name), NextUserID: fresh}
	switch r.IntN(14) {
	case 0, 1, 2:
		ask := request(name)
		ask.Lifetime, ask.UserID, ask.MaxPending = 10*time.Minute, fresh, 3
		_, err = s.RequestCode(ctx, ask, wide, now)
		return "RequestCode", err
	case 3, 4, 5:
		if c, ok, err := s.FindChallenge(ctx, g.Binding, wide, now); err == nil && ok && u.ID == "" {
			g.Session.UserID = c.UserID
		}
		_, err = s.Redeem(ctx, g, wide, now)
		return "Redeem", err
	case 6:
		at := now
		if r.IntN(2) == 0 {
			at = time.Time{}
		}
		_, err = s.SetUserDisabled(ctx, u.ID, at)
		return "SetUserDisabled", err
	case 7:
		_, err = s.ChangeEmail(ctx, u.ID, string(rune('a'+r.IntN(4))), "", left)
		return "ChangeEmail", err
	case 8:
		_, err = s.DeleteUser(ctx, u.ID, left)
		return "DeleteUser", err
	case 9:
		list, err := s.ListSessions(ctx, u.ID, now)
		if err == nil && len(list) > 0 {
			_, err = s.RotateSession(ctx, list[0].TokenHash, fresh, time.Minute, now)
		}
		return "RotateSession", err
	case 10:
		_, err = s.EndSessions(ctx, storage.SessionFilter{UserID: u.ID, ExceptID: "nobody's"}, now)
		return "EndSessions", err
	case 11:
		mails, err := s.ClaimMails(ctx, 3, time.Minute, 0, now)
		for _, m := range mails {
			err = errors.Join(err, s.FinishMail(ctx, m, storage.MailResult{}, now))
		}
		return "ClaimMails", err
	case 12:
		limits := []storage.Limit{{Key: []byte("a")}, {Key: []byte("b")}, {Key: []byte("c")}}
		r.Shuffle(len(limits), func(i, j int) { limits[i], limits[j] = limits[j], limits[i] })
		for i := range limits {
			limits[i].Count, limits[i].Window = 1, time.Second
		}
		_, err = s.TakeLimits(ctx, now, limits...)
		return "TakeLimits", err
	}
	err = s.PutCaptcha(ctx, storage.Captcha{ID: []byte(fresh), Peer: []byte(name), ExpiresAt: now.Add(time.Minute)}, 2, 5)
	_, swept := s.Sweep(ctx, now, 10)
	return "PutCaptcha and Sweep", errors.Join(err, swept)
}
