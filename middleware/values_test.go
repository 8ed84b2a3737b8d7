package middleware_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alexedwards/scs/v2"

	"example.com/mailkey/auth"
	"example.com/mailkey/middleware"
	"example.com/mailkey/storage/memory"
)

// Handlers keep values in the session.
func TestValues(t *testing.T) {
	onEachStore(t, func(t *testing.T, k *kit) {
		m := k.auth.SessionManager()
		for client, by := range map[string]func(string) edit{"app": bySessionToken, "web": byCookie} {
			open := by(k.login(client, client+"@b.example").session)
			other := by(k.login(client, "other-"+client+"@b.example").session)
			do := func(f func(ctx context.Context), e edit) {
				t.Helper()
				w := serve(middleware.RequireSession(k.auth)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { f(r.Context()) })), request("GET", "/", e))
				if w.Code != 200 || w.Header().Get("Set-Cookie") != "" {
					t.Errorf("%d %s %q", w.Code, w.Body, w.Header())
				}
			}
			do(func(ctx context.Context) {
				m.Put(ctx, "word", "你好")
				m.Put(ctx, "number", 7)
				m.Put(ctx, "flash", "once")
			}, open)
			do(func(ctx context.Context) {
				if w, n, f := m.GetString(ctx, "word"), m.Get(ctx, "number"), m.PopString(ctx, "flash"); w != "你好" || n != 7.0 || f != "once" {
					t.Errorf("got %q %v %q", w, n, f)
				}
			}, open)
			do(func(ctx context.Context) {
				if keys := m.Keys(ctx); !slices.Equal(keys, []string{"number", "word"}) {
					t.Errorf("got %q", keys)
				}
				m.Remove(ctx, "number")
			}, open)
			do(func(ctx context.Context) {
				if keys := m.Keys(ctx); !slices.Equal(keys, []string{"word"}) {
					t.Errorf("got %q", keys)
				}
			}, open)
			do(func(ctx context.Context) {
				if keys := m.Keys(ctx); len(keys) > 0 {
					t.Errorf("somebody else's session has %q", keys)
				}
			}, other)
		}
		// Values of nobody are not kept, and make no session.
		w := serve(middleware.LoadSession(k.auth)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			m.Put(r.Context(), "x", "y")
		})), request("GET", "/"))
		if w.Code != 200 || len(w.Header()["Set-Cookie"]) > 0 {
			t.Errorf("%d %v", w.Code, w.Header())
		}
	})
}

