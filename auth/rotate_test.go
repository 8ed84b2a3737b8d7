package auth_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/mailkey/auth"
)

func rotating(c *auth.Config) { c.RotateSessionToken = true }

// next refreshes and returns the token to go on with.
func (k *kit) next(token string) string {
	k.Helper()
	a := k.refresh(token)
	if a.status != 200 {
		k.Fatalf("refresh: %d %s", a.status, a.body)
	}
	return a.field(k.T, "session_token")
}

// Each refresh gives another token; the one before is dead everywhere, and the
// session goes on with its values and for as long as it would have lived.
func TestRotation(t *testing.T) {
	onEachStore(t, rotating, func(k *kit) {
		first, c := k.signIn("ann@b.example")
		k.values().show(first, "a=1")
		tokens := []string{first}
		for range 5 {
			time.Sleep(time.Minute)
			tokens = append(tokens, k.next(tokens[len(tokens)-1]))
		}
		used := make(map[string]bool)
		page, last := k.page(whoami), tokens[len(tokens)-1]
		for i, token := range tokens {
			if used[token] || len(token) != 43 {
				t.Errorf("token %d is %q", i, token)
			}
			used[token] = true
			want := map[bool]any{true: c["sub"], false: "nobody"}[token == last]
			if a := page.with("Session-Token", token); string(a.body) != want {
				t.Errorf("token %d: %s, want %v", i, a.body, want)
			}
		}
		if got := k.values().show(last, ""); got != `{"a":1}` {
			t.Errorf("values %s", got)
		}
		if sessions, err := k.auth.Sessions(k.Context(), c["sub"].(string)); err != nil || len(sessions) != 1 || sessions[0].ID != c["sid"] {
			t.Errorf("sessions %+v, %v", sessions, err)
		}
		if a := k.do(k.withToken("POST", logoutPath, last)); a.status != 200 {
			t.Errorf("logout: %s", a.body)
		}
		for _, token := range tokens {
			if a := k.refresh(token); a.code() != string(auth.ReasonSessionInvalid) {
				t.Errorf("after the logout: %s", a.body)
			}
		}
	})
}

// A client that did not see the answer gets it again, for half a minute.
func TestRotationTriedAgain(t *testing.T) {
	onEachStore(t, rotating, func(k *kit) {
		first, c := k.signIn("ann@b.example")
		second := k.next(first)
		for _, wait := range []time.Duration{0, 15 * time.Second, 15*time.Second - time.Millisecond} {
			time.Sleep(wait)
			if got := k.next(first); got != second {
				t.Errorf("after %v more: %s, want the same token", wait, got)
			}
		}
		time.Sleep(time.Millisecond)
		if a := k.refresh(first); a.code() != string(auth.ReasonSessionInvalid) {
			t.Errorf("after half a minute: %s", a.body)
		}
		third := k.next(second)
		if a := k.refresh(first); a.code() != string(auth.ReasonSessionInvalid) {
			t.Errorf("the token before the last: %s", a.body)
		}
		if again := k.next(second); again != third {
			t.Errorf("%s, want %s", again, third)
		}
		other := k.as(func(k *kit) { k.client = "other" })
		if a := other.refresh(second); a.code() != string(auth.ReasonSessionInvalid) {
			t.Errorf("another client tries again: %s", a.body)
		}
		if a := k.as(asWeb).refresh(third); a.code() != string(auth.ReasonSessionInvalid) {
			t.Errorf("a cookie client: %s", a.body)
		}
		if err := k.auth.RevokeSessions(k.Context(), c["sub"].(string)); err != nil {
			t.Error(err)
		}
		if a := k.refresh(second); a.code() != string(auth.ReasonSessionInvalid) {
			t.Errorf("trying again after the session was revoked: %s", a.body)
		}
	})
}

