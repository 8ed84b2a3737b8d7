package integration

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/redis/go-redis/v9"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/services"
	"example.com/mailkey/middleware"
)

const (
	redisPrefix = "mailkey:"
	logoutPath  = "/api/v2/sdk/logout"
	refreshPath = "/api/v2/sdk/sso/session-token/id-token"
)

// redisLogin is a login that keeps its sessions in a Redis of its own, and a
// page of the app behind each of two instances of it.
type redisLogin struct {
	*oidcIssuer
	server      *services.Redis
	redis       *redis.Client
	page, page2 http.Handler
}

// newRedisLogin returns one whose Redis client waits for an answer for so long.
func newRedisLogin(t *testing.T, timeout time.Duration) *redisLogin {
	t.Helper()
	r := &redisLogin{server: services.StartRedis(t)}
	client, sessions := redisSessions(r.server.Addr, timeout)
	r.redis = client
	t.Cleanup(func() { _ = client.Close() })
	r.oidcIssuer = newOIDCIssuer(t, auth.ES256, "", func(c *auth.Config) { c.SessionStore = sessions })
	second, err := auth.New(r.config)
	if err != nil {
		t.Fatal(err)
	}
	r.page, r.page2 = visits(r.auth), visits(second)
	return r
}

// redisSessions is what docs/operating.md advises.
func redisSessions(addr string, timeout time.Duration) (*redis.Client, *goredisstore.RedisStore) {
	client := redis.NewClient(&redis.Options{
		Addr:                  addr,
		ReadTimeout:           timeout, // a second: requests wait for it
		MaxRetries:            -1,      // or they wait several times
		ContextTimeoutEnabled: true,    // and no longer than they may
	})
	return client, goredisstore.NewWithPrefix(client, "mailkey:")
}

// visits is a page that counts how often its visitor came.
func visits(a *auth.Auth) http.Handler {
	return middleware.RequireSession(a)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		n, _ := a.SessionManager().Get(r.Context(), "visits").(float64)
		a.SessionManager().Put(r.Context(), "visits", n+1)
		fmt.Fprintf(w, "%s %v", id.Email, n+1)
	}))
}

func visit(page http.Handler, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Session-Token", token)
	w := httptest.NewRecorder()
	page.ServeHTTP(w, r)
	return w
}

func wantVisit(t *testing.T, page http.Handler, token, want string) {
	t.Helper()
	if w := visit(page, token); w.Code != http.StatusOK || w.Body.String() != want {
		t.Errorf("got %d %s, want %s", w.Code, w.Body, want)
	}
}

func wantNobody(t *testing.T, page http.Handler, token string) {
	t.Helper()
	if w := visit(page, token); w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), "MAILKEY.SESSION.0001") {
		t.Errorf("got %d %s, want 401 MAILKEY.SESSION.0001", w.Code, w.Body)
	}
}

// wantBusy checks that a page is not shown, and the caller asked to come again.
func wantBusy(t *testing.T, page http.Handler, token string) {
	t.Helper()
	if w := visit(page, token); w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "IDAAS.SDK.COM.0002") || w.Header().Get("Retry-After") == "" {
		t.Errorf("got %d %s, want 500 IDAAS.SDK.COM.0002", w.Code, w.Body)
	}
}

// wantCode checks what an endpoint answers: an error_code, or "" for 200.
func (r *redisLogin) wantCode(t *testing.T, path, token, body, want string) {
	t.Helper()
	status, reply := r.do(t, "POST", path, "app", token, body)
	if code, _ := reply["error_code"].(string); code != want || (status == 200) != (want == "") {
		t.Errorf("%s: got %d %v, want %q", path, status, reply, want)
	}
}

