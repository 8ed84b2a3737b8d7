package faults_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/services"
	"example.com/mailkey/middleware"
)

// A service that takes id_tokens goes on while the issuer is slow, gone or
// something else, and nobody waits for it there. One that starts while the
// issuer is gone refuses everybody, at once, until it has come back. How long
// the keys are good is tested in package middleware, where time is fake.
func TestFault_R41_issuerIsDown(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, fresh func(testing.TB) database) {
		s := newSite(t, fresh(t))
		s.start()
		s.steady()
		somebody := s.newPerson()
		somebody.mustGet()
		token := somebody.guess(somebody.lastCode(), true).field("id_token")
		proxy := services.StartProxy(t, strings.TrimPrefix(s.at.URL, "http://"), func([]byte) services.Cut { return services.Pass })
		transport := &http.Transport{DisableKeepAlives: true}
		service := func() http.Handler {
			require, err := middleware.RequireIDToken(t.Context(), middleware.IDTokenConfig{
				Issuer: "https://faults.example", JWKSURL: "http://" + proxy.Addr + "/api/v1/oauth2/keys", Clients: []string{"app"},
				Algorithm: auth.ES256, HTTPClient: &http.Client{Transport: transport},
			})
			if err != nil {
				t.Fatal(err)
			}
			return require(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		}
		before := service()
		want := func(h http.Handler, when string, status int) {
			t.Helper()
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Authorization", "Bearer "+token)
			w, began := httptest.NewRecorder(), time.Now()
			h.ServeHTTP(w, r)
			if took := time.Since(began); w.Code != status || took > time.Second {
				t.Errorf("%s: %d after %v, want %d", when, w.Code, took, status)
			}
		}
		want(before, "the issuer is well", http.StatusOK)
		s.signal(syscall.SIGSTOP)
		want(before, "the issuer hangs", http.StatusOK)
		s.signal(syscall.SIGCONT)
		elsewhere := httptest.NewServer(http.NotFoundHandler())
		defer elsewhere.Close()
		proxy.Redirect(elsewhere.Listener.Addr().String())
		want(before, "the issuer is another", http.StatusOK)
		s.at.Kill()
		want(before, "the issuer is gone", http.StatusOK)
		after := service()
		want(after, "a service that has no keys yet", http.StatusUnauthorized)
		s.start()
		proxy.Redirect(strings.TrimPrefix(s.at.URL, "http://"))
		s.eventually("it has the keys", 20*time.Second, func() bool {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Authorization", "Bearer "+token)
			w := httptest.NewRecorder()
			after.ServeHTTP(w, r)
			return w.Code == http.StatusOK
		})
		s.check()
	})
}