// Refreshes at once, on two instances, get one new token.
func TestRotationInParallel(t *testing.T) {
	onEachStore(t, rotating, func(k *kit) {
		token, _ := k.signIn("ann@b.example")
		kits := []*kit{k, k.as(func(o *kit) { o.restart() })}
		for range 5 {
			answers := make([]answer, 10)
			atOnce(len(answers), func(i int) { answers[i] = kits[i%2].refresh(token) })
			got := make(map[string]int)
			for _, a := range answers {
				if a.status != 200 {
					t.Fatalf("%d %s", a.status, a.body)
				}
				got[a.field(t, "session_token")]++
			}
			if len(got) != 1 || got[token] != 0 {
				t.Fatalf("%d different tokens", len(got))
			}
			token = answers[0].field(t, "session_token")
			time.Sleep(time.Minute)
		}
		if !k.alive(token) {
			t.Error("the last token is dead")
		}
	})
}

// The token is neither stored nor can it be made without the secret; instances
// that are about to change it agree on it while they use the same one.
func TestRotationDependsOnTheSecret(t *testing.T) {
	t.Parallel()
	play(t, rotating, func(k *kit) {
		token, _ := k.signIn("ann@b.example")
		second := k.next(token)
		if strings.Contains(k.log.String(), second) || second == auth.HashToken(token) {
			t.Error("the next token can be read from what is stored")
		}
		k.stop()
		k.conf.Secret, k.conf.PreviousSecrets = newSecret, []auth.Secret{oldSecret}
		k.restart()
		k.run()
		if third := k.next(second); third == second || !k.alive(third) {
			t.Error("the session did not survive a change of the secret")
		}
	})
}

// The host's function fails between one token and the next: who tries again
// gets on.
func TestRotationWithFailingClaims(t *testing.T) {
	t.Parallel()
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			var broken atomic.Bool
			play(t, func(c *auth.Config) {
				rotating(c)
				c.ExtraClaims = func(ctx context.Context, _ auth.Identity) (map[string]any, error) {
					if broken.Load() {
						return nil, way.call(ctx)
					}
					return map[string]any{"level": 3}, nil
				}
			}, func(k *kit) {
				token, _ := k.signIn("ann@b.example")
				broken.Store(true)
				a := k.refresh(token)
				if a.code() != string(auth.ReasonBusy) || strings.Contains(string(a.body), "token") {
					t.Errorf("%d %s", a.status, a.body)
				}
				broken.Store(false)
				time.Sleep(5 * time.Second)
				a = k.refresh(token)
				if a.status != 200 || claims(t, a.field(t, "id_token"))["level"] != 3.0 {
					t.Fatalf("again: %d %s", a.status, a.body)
				}
				if next := a.field(t, "session_token"); next == token || !k.alive(next) || k.alive(token) {
					t.Errorf("alive: the new token %v, the old one %v", k.alive(next), k.alive(token))
				}
				time.Sleep(time.Minute) // for what does not come back
			})
		})
	}
}

// A cookie client's token stays: a browser's tabs would lose it to each other.
func TestCookiesAreNotRotated(t *testing.T) {
	onEachStore(t, rotating, func(k *kit) {
		web := k.as(asWeb)
		token, _ := web.signIn("ann@b.example")
		for range 3 {
			a := web.refresh(token)
			if a.status != 200 || a.header.Get("Set-Cookie") != "" || strings.Contains(string(a.body), "session_token") {
				t.Errorf("%d %s %v", a.status, a.body, a.header)
			}
			time.Sleep(time.Minute)
		}
	})
}

