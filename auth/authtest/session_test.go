package authtest_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
	"example.com/mailkey/middleware"
	"example.com/mailkey/storage"
	"example.com/mailkey/storage/sqlite"
)

// serve makes a request to a handler and returns who the handler behind the
// middleware saw, if it was reached.
func serve(guard func(http.Handler) http.Handler, r *http.Request) (w *httptest.ResponseRecorder, seen auth.Identity) {
	w = httptest.NewRecorder()
	guard(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen, _ = auth.FromContext(r.Context())
	})).ServeHTTP(w, r)
	return w, seen
}

func get() *http.Request { return httptest.NewRequest("GET", "/", nil) }

func TestAs_identity(t *testing.T) {
	t.Parallel()
	kit := authtest.New(t)
	earlier := time.Now().Add(-time.Hour).Truncate(time.Millisecond).UTC()
	for _, row := range []struct {
		name string
		id   auth.Identity
		want func(id *auth.Identity) // what is not as in id
	}{
		{"everything", auth.Identity{
			UserID: "u_42", Email: "ann@b.example", SessionID: "s_1", ClientID: "app", LoginAt: earlier,
		}, func(*auth.Identity) {}},
		{"a cookie", auth.Identity{
			UserID: "u_43", Email: "ben@b.example", SessionID: "s_2", ClientID: "web", LoginAt: earlier,
		}, func(id *auth.Identity) { id.ByCookie = true }},
		{"the first client", auth.Identity{
			UserID: "u_44", Email: "cid@b.example", SessionID: "s_3", LoginAt: earlier,
		}, func(id *auth.Identity) { id.ClientID, id.ByCookie = "web", true }},
		{"a user who is there already", auth.Identity{
			Email: "ann@b.example", SessionID: "s_4", ClientID: "app", LoginAt: earlier,
		}, func(id *auth.Identity) { id.UserID = "u_42" }},
	} {
		want := row.id
		row.want(&want)
		for name, guard := range map[string]func(http.Handler) http.Handler{
			"RequireSession": middleware.RequireSession(kit.Auth), "LoadSession": middleware.LoadSession(kit.Auth),
		} {
			id := row.id
			id.SessionID += name // of one session there can be one
			want.SessionID = id.SessionID
			r := get()
			if _, got := serve(guard, kit.As(t, r, id)); !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %s: got %+v, want %+v", row.name, name, got, want)
			}
			if len(r.Header) > 0 {
				t.Errorf("%s: the request that was given has got %v", row.name, r.Header)
			}
		}
	}
}

func TestAs_whatIsLeftOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kit := authtest.New(t)
		guard := middleware.RequireSession(kit.Auth)
		_, first := serve(guard, kit.As(t, get(), auth.Identity{Email: "ann@b.example"}))
		_, again := serve(guard, kit.As(t, get(), auth.Identity{Email: "ann@b.example"}))
		_, other := serve(guard, kit.As(t, get(), auth.Identity{Email: "ben@b.example"}))
		if first.UserID == "" || first.UserID != again.UserID || first.UserID == other.UserID {
			t.Errorf("the users are %q, %q and %q", first.UserID, again.UserID, other.UserID)
		}
		if first.SessionID == "" || first.SessionID == again.SessionID {
			t.Errorf("the sessions are %q and %q", first.SessionID, again.SessionID)
		}
		if !first.LoginAt.Equal(time.Now()) {
			t.Errorf("logged in at %v, want %v", first.LoginAt, time.Now())
		}
		user, err := kit.Auth.UserByEmail(t.Context(), "ann@b.example")
		if err != nil || user.ID != first.UserID {
			t.Errorf("the user of the address is %+v, error %v", user, err)
		}
	})
}

// A session of As is one as any other: it has values, is listed, and ends.
func TestAs_isASession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kit := authtest.New(t, func(c *auth.Config) { c.IdleTimeout = time.Hour })
		guard := middleware.RequireSession(kit.Auth)
		id := auth.Identity{UserID: "u_42", Email: "ann@b.example", ClientID: "app"}
		wantStatus := func(r *http.Request, want int) {
			t.Helper()
			if w, _ := serve(guard, r); w.Code != want {
				t.Errorf("%d %s, want %d", w.Code, w.Body, want)
			}
		}

		r := kit.As(t, get(), id)
		cart := guard(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			kit.Auth.SessionManager().Put(r.Context(), "cart", "pear")
		}))
		cart.ServeHTTP(httptest.NewRecorder(), r)
		_, _ = serve(func(h http.Handler) http.Handler {
			return guard(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if got := kit.Auth.SessionManager().GetString(r.Context(), "cart"); got != "pear" {
					t.Errorf("the cart holds %q", got)
				}
			}))
		}, r)

		other := kit.As(t, get(), id)
		sessions, err := kit.Auth.Sessions(t.Context(), "u_42")
		if err != nil || len(sessions) != 2 {
			t.Fatalf("%d sessions, error %v", len(sessions), err)
		}
		if err := kit.Auth.RevokeSession(t.Context(), "u_42", sessions[0].ID); err != nil {
			t.Fatal(err)
		}
		codes := make(map[int]int)
		for _, r := range []*http.Request{r, other} {
			w, _ := serve(guard, r)
			codes[w.Code]++
		}
		if codes[200] != 1 || codes[401] != 1 {
			t.Errorf("of two sessions one was revoked: %v", codes)
		}

		r = kit.As(t, get(), id)
		time.Sleep(time.Hour - time.Millisecond)
		wantStatus(r, 200)
		time.Sleep(time.Hour)
		wantStatus(r, 401) // idle
		r = kit.As(t, get(), id)
		if err := kit.Auth.DisableUser(t.Context(), "u_42"); err != nil {
			t.Fatal(err)
		}
		wantStatus(r, 401)

		// Of another login nothing counts.
		elsewhere := authtest.New(t)
		wantStatus(elsewhere.As(t, get(), id), 401)
	})
}

