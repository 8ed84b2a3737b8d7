package auth_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/storage"
)

// clockedStore is a store whose database has a clock.
type clockedStore struct {
	storage.Store
	ahead atomic.Int64 // of the instance's
	asked chan time.Time
}

func (s *clockedStore) Clock(context.Context) (time.Time, error) {
	select {
	case s.asked <- time.Now():
	default:
	}
	return time.Now().Add(time.Duration(s.ahead.Load())), nil
}

// An instance whose clock is wrong serves nobody, and removes nothing, until it
// is right again.
func TestClock(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		ahead time.Duration
		want  int
	}{
		{0, http.StatusOK},
		{30 * time.Second, http.StatusOK},
		{-30 * time.Second, http.StatusOK},
		{30*time.Second + time.Millisecond, http.StatusInternalServerError},
		{-30*time.Second - time.Millisecond, http.StatusInternalServerError},
		{time.Hour, http.StatusInternalServerError},
	} {
		t.Run(row.ahead.String(), func(t *testing.T) {
			t.Parallel()
			store := &clockedStore{}
			playOn(t, func(t *testing.T) storage.Store { store.Store = openMemory(t); return store }, nil, func(k *kit) {
				token, _ := k.signIn("ann@b.example")
				store.ahead.Store(int64(row.ahead))
				time.Sleep(10 * time.Second)
				synctest.Wait()

				got := k.do(k.request("GET", "/api/v2/sdk/captcha", ""))
				if got.status != row.want {
					t.Errorf("a captcha: got %d %s, want %d", got.status, got.body, row.want)
				}
				if row.want != http.StatusOK && (got.code() != "IDAAS.SDK.COM.0002" || got.header.Get("Retry-After") == "") {
					t.Errorf("got %s, Retry-After %q", got.body, got.header.Get("Retry-After"))
				}
				if err := k.auth.InService(); (err == nil) != (row.want == http.StatusOK) {
					t.Errorf("InService: %v", err)
				}
				r := k.request("GET", "/account", "")
				r.Header.Set("Session-Token", token)
				if _, err := k.auth.LoadSession(r); (err == nil) != (row.want == http.StatusOK) {
					t.Errorf("LoadSession: %v", err)
				}

				store.ahead.Store(0)
				time.Sleep(10 * time.Second)
				synctest.Wait()
				if got := k.do(k.request("GET", "/api/v2/sdk/captcha", "")); got.status != http.StatusOK {
					t.Errorf("a captcha, when the clock is right: got %d %s", got.status, got.body)
				}
				said := 0 // once each, not at every look
				if row.want != http.StatusOK {
					said = 1
				}
				for _, text := range []string{`msg="out of service"`, `msg="in service again`} {
					if n := strings.Count(k.log.String(), text); n != said {
						t.Errorf("the log says %s %d times, want %d", text, n, said)
					}
				}
			})
		})
	}
}

// The clocks are compared every five seconds: for no longer is a wrong one
// believed.
func TestClockIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	store := &clockedStore{asked: make(chan time.Time, 5)}
	playOn(t, func(t *testing.T) storage.Store { store.Store = openMemory(t); return store }, nil, func(k *kit) {
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(store.asked) < cap(store.asked) {
			k.Fatalf("it was looked at %d times in a minute", len(store.asked))
		}
		for last := <-store.asked; len(store.asked) > 0; {
			next := <-store.asked
			if pause := next.Sub(last); pause != 5*time.Second && pause > 0 { // Run begins with it
				k.Errorf("it was looked at after %v", pause)
			}
			last = next
		}
	})
}
