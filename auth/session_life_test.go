package auth_test

import (
	"net/http"
	"testing"
	"time"

	"example.com/mailkey/auth"
)

// lastSeen is when the user's only session was used last, as far as is known.
func (k *kit) lastSeen(userID string) time.Time {
	k.Helper()
	sessions, err := k.auth.Sessions(k.Context(), userID)
	if err != nil || len(sessions) != 1 {
		k.Fatalf("%d sessions, %v", len(sessions), err)
	}
	return sessions[0].LastSeenAt
}

// Whatever ends a session ends it at once, on every instance, and for good.
func TestAbuse_F04_F09_endedSessions(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		end  func(k *kit, token, user, session string) error
	}{
		{"logout", func(k *kit, token, _, _ string) error {
			r := k.request("POST", logoutPath, "")
			r.Header.Set("Session-Token", token)
			k.do(r)
			return nil
		}},
		{"revoked", func(k *kit, _, user, session string) error { return k.auth.RevokeSession(k.Context(), user, session) }},
		{"all of the user", func(k *kit, _, user, _ string) error { return k.auth.RevokeSessions(k.Context(), user) }},
		{"all of everybody", func(k *kit, _, _, _ string) error { return k.auth.RevokeAllSessions(k.Context()) }},
		{"disabled", func(k *kit, _, user, _ string) error { return k.auth.DisableUser(k.Context(), user) }},
		{"deleted", func(k *kit, _, user, _ string) error { return k.auth.DeleteUser(k.Context(), user) }},
		{"expired", func(*kit, string, string, string) error { time.Sleep(5 * 24 * time.Hour); return nil }},
		{"destroyed by the app", func(k *kit, token, _, _ string) (err error) {
			k.page(func(_ http.ResponseWriter, r *http.Request) {
				err = k.auth.SessionManager().Destroy(r.Context())
				k.auth.SessionManager().Put(r.Context(), "a", "b")
			}).with("Session-Token", token)
			return err
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			onEachStore(t, nil, func(k *kit) {
				token, c := k.signIn("ann@b.example")
				other := k.as(func(o *kit) { o.restart() }) // another instance
				pages := map[string]*kit{"this instance": k.page(whoami), "another": other.page(whoami)}
				for name, page := range pages {
					if a := page.with("Session-Token", token); string(a.body) != c["sub"] {
						t.Fatalf("%s, before: %s", name, a.body)
					}
				}
				k.stop() // nothing is to happen a moment later in the background
				if err := row.end(k, token, c["sub"].(string), c["sid"].(string)); err != nil {
					t.Fatal(err)
				}
				ended := func() {
					for name, page := range pages {
						if a := page.with("Session-Token", token); string(a.body) != "nobody" {
							t.Errorf("%s: %d %s", name, a.status, a.body)
						}
					}
				}
				ended()
				if row.name == "disabled" {
					if err := k.auth.EnableUser(k.Context(), c["sub"].(string)); err != nil {
						t.Error(err)
					}
				}
				ended()
				k.run()
				time.Sleep(2 * time.Minute) // and after a sweep
				ended()
			})
		})
	}
}

func TestSessionEndsAfterItsLifetime(t *testing.T) {
	onEachStore(t, func(c *auth.Config) { c.SessionLifetime = time.Hour }, func(k *kit) {
		token, c := k.signIn("ann@b.example")
		page := k.page(whoami)
		k.pass(time.Hour - time.Millisecond)
		if a := page.with("Session-Token", token); string(a.body) != c["sub"] {
			t.Errorf("a millisecond before its end: %s", a.body)
		}
		time.Sleep(time.Millisecond) // its use before does not make it longer
		if a := page.with("Session-Token", token); string(a.body) != "nobody" {
			t.Errorf("at its end: %s", a.body)
		}
	})
}