func TestAs_recentLogin(t *testing.T) {
	t.Parallel()
	kit := authtest.New(t)
	guard := func(h http.Handler) http.Handler {
		return middleware.RequireSession(kit.Auth)(middleware.RequireRecentLogin(10 * time.Minute)(h))
	}
	for ago, want := range map[time.Duration]int{0: 200, 9 * time.Minute: 200, 11 * time.Minute: 401, 100 * time.Hour: 401} {
		r := kit.As(t, get(), auth.Identity{Email: "ann@b.example", LoginAt: time.Now().Add(-ago)})
		if w, _ := serve(guard, r); w.Code != want {
			t.Errorf("logged in %v ago: %d, want %d", ago, w.Code, want)
		}
	}
}

// lateStore takes so long to redeem that the outbox is looked into before.
type lateStore struct{ storage.Store }

func (s lateStore) Redeem(ctx context.Context, g storage.Guess, l storage.AddressLimits, now time.Time) (storage.Redeemed, error) {
	time.Sleep(2 * time.Second)
	return s.Store.Redeem(ctx, g, l, now)
}

// As leaves no trace at the address: no mail, and nothing that counts.
func TestAs_countsNowhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		kit := authtest.New(t, func(c *auth.Config) {
			c.Limits, c.Store, c.Logger = auth.Limits{}, lateStore{c.Store}, slog.New(slog.NewTextHandler(&log, nil))
		})
		for range 20 {
			kit.As(t, get(), auth.Identity{Email: "ann@b.example"})
		}
		if mails := kit.Mailbox.Mails(); len(mails) > 0 {
			t.Errorf("%d mails were sent", len(mails))
		}
		kit.Login(t, "ann@b.example")
		kit.Stop()
		if n := strings.Count(log.String(), "\n"); n != 1 {
			t.Errorf("the log has %d lines, want that of the login alone:\n%s", n, log.String())
		}
	})
}

func TestAs_onSQLite(t *testing.T) {
	t.Parallel()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	t.Run("kit", func(t *testing.T) {
		kit := authtest.New(t, func(c *auth.Config) { c.Store = store })
		for range 3 {
			if w, got := serve(middleware.RequireSession(kit.Auth), kit.As(t, get(), auth.Identity{UserID: "u_42", Email: "ann@b.example"})); got.UserID != "u_42" {
				t.Errorf("%d, %+v", w.Code, got)
			}
		}
	})
}

// A request to a real server can be signed in, too, without https.
func TestAs_overTheNetwork(t *testing.T) {
	t.Parallel()
	kit := authtest.New(t)
	server := httptest.NewServer(middleware.RequireSession(kit.Auth)(hello))
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), "POST", server.URL, strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	res, err := server.Client().Do(kit.As(t, r, auth.Identity{Email: "ann@b.example"}))
	if err != nil {
		t.Fatal(err)
	}
	if res.Body.Close(); res.StatusCode != 200 {
		t.Errorf("%s", res.Status)
	}
}

func TestIDToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kit := authtest.New(t, func(c *auth.Config) {
			c.Issuer = "https://app.example/auth"
			c.ExtraClaims = func(_ context.Context, id auth.Identity) (map[string]any, error) {
				return map[string]any{"plan": "of " + id.UserID}, nil
			}
		})
		id := auth.Identity{UserID: "u_42", Email: "ann@b.example", SessionID: "s_1", ClientID: "web", LoginAt: time.Now().UTC()}
		token := kit.IDToken(t, id)

		config := middleware.IDTokenConfig{Issuer: kit.Config.Issuer, Clients: []string{"web"}, Algorithm: auth.ES256}
		local, remote := config, config
		local.Auth = kit.Auth
		remote.HTTPClient = kit.Client()
		guards := make(map[string]func(http.Handler) http.Handler)
		for name, config := range map[string]middleware.IDTokenConfig{"the kit's keys": local, "keys that are fetched": remote} {
			guard, err := middleware.RequireIDToken(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			guards[name] = guard
		}
		verify := func(want auth.Identity) {
			t.Helper()
			for name, guard := range guards {
				r := get()
				r.Header.Set("Authorization", "Bearer "+token)
				if w, got := serve(guard, r); !reflect.DeepEqual(got, want) {
					t.Errorf("%s: %d %s, %+v, want %+v", name, w.Code, w.Body, got, want)
				}
			}
		}
		verify(id)
		if claims := fmt.Sprint(payload(t, token)); !strings.Contains(claims, "plan:of u_42") {
			t.Errorf("claims %s", claims)
		}
		time.Sleep(6 * time.Minute)
		verify(auth.Identity{}) // it has expired
	})
}
