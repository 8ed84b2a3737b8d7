package auth_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/storage"
)

// guarded is a handler of the app behind the session, as a middleware makes it.
func guarded(a *auth.Auth, page http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		loaded, err := a.LoadSession(r)
		if err != nil {
			a.WriteError(w, r, err)
			return
		}
		page(w, loaded)
		_ = a.SaveSession(loaded.Context()) // it has been logged
	}
}

// whoami says who is calling.
func whoami(w http.ResponseWriter, r *http.Request) {
	id, ok := auth.FromContext(r.Context())
	if !ok {
		id.UserID = "nobody"
	}
	_, _ = w.Write([]byte(id.UserID))
}

// page is the kit that reaches a page of the app instead of the login.
func (k *kit) page(page http.HandlerFunc) *kit {
	return k.as(func(o *kit) { o.http = k.serve(guarded(k.auth, page)) })
}

// with asks for the page, with headers given as names and values in turn.
func (k *kit) with(headers ...string) answer {
	k.Helper()
	r := bare(k, "GET", "/page")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return k.do(r)
}

// signIn logs in and returns the token, wherever the client gets it.
func (k *kit) signIn(email string) (token string, idToken map[string]any) {
	k.Helper()
	a := k.login(email, k.code(email))
	if a.status != 200 {
		k.Fatalf("login: %d %s", a.status, a.body)
	}
	if token = a.field(k.T, "session_token"); token == "" {
		token = cookieOf(k.T, a).Value
	}
	return token, claims(k.T, a.field(k.T, "id_token"))
}

// countingStore counts what is done with sessions, and fails as it is told.
type countingStore struct {
	storage.Store
	finds, touches, saves atomic.Int32
	failFind, failTouch   atomic.Bool
}

func (s *countingStore) FindSession(ctx context.Context, hash string, now time.Time) (storage.LiveSession, bool, error) {
	s.finds.Add(1)
	if s.failFind.Load() {
		return storage.LiveSession{}, false, errors.New("the disk is gone")
	}
	return s.Store.FindSession(ctx, hash, now)
}

func (s *countingStore) TouchSession(ctx context.Context, hash string, now time.Time) error {
	s.touches.Add(1)
	if s.failTouch.Load() {
		return errors.New("the disk is full")
	}
	return s.Store.TouchSession(ctx, hash, now)
}

func (s *countingStore) SaveSessionData(ctx context.Context, hash string, data []byte, now time.Time) (bool, error) {
	s.saves.Add(1)
	return s.Store.SaveSessionData(ctx, hash, data, now)
}

// counted makes the kit's store a counting one.
func (k *kit) counted() *countingStore {
	store := &countingStore{Store: k.conf.Store}
	k.stop()
	k.conf.Store = store
	k.restart()
	k.run()
	return store
}

const cookieHeader = auth.CookieName + "="

