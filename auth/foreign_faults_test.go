package auth_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2/memstore"

	"example.com/mailkey/auth"
)

// faultyStore is a store of scs that fails as it is told.
type faultyStore struct {
	*memstore.MemStore
	find, commit, remove atomic.Bool
}

var errStoreDown = errors.New("the other store is down")

func (s *faultyStore) Find(token string) ([]byte, bool, error) {
	if s.find.Load() {
		return nil, false, errStoreDown
	}
	return s.MemStore.Find(token)
}

func (s *faultyStore) Commit(token string, data []byte, expiry time.Time) error {
	if s.commit.Load() {
		return errStoreDown
	}
	return s.MemStore.Commit(token, data, expiry)
}

func (s *faultyStore) Delete(token string) error {
	if s.remove.Load() {
		return errStoreDown
	}
	return s.MemStore.Delete(token)
}

// inFaultyStore keeps the sessions of f's kit in such a store.
func inFaultyStore(t *testing.T, f func(k *kit, store *faultyStore)) {
	t.Helper()
	t.Parallel()
	store := &faultyStore{MemStore: memstore.NewWithCleanupInterval(0)}
	play(t, func(c *auth.Config) { c.SessionStore = store }, func(k *kit) { f(k, store) })
}

// A session that cannot be stored is no login, and costs nothing: the code still
// works.
func TestForeignStoreFailsAtLogin(t *testing.T) {
	inFaultyStore(t, func(k *kit, store *faultyStore) {
		code := k.code("ann@b.example")
		store.commit.Store(true)
		for range 6 { // more often than one may guess wrong
			if a := k.login("ann@b.example", code); a.code() != string(auth.ReasonBusy) || a.header.Get("Retry-After") == "" {
				t.Errorf("%d %s", a.status, a.body)
			}
		}
		if _, err := k.auth.UserByEmail(k.Context(), "ann@b.example"); !errors.Is(err, auth.ErrUnknownUser) {
			t.Errorf("there is a user: %v", err)
		}
		if a := k.login("ann@b.example", wrong(code)); a.code() != string(auth.ReasonCode) {
			t.Errorf("a wrong code: %s", a.body)
		}
		store.commit.Store(false)
		token := k.login("ann@b.example", code).field(t, "session_token")
		if a := k.page(whoami).with("Session-Token", token); string(a.body) == "nobody" {
			t.Errorf("afterwards: %s", a.body)
		}
		if !strings.Contains(k.log.String(), errStoreDown.Error()) {
			t.Error("the log says nothing of it")
		}
	})
}

// Who cannot be looked up is neither let in nor told to be signed out. A logout
// holds even if the other store does not take it.
func TestForeignStoreFailsLater(t *testing.T) {
	inFaultyStore(t, func(k *kit, store *faultyStore) {
		token, c := k.signIn("ann@b.example")
		page := k.page(whoami)
		store.find.Store(true)
		if a := page.with("Session-Token", token); a.code() != string(auth.ReasonBusy) || a.status != 500 {
			t.Errorf("%d %s", a.status, a.body)
		}
		store.find.Store(false)
		if a := page.with("Session-Token", token); string(a.body) != c["sub"] {
			t.Errorf("afterwards: %s", a.body)
		}
		store.remove.Store(true)
		out := k.request("POST", logoutPath, "")
		out.Header.Set("Session-Token", token)
		if a := k.do(out); a.code() != string(auth.ReasonBusy) {
			t.Errorf("logout: %d %s", a.status, a.body)
		}
		if a := page.with("Session-Token", token); string(a.body) != "nobody" {
			t.Errorf("after a logout that failed half way: %s", a.body)
		}
	})
}