// A token that was replaced long ago does nothing: it neither ends the session
// nor keeps it from idling out.
func TestReplacedTokenIsDead(t *testing.T) {
	onEachStore(t, func(c *auth.Config) {
		rotating(c)
		c.IdleTimeout = 10 * time.Minute
	}, func(k *kit) {
		old, _ := k.signIn("ann@b.example")
		next := k.next(old)
		for range 3 {
			k.pass(3 * time.Minute)
			if a := k.refresh(old); a.code() != string(auth.ReasonSessionInvalid) {
				t.Errorf("refresh: %s", a.body)
			}
			if a := k.do(k.withToken("POST", logoutPath, old)); a.code() != string(auth.ReasonSessionInvalid) {
				t.Errorf("logout: %s", a.body)
			}
		}
		k.pass(time.Minute)
		if a := k.refresh(next); a.code() != string(auth.ReasonSessionInvalid) {
			t.Errorf("after ten minutes without use: %s", a.body)
		}
	})
}

// A refresh that replaces the token is a use of the session.
func TestRotationIsUse(t *testing.T) {
	onEachStore(t, func(c *auth.Config) {
		rotating(c)
		c.IdleTimeout = 10 * time.Minute
	}, func(k *kit) {
		token, _ := k.signIn("ann@b.example")
		for range 3 {
			k.pass(9 * time.Minute)
			token = k.next(token)
		}
	})
}

// Who lost the answer to a refresh, or logs out while it is under way, is
// logged out: the session does not go on with a token that nobody has.
func TestLogoutAfterRotation(t *testing.T) {
	onEachStore(t, rotating, func(k *kit) {
		old, c := k.signIn("ann@b.example")
		next := k.refresh(old).field(t, "session_token")
		other := k.as(func(k *kit) { k.client = "other" })
		if a := other.do(other.withToken("GET", "/api/v2/sdk/logout", old)); a.code() != string(auth.ReasonSessionInvalid) {
			t.Errorf("another client: %s", a.body)
		}
		if !k.alive(next) {
			t.Fatal("the session ended at another client")
		}
		if a := k.do(k.withToken("GET", "/api/v2/sdk/logout", old)); a.status != 200 {
			t.Errorf("with the old token: %s", a.body)
		}
		if k.alive(next) {
			t.Error("the session goes on")
		}
		if want := fmt.Sprintf("msg=logout user=%s ", c["sub"]); !strings.Contains(k.log.String(), want) {
			t.Errorf("the log does not say %q: %s", want, k.log)
		}
		if a := k.do(k.withToken("GET", "/api/v2/sdk/logout", old)); a.code() != string(auth.ReasonSessionInvalid) {
			t.Errorf("again: %s", a.body)
		}
	})
}

// A request that goes on while the token that it came with is replaced works on
// the session as it goes on: it keeps its values, and can end it.
func TestRotationDuringARequest(t *testing.T) {
	onEachStore(t, rotating, func(k *kit) {
		m := k.auth.SessionManager()
		var next string
		rotated := func(then func(context.Context) error) *kit {
			return k.page(func(_ http.ResponseWriter, r *http.Request) {
				next = k.next(r.Header.Get("Session-Token"))
				if err := then(r.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		token, _ := k.signIn("ann@b.example")
		rotated(func(ctx context.Context) error { m.Put(ctx, "a", 1); return nil }).with("Session-Token", token)
		if got := k.values().show(next, ""); got != `{"a":1}` {
			t.Errorf("what was put: %s", got)
		}
		rotated(m.Destroy).with("Session-Token", next)
		if k.alive(next) {
			t.Error("a session that was destroyed goes on")
		}
	})
}

// A login ends the session that it came with, also when the answer that told its
// next token was lost.
func TestRotationBeforeALogin(t *testing.T) {
	onEachStore(t, rotating, func(k *kit) {
		token, _ := k.signIn("ann@b.example")
		time.Sleep(time.Minute)
		code := k.code("ann@b.example")
		next := k.next(token) // nobody sees it
		r := k.request("POST", loginPath, object("email", "ann@b.example", "verify_code", code))
		r.Header.Set("Session-Token", token)
		if a := k.do(r); a.status != 200 || !k.alive(a.field(t, "session_token")) {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if k.alive(next) {
			t.Error("the session before the login goes on")
		}
	})
}
