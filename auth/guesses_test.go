package auth_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/storage"
)

// Whoever has to wait learns nothing from waiting: the right code and a wrong
// one, and no code at all, are answered alike, the host is not asked, and the
// guess is counted nowhere.
func TestWaitingTellsNothing(t *testing.T) {
	onEachStore(t, func(c *auth.Config) {
		c.Limits.Address.StrangerGuessesPerDay = 5
		c.Limits.Address.FirstWait = 2 * time.Minute
	}, func(k *kit) {
		called := 0
		k.stop()
		hook := func(context.Context, auth.Identity) error { called++; return nil }
		k.conf.OnFirstLogin, k.conf.OnLogin = hook, hook
		k.conf.AllowRegistration = func(context.Context, string, string) (bool, error) { called++; return true, nil }
		k.conf.ExtraClaims = func(context.Context, auth.Identity) (map[string]any, error) { called++; return nil, nil }
		k.restart()
		k.run()

		code := k.code("ann@b.example")
		for range 5 {
			k.login("ann@b.example", wrong(code))
		}
		time.Sleep(time.Minute)
		code = k.code("ann@b.example") // the device still waits for a minute
		right, other := k.login("ann@b.example", code), k.login("ann@b.example", wrong(code))
		none := k.as(onDevice("another")).login("ann@b.example", code)
		for name, a := range map[string]answer{"right": right, "wrong": other, "of another device": none} {
			if !isLimited(t, a) || seen(a) != seen(right) {
				t.Errorf("a guess that is %s: %d %s, but the right one %d %s", name, a.status, a.body, right.status, right.body)
			}
		}
		if called != 0 {
			t.Errorf("the host was asked %d times", called)
		}
		for range 6 {
			k.login("ann@b.example", wrong(code))
		}
		time.Sleep(time.Minute)
		if a := k.login("ann@b.example", code); a.status != 200 || called != 4 {
			t.Errorf("after the wait: %s, and the host was asked %d times, want 4", a.body, called)
		}
	})
}

// meanwhileStore does something between the looking up of a user and the
// redeeming of the code.
type meanwhileStore struct {
	storage.Store
	do func()
}

func (s *meanwhileStore) Redeem(ctx context.Context, g storage.Guess, l storage.AddressLimits, now time.Time) (storage.Redeemed, error) {
	if s.do != nil {
		s.do()
	}
	return s.Store.Redeem(ctx, g, l, now)
}

// What an administrator does while somebody logs in never ends in a login
// without a session, nor in one that was not asked for.
func TestUsersThatChangeDuringTheLogin(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name       string
		before, do func(k *kit, id string) error
		want       auth.Reason
	}{
		{"enabled", func(k *kit, id string) error { return k.auth.DisableUser(k.Context(), id) }, func(k *kit, id string) error {
			return k.auth.EnableUser(k.Context(), id)
		}, auth.ReasonUserDisabled},
		{"disabled", nil, func(k *kit, id string) error { return k.auth.DisableUser(k.Context(), id) }, auth.ReasonUserDisabled},
		{"deleted", nil, func(k *kit, id string) error { return k.auth.DeleteUser(k.Context(), id) }, ""},
		{"moved", nil, func(k *kit, id string) error { return k.auth.ChangeEmail(k.Context(), id, "new@b.example") }, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			onEachStore(t, nil, func(k *kit) {
				store := &meanwhileStore{Store: k.conf.Store}
				k.stop()
				k.conf.Store = store
				k.restart()
				k.run()
				first := k.login("ann@b.example", k.code("ann@b.example"))
				id := claims(t, first.field(t, "id_token"))["sub"].(string)
				if row.before != nil {
					if err := row.before(k, id); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(time.Minute)
				code := k.code("ann@b.example")
				store.do = func() {
					store.do = nil
					if err := row.do(k, id); err != nil {
						t.Error(err)
					}
				}
				a := k.login("ann@b.example", code)
				if row.want != "" && a.code() != string(row.want) {
					t.Errorf("%d %s, want %s", a.status, a.body, row.want)
				}
				if a.status == 200 || strings.Contains(string(a.body), "SUCCESS") {
					t.Errorf("it was let in: %s", a.body)
				}
			})
		})
	}
}

// A peer that has no address is counted, and counted once.
func TestPeersWithoutAnAddress(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		try := func(remote string) int {
			r := httptest.NewRequest(http.MethodPost, loginPath, strings.NewReader("{}"))
			r.Header, r.RemoteAddr = k.request("POST", loginPath, "{}").Header, remote
			w := httptest.NewRecorder()
			recorded(k.auth.Handler(), k.conf).ServeHTTP(w, r)
			return w.Code
		}
		for i := range 30 {
			if got := try([]string{"@", "", "localhost:80"}[i%3]); got != 400 {
				t.Fatalf("request %d: %d", i+1, got)
			}
		}
		if got := try("@"); got != 429 {
			t.Errorf("request 31: %d", got)
		}
		if got := try("192.0.2.1:80"); got != 400 {
			t.Errorf("a peer with an address: %d", got)
		}
	})
}

// Two limits of the same length count apart.
func TestLimitsOfTheSameLength(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ send, long, want int }{{4, 7, 4}, {7, 4, 4}, {5, 5, 5}} {
		play(t, func(c *auth.Config) {
			c.Limits.SendCode = auth.Rate{Count: row.send, Per: time.Hour}
			c.Limits.SendCodeLong = auth.Rate{Count: row.long, Per: time.Hour}
			c.Limits.VerifyCaptcha = auth.Rate{Count: row.want, Per: time.Hour}
		}, func(k *kit) {
			for i := range row.want {
				if a := k.post(sendPath); isLimited(t, a) {
					t.Errorf("%d and %d an hour: request %d is limited", row.send, row.long, i+1)
				}
				if a := k.post(verifyPath); isLimited(t, a) {
					t.Errorf("verify: request %d is limited", i+1)
				}
			}
			if !isLimited(t, k.post(sendPath)) || !isLimited(t, k.post(verifyPath)) {
				t.Errorf("%d and %d an hour: request %d is not limited", row.send, row.long, row.want+1)
			}
		})
	}
}

// The owner's login takes back the owner's typing errors, and not one of the
// guesses of others.
func TestAbuse_C09_loginForgivesItsOwnFlow(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		const email = "ann@b.example"
		k.login(email, k.code(email))
		k.pass(time.Hour)
		guesses := func(n int) { // of strangers
			for range n {
				device := k.as(onDevice(time.Now().String()))
				code := device.code(email)
				for range 5 {
					device.login(email, wrong(code))
				}
				k.pass(day / 4)
			}
		}
		guesses(8) // 40
		code := k.code(email)
		for range 4 {
			k.login(email, wrong(code))
		}
		if a := k.login(email, code); a.status != 200 {
			t.Fatalf("the owner: %s", a.body)
		}
		k.pass(time.Hour)
		guesses(1)
		if code := k.code(email); len(code) != 6 {
			t.Errorf("after 45 wrong guesses of strangers the code has %d digits", len(code))
		}
		k.pass(time.Hour)
		guesses(1)
		if code := k.code(email); len(code) != 8 {
			t.Errorf("after 50 wrong guesses of strangers the code has %d digits", len(code))
		}
	})
}