// A right guess that lets nobody in after all leaves no session behind.
func TestForeignLoginIsRefused(t *testing.T) {
	t.Parallel()
	store := &faultyStore{MemStore: memstore.NewWithCleanupInterval(0)}
	var disable func(ctx context.Context, id string) error // when the login is under way
	play(t, func(c *auth.Config) {
		c.SessionStore = store
		c.OnLogin = func(ctx context.Context, id auth.Identity) error {
			if disable == nil {
				return nil
			}
			return disable(ctx, id.UserID)
		}
	}, func(k *kit) {
		k.signIn("ann@b.example")
		disable = k.auth.DisableUser
		time.Sleep(time.Minute)
		if a := k.login("ann@b.example", k.code("ann@b.example")); a.code() != string(auth.ReasonUserDisabled) {
			t.Errorf("%d %s", a.status, a.body)
		}
		if left, err := store.All(); err != nil || len(left) != 1 {
			t.Errorf("%d sessions, %v; want that of before", len(left), err)
		}
	})
}

// The app's values are its own: it sees nothing of the session among them, and
// cannot lose it with them.
func TestForeignSessionValues(t *testing.T) {
	inFaultyStore(t, func(k *kit, store *faultyStore) {
		token, c := k.signIn("ann@b.example")
		for _, step := range []struct{ query, want string }{
			{"", `{}`},
			{`mailkey="x"`, `{"mailkey":"x"}`},
			{"n=1", `{"mailkey":"x","n":1}`},
			{"clear=1", `{}`},
			{"n=2", `{"n":2}`},
		} {
			if got := k.values().show(token, step.query); got != step.want {
				t.Errorf("%q: got %s, want %s", step.query, got, step.want)
			}
		}
		if a := k.page(whoami).with("Session-Token", token); string(a.body) != c["sub"] {
			t.Errorf("afterwards: %s", a.body)
		}
		all, err := store.All()
		if err != nil {
			t.Fatal(err)
		}
		for key, data := range all {
			if key == token || strings.Contains(string(data), token) || strings.Contains(string(data), "b.example") || strings.Contains(string(data), "Mozilla") {
				t.Errorf("%s: %s", key, data)
			}
		}
	})
}

// A user who is enabled again has no session of before, but can log in.
func TestForeignSessionsOfAnEnabledUser(t *testing.T) {
	inFaultyStore(t, func(k *kit, _ *faultyStore) {
		for range 2 {
			token, c := k.signIn("ann@b.example")
			page := k.page(whoami)
			if a := page.with("Session-Token", token); string(a.body) != c["sub"] {
				t.Fatalf("signed in: %s", a.body)
			}
			if err := k.auth.DisableUser(k.Context(), c["sub"].(string)); err != nil {
				t.Fatal(err)
			}
			if err := k.auth.EnableUser(k.Context(), c["sub"].(string)); err != nil {
				t.Fatal(err)
			}
			if a := page.with("Session-Token", token); string(a.body) != "nobody" {
				t.Errorf("enabled again: %s", a.body)
			}
			time.Sleep(10 * time.Minute)
		}
	})
}

// What was ended stays so for as long as it would have lived, whoever writes it
// back: a request that was about to, or a replica that lags.
func TestForeignSessionsStayEnded(t *testing.T) {
	inFaultyStore(t, func(k *kit, store *faultyStore) {
		token, c := k.signIn("ann@b.example")
		page := k.page(whoami)
		hash := auth.HashToken(token)
		data, _, _ := store.Find(hash)
		time.Sleep(time.Hour)
		if a := page.with("Session-Token", token); string(a.body) != c["sub"] {
			t.Fatalf("signed in: %s", a.body)
		}
		out := k.request("POST", logoutPath, "")
		out.Header.Set("Session-Token", token)
		if a := k.do(out); a.status != 200 {
			t.Fatalf("logout: %d %s", a.status, a.body)
		}
		for range 5 * 24 {
			if err := store.Commit(hash, data, time.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			if a := page.with("Session-Token", token); string(a.body) != "nobody" {
				t.Fatalf("alive again: %s", a.body)
			}
			k.pass(time.Hour)
		}
	})
}