// That a session is used is noted down at most once a minute.
func TestTouch(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		store := k.counted()
		token, c := k.signIn("ann@b.example")
		start := time.Now().Truncate(time.Millisecond)
		page := k.page(whoami)
		for _, step := range []struct {
			wait    time.Duration
			touches int32
			seen    time.Duration // after the login
		}{
			{0, 0, 0},
			{30 * time.Second, 0, 0},
			{30*time.Second - time.Millisecond, 0, 0},
			{time.Millisecond, 1, time.Minute},
			{0, 1, time.Minute},
			{time.Minute - time.Millisecond, 1, time.Minute},
			{time.Millisecond, 2, 2 * time.Minute},
			{time.Hour, 3, 62 * time.Minute},
		} {
			k.pass(step.wait)
			page.with("Session-Token", token)
			got, seen := store.touches.Load(), k.lastSeen(c["sub"].(string)).Sub(start)
			if got != step.touches || seen != step.seen {
				t.Errorf("after %v: %d touches, seen at %v; want %d at %v", time.Since(start), got, seen, step.touches, step.seen)
			}
		}
	})
}

func idleAfterTen(c *auth.Config) { c.IdleTimeout = 10 * time.Minute }

// A session that is used lives on; one that is not ends at its limit, and
// nothing brings it back.
func TestIdleTimeout(t *testing.T) {
	onEachStore(t, idleAfterTen, func(k *kit) {
		token, c := k.signIn("ann@b.example")
		page := k.page(func(w http.ResponseWriter, r *http.Request) {
			k.auth.SessionManager().Put(r.Context(), "n", 1)
			whoami(w, r)
		})
		for range 10 {
			k.pass(10*time.Minute - time.Millisecond)
			if a := page.with("Session-Token", token); string(a.body) != c["sub"] {
				t.Fatalf("used in time: %s", a.body)
			}
		}
		time.Sleep(10 * time.Minute)
		for range 3 {
			if a := page.with("Session-Token", token); string(a.body) != "nobody" {
				t.Errorf("idle for ten minutes: %s", a.body)
			}
		}
		for _, path := range []string{logoutPath, refreshPath} {
			r := k.request("POST", path, "")
			r.Header.Set("Session-Token", token)
			if a := k.do(r); a.code() != string(auth.ReasonSessionInvalid) {
				t.Errorf("%s: %s", path, a.body)
			}
		}
		r := k.request("GET", sessionsPath, "")
		r.Header.Set("Session-Token", token)
		if a := k.do(r); a.code() != string(auth.ReasonNotSignedIn) {
			t.Errorf("sessions: %s", a.body)
		}
		if a := page.with("Session-Token", token); string(a.body) != "nobody" {
			t.Errorf("after all that: %s", a.body)
		}
		if sessions, err := k.auth.Sessions(k.Context(), c["sub"].(string)); len(sessions) != 0 || err != nil {
			t.Errorf("it is listed: %v, %v", sessions, err)
		}
	})
}

// However it is used, no session outlives its lifetime.
func TestIdleTimeoutDoesNotProlong(t *testing.T) {
	t.Parallel()
	play(t, func(c *auth.Config) { c.IdleTimeout, c.SessionLifetime = 10*time.Minute, time.Hour }, func(k *kit) {
		token, _ := k.signIn("ann@b.example")
		page := k.page(whoami)
		for i := 1; i < 12; i++ {
			time.Sleep(5 * time.Minute)
			if a := page.with("Session-Token", token); string(a.body) == "nobody" {
				t.Fatalf("after %d minutes: %s", 5*i, a.body)
			}
		}
		time.Sleep(5 * time.Minute)
		if a := page.with("Session-Token", token); string(a.body) != "nobody" {
			t.Errorf("after an hour: %s", a.body)
		}
	})
}

// A request counts from when it began, so a slow one that began in time does
// not fail, and does not make an idle session look used.
func TestSlowRequestOfAnIdleSession(t *testing.T) {
	t.Parallel()
	play(t, idleAfterTen, func(k *kit) {
		token, c := k.signIn("ann@b.example")
		page := k.page(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(10 * time.Minute)
			k.auth.SessionManager().Put(r.Context(), "n", 1)
			whoami(w, r)
		})
		if a := page.with("Session-Token", token); string(a.body) != c["sub"] {
			t.Errorf("the slow one: %s", a.body)
		}
		if a := k.page(whoami).with("Session-Token", token); string(a.body) != "nobody" {
			t.Errorf("the one after it: %s", a.body)
		}
	})
}
