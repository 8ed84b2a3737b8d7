package auth_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2/memstore"

	"example.com/mailkey/auth"
)

// inForeignStore keeps the sessions in a store of scs, which only knows tokens.
func inForeignStore(c *auth.Config) { c.SessionStore = memstore.NewWithCleanupInterval(0) }

// whoami is a page of the app: it says who is calling and counts the visits.
func (k *kit) whoami() *http.Client {
	return k.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		loaded, err := k.auth.LoadSession(r)
		if err != nil {
			k.auth.WriteError(w, r, err)
			return
		}
		r = loaded
		id, ok := auth.FromContext(r.Context())
		if !ok {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		values := k.auth.SessionManager()
		values.Put(r.Context(), "visits", values.GetString(r.Context(), "visits")+"|")
		if hold := r.Header.Get("Hold"); hold != "" {
			d, _ := time.ParseDuration(hold)
			time.Sleep(d)
		}
		_ = k.auth.SaveSession(r.Context())
		_, _ = io.WriteString(w, id.Email+values.GetString(r.Context(), "visits"))
	}))
}

func (k *kit) visit(page *http.Client, token, hold string) answer {
	k.Helper()
	r := k.request("GET", "/page", "")
	r.Header.Set("Session-Token", token)
	r.Header.Set("Hold", hold)
	return k.as(func(k *kit) { k.http = page }).do(r)
}

func TestForeignSessionStore(t *testing.T) {
	t.Parallel()
	play(t, inForeignStore, func(k *kit) {
		page := k.whoami()
		token := k.login("ann@b.example", k.code("ann@b.example")).field(t, "session_token")
		k.visit(page, token, "")
		if a := k.visit(page, token, ""); string(a.body) != "ann@b.example||" {
			t.Errorf("%d %s", a.status, a.body)
		}
		if k.alive(token) {
			t.Error("the session is in our own store, too")
		}
		if a := k.visit(page, strings.Repeat("A", 43), ""); a.status != http.StatusUnauthorized {
			t.Errorf("an unknown token: %d", a.status)
		}
		for path, methods := range map[string][]string{sessionsPath: {"GET", "DELETE"}, sessionsPath + "/x": {"DELETE"}} {
			for _, method := range methods {
				if a := k.do(k.withToken(method, path, token)); a.code() != string(auth.ReasonNotFound) {
					t.Errorf("%s %s: %s", method, path, a.body)
				}
			}
		}

		// A slow request is on its way while its session ends.
		slow := make(chan answer)
		go func() { slow <- k.visit(page, token, "10s") }()
		time.Sleep(time.Second)
		r := k.request("POST", logoutPath, "")
		r.Header.Set("Session-Token", token)
		if a := k.do(r); a.status != 200 {
			t.Errorf("logout: %s", a.body)
		}
		<-slow
		if a := k.visit(page, token, ""); a.status != http.StatusUnauthorized {
			t.Errorf("the session came back to life: %d %s", a.status, a.body)
		}
	})
}

func TestForeignSessionsEnd(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		end  func(k *kit, id string) error
	}{
		{"when the user is disabled", func(k *kit, id string) error { return k.auth.DisableUser(k.Context(), id) }},
		{"when the user is deleted", func(k *kit, id string) error { return k.auth.DeleteUser(k.Context(), id) }},
		{"when their time is over", func(*kit, string) error { time.Sleep(time.Hour); return nil }},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			play(t, func(c *auth.Config) { inForeignStore(c); c.SessionLifetime = time.Hour }, func(k *kit) {
				page := k.whoami()
				token := k.login("ann@b.example", k.code("ann@b.example")).field(t, "session_token")
				user, err := k.auth.UserByEmail(k.Context(), "ann@b.example")
				if err != nil {
					t.Fatal(err)
				}
				if a := k.visit(page, token, ""); a.status != http.StatusOK {
					t.Fatalf("before: %d", a.status)
				}
				if err := row.end(k, user.ID); err != nil {
					t.Fatal(err)
				}
				if a := k.visit(page, token, ""); a.status != http.StatusUnauthorized {
					t.Errorf("afterwards: %d %s", a.status, a.body)
				}
			})
		})
	}
}

// What such a store cannot do is said before anybody needs it.
func TestForeignSessionStoreSaysWhatItCannot(t *testing.T) {
	t.Parallel()
	play(t, inForeignStore, func(k *kit) {
		if _, err := k.auth.Sessions(k.Context(), "u"); !errors.Is(err, auth.ErrNoSessionIndex) {
			t.Errorf("Sessions: %v", err)
		}
		for name, err := range map[string]error{
			"RevokeSession":     k.auth.RevokeSession(k.Context(), "u", "s"),
			"RevokeSessions":    k.auth.RevokeSessions(k.Context(), "u"),
			"RevokeAllSessions": k.auth.RevokeAllSessions(k.Context()),
		} {
			if !errors.Is(err, auth.ErrNoSessionIndex) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, change := range []func(*auth.Config){
			func(c *auth.Config) { c.IdleTimeout = time.Hour },
			func(c *auth.Config) { c.RotateSessionToken = true },
		} {
			conf := k.conf
			change(&conf)
			if _, err := auth.New(conf); err == nil || !strings.Contains(err.Error(), "SessionStore") {
				t.Errorf("New: %v", err)
			}
		}
	})
}