// In each row, APP and WEB stand for the tokens of a header client and of a
// cookie client.
func TestAbuse_F03_F07_F12_F13_whoIsCalling(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		store := k.counted()
		app, appClaims := k.signIn("ann@b.example")
		web, webClaims := k.as(asWeb).signIn("bob@b.example")
		idToken := k.login("eve@b.example", k.code("eve@b.example")).field(t, "id_token")
		words := strings.NewReplacer("APP", app, "WEB", web, "IDTOKEN", idToken)
		page := k.page(whoami)
		for _, row := range []struct {
			name    string
			headers []string
			want    string // whose page it is; else nobody, or refused
			reads   int32
		}{
			{"nothing", nil, "nobody", 0},
			{"session-token", []string{"session-token", "APP"}, "APP", 1},
			{"Bearer", []string{"Authorization", "Bearer APP"}, "APP", 1},
			{"bearer", []string{"authorization", "bearer APP"}, "APP", 1},
			{"a cookie", []string{"Cookie", cookieHeader + "WEB"}, "WEB", 1},
			{"a cookie among others", []string{"Cookie", "a=b; " + cookieHeader + "WEB; session-token=APP"}, "WEB", 1},
			{"one token in two headers", []string{"Session-Token", "APP", "Authorization", "Bearer APP"}, "APP", 1},
			{"two tokens", []string{"Session-Token", "APP", "Authorization", "Bearer " + strings.Repeat("A", 43)}, "refused", 0},
			{"two of one header", []string{"Session-Token", "APP", "Session-Token", strings.Repeat("A", 43)}, "refused", 0},
			{"a token and another in the cookie", []string{"Session-Token", "APP", "Cookie", cookieHeader + "WEB"}, "refused", 0},
			{"a token and nonsense in the cookie", []string{"Session-Token", "APP", "Cookie", cookieHeader + "x"}, "refused", 0},
			{"two cookies", []string{"Cookie", cookieHeader + "WEB; " + cookieHeader + strings.Repeat("A", 43)}, "refused", 0},
			{"one cookie twice", []string{"Cookie", cookieHeader + "WEB; " + cookieHeader + "WEB"}, "refused", 0},
			{"two cookie headers", []string{"Cookie", cookieHeader + "WEB", "Cookie", cookieHeader + "APP"}, "refused", 0},
			{"a header client's token in the cookie", []string{"Cookie", cookieHeader + "APP"}, "nobody", 1},
			{"a cookie client's token in a header", []string{"Session-Token", "WEB"}, "nobody", 1},
			{"a cookie client's token as Bearer", []string{"Authorization", "Bearer WEB"}, "nobody", 1},
			{"a cookie of another name", []string{"Cookie", "mailkey=WEB"}, "nobody", 0},
			{"a cookie's name in another case", []string{"Cookie", "__host-mailkey=WEB"}, "nobody", 0},
			{"a token that never was", []string{"Session-Token", strings.Repeat("A", 43)}, "nobody", 1},
			{"Basic", []string{"Authorization", "Basic APP"}, "nobody", 0},
			{"no scheme", []string{"Authorization", "APP"}, "nobody", 0},
			{"half a token", []string{"Session-Token", app[:42]}, "nobody", 0},
			{"a token and a letter", []string{"Session-Token", "APPA"}, "nobody", 0},
			{"a padded token", []string{"Session-Token", "APP="}, "nobody", 0},
			{"the other base 64", []string{"Session-Token", "+/" + app[2:]}, "nobody", 0},
			{"bits that do not count", []string{"Session-Token", app[:42] + "B"}, "nobody", 0},
			{"a space inside", []string{"Session-Token", app[:20] + " " + app[20:]}, "nobody", 0},
			{"an id_token", []string{"Authorization", "Bearer IDTOKEN"}, "nobody", 0},
			{"an id_token as the other token", []string{"Session-Token", "IDTOKEN"}, "nobody", 0},
			{"a long one", []string{"Session-Token", strings.Repeat("A", 4096)}, "nobody", 0},
		} {
			headers := make([]string, len(row.headers))
			for i := range headers {
				headers[i] = words.Replace(row.headers[i])
			}
			want := map[string]any{"APP": appClaims["sub"], "WEB": webClaims["sub"], "nobody": "nobody"}[row.want]
			before := store.finds.Load()
			a := page.with(headers...)
			if row.want == "refused" {
				if a.code() != string(auth.ReasonNotSignedIn) || a.status != 401 {
					t.Errorf("%s: %d %s, want it refused", row.name, a.status, a.body)
				}
				checkHeaders(t, row.name, a)
			} else if string(a.body) != want {
				t.Errorf("%s: %d %s, want %v", row.name, a.status, a.body, want)
			}
			if got := store.finds.Load() - before; got != row.reads {
				t.Errorf("%s: the store was read %d times, want %d", row.name, got, row.reads)
			}
		}
		for _, place := range []string{"/page?session-token=" + app, "/" + app, "/page?token=" + app} {
			if a := page.get(place); string(a.body) != "nobody" {
				t.Errorf("a token in the URL: %s", a.body)
			}
		}
	})
}

func TestIdentity(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		for _, client := range []string{"app", "web"} {
			k := k.as(func(k *kit) { k.client = client })
			at := time.Now().Truncate(time.Millisecond)
			token, c := k.signIn("Ann@B.example")
			time.Sleep(time.Minute)
			var got auth.Identity
			page := k.page(func(_ http.ResponseWriter, r *http.Request) { got, _ = auth.FromContext(r.Context()) })
			if client == "web" {
				page.with("Cookie", cookieHeader+token)
			} else {
				page.with("Session-Token", token)
			}
			if !got.LoginAt.Equal(at) {
				t.Errorf("%s: LoginAt %v, want %v", client, got.LoginAt, at)
			}
			want := auth.Identity{
				UserID: c["sub"].(string), Email: "ann@b.example", SessionID: c["sid"].(string), ClientID: client,
				LoginAt: got.LoginAt, ByCookie: client == "web",
			}
			if got != want {
				t.Errorf("%s: %+v, want %+v", client, got, want)
			}
		}
	})
}

// However many of the app's handlers load the session, it is read once.
func TestSessionIsReadOnce(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		store := k.counted()
		token, c := k.signIn("ann@b.example")
		page := k.page(guarded(k.auth, guarded(k.auth, whoami)))
		before := store.finds.Load()
		if a := page.with("Session-Token", token); string(a.body) != c["sub"] || store.finds.Load() != before+1 {
			t.Errorf("%s, after %d reads", a.body, store.finds.Load()-before)
		}
		if store.saves.Load() != 0 {
			t.Errorf("nothing was changed, and it was stored %d times", store.saves.Load())
		}
	})
}

// A store that does not answer lets nobody in, and says so; that the use of a
// session cannot be noted down keeps nobody out.
func TestSessionsOfAFailingStore(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		store := k.counted()
		token, c := k.signIn("ann@b.example")
		page := k.page(whoami)
		store.failFind.Store(true)
		if a := page.with("Session-Token", token); a.code() != string(auth.ReasonBusy) || a.status != 500 || a.header.Get("Retry-After") == "" {
			t.Errorf("%d %s", a.status, a.body)
		}
		store.failFind.Store(false)
		time.Sleep(time.Minute)
		store.failTouch.Store(true)
		if a := page.with("Session-Token", token); string(a.body) != c["sub"] {
			t.Errorf("%d %s", a.status, a.body)
		}
		for _, cause := range []string{"the disk is gone", "the disk is full"} {
			if !strings.Contains(k.log.String(), cause) {
				t.Errorf("the log lacks %q: %s", cause, k.log)
			}
		}
		if strings.Contains(k.log.String(), token) {
			t.Error("the token is in the log")
		}
	})
}