// An app that has sessions of its own keeps them beside ours, whichever is
// outside.
func TestBesideTheAppsOwnSessions(t *testing.T) {
	onEachStore(t, func(t *testing.T, k *kit) {
		login := k.login("web", "a@b.example").session
		for _, row := range []struct {
			name  string
			chain func(own *scs.SessionManager, h http.Handler) http.Handler
		}{
			{"theirs outside", func(own *scs.SessionManager, h http.Handler) http.Handler {
				return own.LoadAndSave(middleware.RequireSession(k.auth)(h))
			}},
			{"theirs inside", func(own *scs.SessionManager, h http.Handler) http.Handler {
				return middleware.RequireSession(k.auth)(own.LoadAndSave(h))
			}},
			{"theirs in between", func(own *scs.SessionManager, h http.Handler) http.Handler {
				return middleware.LoadSession(k.auth)(own.LoadAndSave(middleware.RequireSession(k.auth)(h)))
			}},
		} {
			t.Run(row.name, func(t *testing.T) {
				own, ours := scs.New(), k.auth.SessionManager()
				own.Cookie.Secure = true
				var theirs string // their cookie
				visit := func(f func(ctx context.Context)) {
					t.Helper()
					edits := []edit{byCookie(login)}
					if theirs != "" {
						edits = append(edits, header("Cookie", "session="+theirs))
					}
					w := serve(row.chain(own, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if id, ok := auth.FromContext(r.Context()); !ok || id.Email != "a@b.example" {
							t.Errorf("got %+v", id)
						}
						f(r.Context())
						fmt.Fprint(w, "ok")
						if err := http.NewResponseController(w).Flush(); err != nil {
							t.Error(err)
						}
					})), request("GET", "/", edits...))
					wantBody(t, w, "ok")
					for _, c := range w.Result().Cookies() {
						if c.Name != "session" || strings.Contains(c.Value, login) {
							t.Errorf("Set-Cookie: %v", c)
						}
						theirs = c.Value
					}
				}
				for round := range 3 {
					visit(func(ctx context.Context) {
						own.Put(ctx, "x", fmt.Sprint("theirs ", row.name, round))
						ours.Put(ctx, "x", fmt.Sprint("ours ", row.name, round))
					})
					visit(func(ctx context.Context) {
						if a, b := own.GetString(ctx, "x"), ours.GetString(ctx, "x"); a != fmt.Sprint("theirs ", row.name, round) || b != fmt.Sprint("ours ", row.name, round) {
							t.Errorf("theirs has %q and ours %q", a, b)
						}
					})
				}
				visit(func(ctx context.Context) {
					if err := own.RenewToken(ctx); err != nil {
						t.Error(err)
					}
				})
				visit(func(ctx context.Context) {
					if err := own.Destroy(ctx); err != nil {
						t.Error(err)
					}
				})
				visit(func(ctx context.Context) {
					if a, b := own.GetString(ctx, "x"), ours.GetString(ctx, "x"); a != "" || b == "" {
						t.Errorf("theirs has %q, and ours %q", a, b)
					}
				})
			})
		}
	})
}

// Whatever a request that began before a logout does after it: the session
// stays dead.
func TestNoResurrection(t *testing.T) {
	for _, idle := range []time.Duration{0, time.Hour} {
		t.Run(fmt.Sprint("IdleTimeout ", idle), func(t *testing.T) {
			t.Parallel()
			t.Run("memory", func(t *testing.T) {
				noResurrection(t, newKit(t, memory.New(), func(c *auth.Config) { c.IdleTimeout = idle }))
			})
			t.Run("sqlite", func(t *testing.T) {
				noResurrection(t, newKit(t, openSQLite(t), func(c *auth.Config) { c.IdleTimeout = idle }))
			})
		})
	}
}

func noResurrection(t *testing.T, k *kit) {
	t.Helper()
	m := k.auth.SessionManager()
	ends := map[string]func(ctx context.Context, id auth.Identity, token string) error{
		"logout": func(_ context.Context, _ auth.Identity, token string) error { k.logout(token); return nil },
		"RevokeSessions": func(ctx context.Context, id auth.Identity, _ string) error {
			return k.auth.RevokeSessions(ctx, id.UserID)
		},
		"DisableUser": func(ctx context.Context, id auth.Identity, _ string) error { return k.auth.DisableUser(ctx, id.UserID) },
		"DeleteUser":  func(ctx context.Context, id auth.Identity, _ string) error { return k.auth.DeleteUser(ctx, id.UserID) },
	}
	late := map[string]func(ctx context.Context){
		"reads":  func(ctx context.Context) { _ = m.Get(ctx, "x") },
		"writes": func(ctx context.Context) { m.Put(ctx, "x", "late") },
		"writes and commits": func(ctx context.Context) {
			m.Put(ctx, "x", "late")
			if _, _, err := m.Commit(ctx); err == nil {
				t.Error("the commit of a dead session succeeds")
			}
		},
		"clears": func(ctx context.Context) { m.Put(ctx, "x", 1); _ = m.Clear(ctx) },
		"renews": func(ctx context.Context) { _ = m.RenewToken(ctx); m.Put(ctx, "x", "late") },
		"destroys and writes": func(ctx context.Context) {
			_ = m.Destroy(ctx)
			m.Put(ctx, "x", "late")
		},
		"changes its deadline": func(ctx context.Context) { m.SetDeadline(ctx, time.Now().Add(999*time.Hour)) },
		"saves":                func(ctx context.Context) { m.Put(ctx, "x", "late"); _ = k.auth.SaveSession(ctx) },
	}
	n := 0
	for how, end := range ends {
		for what, act := range late {
			t.Run(how+"/"+what, func(t *testing.T) {
				n++
				token := k.login("app", fmt.Sprintf("a%d@b.example", n)).session
				entered, dead, done := make(chan auth.Identity), make(chan struct{}), make(chan struct{})
				var renewed string
				h := middleware.RequireSession(k.auth)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					id, _ := auth.FromContext(r.Context())
					entered <- id
					<-dead
					act(r.Context())
					renewed = m.Token(r.Context())
				}))
				go func() { defer close(done); serve(h, request("GET", "/", bySessionToken(token))) }()
				if err := end(t.Context(), <-entered, token); err != nil {
					t.Error(err)
				}
				close(dead)
				<-done
				for _, token := range []string{token, renewed} {
					wantNotSignedIn(t, serve(middleware.RequireSession(k.auth)(unreachable(t)), request("GET", "/", bySessionToken(token))))
				}
			})
		}
	}
}

