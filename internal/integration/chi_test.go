package integration

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"example.com/mailkey/auth"
	"example.com/mailkey/storage/memory"
)

type noMail struct{}

func (noMail) SendCode(context.Context, auth.CodeMail) error { return nil }

// The login mounted into an app on chi, at the root and under a prefix.
func TestChi(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, issuer, prefix string
		mount                func(r chi.Router, a *auth.Auth)
	}{
		{"at the root", "http://localhost", "", func(r chi.Router, a *auth.Auth) {
			r.Handle("/api/*", a.Handler())
			r.Handle("/.well-known/*", a.Handler())
		}},
		{"mounted under a prefix", "http://localhost/auth", "/auth", func(r chi.Router, a *auth.Auth) {
			r.Mount("/auth", a.Handler())
		}},
		{"a handler under a prefix", "http://localhost/auth", "/auth", func(r chi.Router, a *auth.Auth) {
			r.Handle("/auth/*", a.Handler())
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			a, err := auth.New(auth.Config{
				Store: memory.New(), Mailer: noMail{}, Secret: auth.Secret("correct horse battery staple 0123456789"),
				Issuer: row.issuer, Clients: []auth.Client{{ID: "app"}}, SigningAlgorithm: auth.ES256,
				Logger: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			r := chi.NewRouter()
			row.mount(r, a)
			r.Get("/page", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
			server := httptest.NewServer(r)
			t.Cleanup(server.Close)

			for path, want := range map[string]struct {
				status int
				body   string
			}{
				row.prefix + "/api/v2/sdk/captcha":                 {400, "IDAAS.SDK.PARAM.0001"},
				row.prefix + "/api/v2/sdk/login/email-verify-code": {405, "MAILKEY.REQUEST.0002"},
				row.prefix + "/api/v2/sdk/nothing":                 {404, "MAILKEY.REQUEST.0008"},
				row.prefix + "/.well-known/jwks.json":              {200, `"keys"`},
				row.prefix + "/.well-known/openid-configuration":   {200, `"` + row.issuer + `/.well-known/jwks.json"`},
				row.prefix + "/api/v2/sdk/../sdk/captcha":          {404, ""},
				"/page":    {418, ""},
				"/nothing": {404, ""},
			} {
				req, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				res, err := server.Client().Do(req)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(res.Body)
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
				if res.StatusCode != want.status || !strings.Contains(string(body), want.body) {
					t.Errorf("%s: %d %s, want %d and %s", path, res.StatusCode, body, want.status, want.body)
				}
			}
		})
	}
}