// stored are the keys and values in Redis.
func (r *redisLogin) stored(t *testing.T) map[string]string {
	t.Helper()
	keys, err := r.redis.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	for _, key := range keys {
		if all[key], err = r.redis.Get(t.Context(), key).Result(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func redisKey(token string) string {
	sum := sha256.Sum256([]byte(token))
	return redisPrefix + base64.RawURLEncoding.EncodeToString(sum[:])
}

// A session in Redis is one for all instances, and what lies there opens
// nothing and says little.
func TestRedisSessions(t *testing.T) {
	t.Parallel()
	r := newRedisLogin(t, time.Second)
	token, _ := r.login(t, "app", "ann@b.example")
	wantVisit(t, r.page, token, "ann@b.example 1")
	wantVisit(t, r.page2, token, "ann@b.example 2")
	r.wantCode(t, refreshPath, token, "", "")
	wantVisit(t, r.page, token, "ann@b.example 3")

	key := redisKey(token)
	for k, v := range r.stored(t) {
		if k != key || strings.Contains(v, token) || strings.Contains(v, "b.example") {
			t.Errorf("in Redis: %s: %s", k, v)
		}
	}
	if ttl, err := r.redis.TTL(t.Context(), key).Result(); err != nil || ttl > 5*24*time.Hour || ttl < 5*24*time.Hour-time.Minute {
		t.Errorf("it stays for %v, %v", ttl, err)
	}
	wantNobody(t, r.page, strings.TrimPrefix(key, redisPrefix))

	// What other applications keep there is not a session of ours.
	other := strings.Repeat("A", 43)
	for _, value := range []string{"", "x", "null", "{}", `{"id":"x"}`, `[]`, "\x00\x01"} {
		if err := r.redis.Set(t.Context(), redisKey(other), value, time.Minute).Err(); err != nil {
			t.Fatal(err)
		}
		wantNobody(t, r.page, other)
	}
}

// Whatever is in Redis, our own store says who is still signed in.
func TestRedisSessionsEnd(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		end  func(t *testing.T, r *redisLogin, userID, token string) error
	}{
		{"logout", func(t *testing.T, r *redisLogin, _, token string) error {
			r.wantCode(t, logoutPath, token, "", "")
			if left := r.stored(t); len(left) > 0 {
				t.Errorf("left in Redis: %v", left)
			}
			return nil
		}},
		{"disabled", func(t *testing.T, r *redisLogin, id, _ string) error { return r.auth.DisableUser(t.Context(), id) }},
		{"disabled and enabled again", func(t *testing.T, r *redisLogin, id, _ string) error {
			if err := r.auth.DisableUser(t.Context(), id); err != nil {
				return err
			}
			return r.auth.EnableUser(t.Context(), id)
		}},
		{"deleted", func(t *testing.T, r *redisLogin, id, _ string) error { return r.auth.DeleteUser(t.Context(), id) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newRedisLogin(t, time.Second)
			token, _ := r.login(t, "app", "ann@b.example")
			wantVisit(t, r.page2, token, "ann@b.example 1")
			u, err := r.auth.UserByEmail(t.Context(), "ann@b.example")
			if err != nil {
				t.Fatal(err)
			}
			before := r.stored(t)
			if err := row.end(t, r, u.ID, token); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				wantNobody(t, r.page, token)
				wantNobody(t, r.page2, token)
				r.wantCode(t, refreshPath, token, "", "IDAAS.SDK.PARAM.0023")
				r.wantCode(t, logoutPath, token, "", "IDAAS.SDK.PARAM.0023")
				// Then a slow request writes it back, or a replica that lagged takes over.
				for key, value := range before {
					if err := r.redis.Set(t.Context(), key, value, time.Hour).Err(); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

// While Redis is down, or does not answer, nobody is let in and nobody is
// logged out, a right code is not spent, and no request waits for long.
func TestFault_R25_RedisDown(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name     string
		down, up func(t *testing.T, r *redisLogin)
	}{
		{
			"it hangs",
			func(t *testing.T, r *redisLogin) { r.server.Signal(t, syscall.SIGSTOP) },
			func(t *testing.T, r *redisLogin) { r.server.Signal(t, syscall.SIGCONT) },
		},
		{
			"it is full",
			func(t *testing.T, r *redisLogin) { r.set(t, "maxmemory", "1") },
			func(t *testing.T, r *redisLogin) { r.set(t, "maxmemory", "0") },
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newRedisLogin(t, time.Second)
			token, _ := r.login(t, "app", "ann@b.example")
			wantVisit(t, r.page, token, "ann@b.example 1")
			right := fmt.Sprintf(`{"email":"ben@b.example","verify_code":%q}`, r.code(t, "app", "ben@b.example"))

			row.down(t, r)
			before := time.Now()
			if row.name == "it hangs" {
				wantBusy(t, r.page, token)
				r.wantCode(t, refreshPath, token, "", "IDAAS.SDK.COM.0002")
				r.wantCode(t, logoutPath, token, "", "IDAAS.SDK.COM.0002")
			} else {
				wantVisit(t, r.page, token, "ann@b.example 2") // which is not stored
			}
			r.wantCode(t, loginPath, "", right, "IDAAS.SDK.COM.0002")
			r.wantCode(t, loginPath, "", `{"email":"ben@b.example","verify_code":"000000"}`, "IDAAS.SDK.CAPTCHA.0007") // has nothing to do with it
			if took := time.Since(before); took > 30*time.Second {
				t.Errorf("four requests took %v", took)
			}

			row.up(t, r)
			wantVisit(t, r.page, token, "ann@b.example 2")
			r.wantCode(t, loginPath, "", right, "")
			r.wantCode(t, loginPath, "", right, "IDAAS.SDK.CAPTCHA.0007") // spent now
			r.wantCode(t, logoutPath, token, "", "")
			wantNobody(t, r.page, token)
		})
	}
}

// set changes a setting of the server.
func (r *redisLogin) set(t *testing.T, name, value string) {
	t.Helper()
	if err := r.redis.ConfigSet(t.Context(), name, value).Err(); err != nil {
		t.Fatal(err)
	}
}

// Redis dies, and comes back empty: nobody is signed in any more, nobody who
// was logged out is, and all can log in.
func TestFault_R25_R26_RedisRestartsEmpty(t *testing.T) {
	t.Parallel()
	r := newRedisLogin(t, time.Second)
	ann, _ := r.login(t, "app", "ann@b.example")
	out, _ := r.login(t, "app", "out@b.example")
	wantVisit(t, r.page, ann, "ann@b.example 1")
	r.wantCode(t, logoutPath, out, "", "")
	code := r.code(t, "app", "ben@b.example")
	for range 2 {
		r.wantCode(t, loginPath, "", `{"email":"ben@b.example","verify_code":"000000"}`, "IDAAS.SDK.CAPTCHA.0007")
	}

	r.server.Kill()
	wantBusy(t, r.page, ann)
	wantBusy(t, r.page, out)
	right := fmt.Sprintf(`{"email":"ben@b.example","verify_code":%q}`, code)
	r.wantCode(t, loginPath, "", right, "IDAAS.SDK.COM.0002")
	wantNobody(t, r.page, "") // without a token there is nothing to ask

	r.server.Start(t)
	wantNobody(t, r.page, ann)
	wantNobody(t, r.page, out)
	r.wantCode(t, refreshPath, ann, "", "IDAAS.SDK.PARAM.0023")
	// Guesses are counted elsewhere: two are gone, and the right one is the third.
	r.wantCode(t, loginPath, "", `{"email":"ben@b.example","verify_code":"000000"}`, "IDAAS.SDK.CAPTCHA.0007")
	r.wantCode(t, loginPath, "", right, "")
	for _, email := range []string{"cem@b.example", "dan@b.example"} {
		token, _ := r.login(t, "app", email)
		wantVisit(t, r.page, token, email+" 1")
	}
}

// However long the Redis client would wait, a request waits for as long as its
// own client, and for a few seconds at most.
func TestFault_R25_RedisHangs(t *testing.T) {
	t.Parallel()
	for name, patience := range map[string]time.Duration{"the client leaves": 50 * time.Millisecond, "the client waits": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRedisLogin(t, time.Hour)
			token, _ := r.login(t, "app", "ann@b.example")
			r.server.Signal(t, syscall.SIGSTOP)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			page := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { r.page.ServeHTTP(w, req.WithContext(ctx)) })
			before := time.Now()
			wantBusy(t, page, token)
			if took := time.Since(before); took > time.Minute {
				t.Errorf("it took %v", took)
			}
			r.server.Signal(t, syscall.SIGCONT)
			wantVisit(t, r.page, token, "ann@b.example 1")
		})
	}
}