// A handler may end the session in which it was called, by scs's own means, and
// nothing else: the token of a session never changes behind the client's back.
func TestDestroyAndRenew(t *testing.T) {
	onEachStore(t, func(t *testing.T, k *kit) {
		m := k.auth.SessionManager()
		for i, act := range []func(context.Context) error{m.Destroy, m.RenewToken} {
			token := k.login("app", fmt.Sprintf("a%d@b.example", i)).session
			var after string
			serve(middleware.RequireSession(k.auth)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if err := act(r.Context()); err != nil {
					t.Error(err)
				}
				after = m.Token(r.Context())
			})), request("GET", "/", bySessionToken(token)))
			for _, token := range []string{token, after} {
				wantNotSignedIn(t, serve(middleware.RequireSession(k.auth)(unreachable(t)), request("GET", "/", bySessionToken(token))))
			}
		}
	})
}

// Routes that matter ask for a login of late.
func TestRequireRecentLogin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t, memory.New(), nil)
		login := k.login("app", "a@b.example")
		recent := middleware.RequireRecentLogin(10 * time.Minute)
		sessions := middleware.RequireSession(k.auth)
		require, err := middleware.RequireIDToken(t.Context(), middleware.IDTokenConfig{
			Issuer: k.conf.Issuer, Clients: []string{"app"}, Algorithm: auth.ES256, Auth: k.auth,
		})
		if err != nil {
			t.Fatal(err)
		}
		both := func(want int) {
			t.Helper()
			if w := serve(sessions(recent(whoami)), request("GET", "/", bySessionToken(login.session))); w.Code != want {
				t.Errorf("session: got %d %s, want %d", w.Code, w.Body, want)
			}
			if w := serve(require(recent(whoami)), request("GET", "/", byBearer(k.refresh(login.session)))); w.Code != want {
				t.Errorf("id_token: got %d %s, want %d", w.Code, w.Body, want)
			}
		}
		both(200)
		time.Sleep(10*time.Minute - 2*time.Second)
		both(200) // using a session, or refreshing its id_token, is no login
		time.Sleep(2 * time.Second)
		both(401)
		w := serve(sessions(recent(unreachable(t))), request("GET", "/", bySessionToken(login.session), header("X-L", "zh")))
		wantRefusal(t, w, 401, "MAILKEY.SESSION.0001", "未登录")
		wantNotSignedIn(t, serve(recent(unreachable(t)), request("GET", "/")))
		// The same session still opens the other routes.
		wantBody(t, serve(sessions(whoami), request("GET", "/", bySessionToken(login.session))), "a@b.example")
		login = k.login("app", "a@b.example")
		both(200)
	})
}
