package auth_test

import (
	"net/http"
	"testing"

	"github.com/gorilla/mux"

	"example.com/mailkey/auth"
)

// mounts are the ways to mount the login into an app; the app has a page of its
// own at /page.
var mounts = []struct {
	name   string
	issuer string
	mount  func(a *auth.Auth, page http.Handler) http.Handler
}{
	{"gorilla/mux, routes at the root", "https://app.example", func(a *auth.Auth, page http.Handler) http.Handler {
		r := mux.NewRouter()
		a.Routes(r)
		r.Handle("/page", page)
		return r
	}},
	{"gorilla/mux, routes under a prefix", "https://app.example/auth", func(a *auth.Auth, page http.Handler) http.Handler {
		r := mux.NewRouter()
		a.Routes(r.PathPrefix("/auth").Subrouter())
		r.Handle("/page", page)
		return r
	}},
	{"gorilla/mux, handler under a prefix", "https://app.example/auth", func(a *auth.Auth, page http.Handler) http.Handler {
		r := mux.NewRouter()
		r.PathPrefix("/auth/").Handler(a.Handler())
		r.Handle("/page", page)
		return r
	}},
	{"ServeMux at the root", "https://app.example", func(a *auth.Auth, page http.Handler) http.Handler {
		m := http.NewServeMux()
		m.Handle("/api/", a.Handler())
		m.Handle("/.well-known/", a.Handler())
		m.Handle("/page", page)
		return m
	}},
	{"ServeMux under a prefix", "https://app.example/auth", func(a *auth.Auth, page http.Handler) http.Handler {
		m := http.NewServeMux()
		m.Handle("/auth/", a.Handler())
		m.Handle("/page", page)
		return m
	}},
	{"ServeMux under a prefix that is stripped", "https://app.example/auth", func(a *auth.Auth, page http.Handler) http.Handler {
		m := http.NewServeMux()
		m.Handle("/auth/", http.StripPrefix("/auth", a.Handler()))
		m.Handle("/page", page)
		return m
	}},
	{"each handler alone", "https://app.example", func(a *auth.Auth, page http.Handler) http.Handler {
		m := http.NewServeMux()
		m.Handle(captchaPath, a.CaptchaHandler())
		m.Handle(captchaPath+"/audio", a.CaptchaHandler())
		m.Handle(verifyPath, a.VerifyCaptchaHandler())
		m.Handle(sendPath, a.SendCodeHandler())
		m.Handle(loginPath, a.LoginHandler())
		m.Handle(logoutPath, a.LogoutHandler())
		m.Handle("/.well-known/jwks.json", a.JWKSHandler())
		m.Handle("/.well-known/openid-configuration", a.DiscoveryHandler())
		m.Handle("/page", page)
		return m
	}},
}

func TestMounting(t *testing.T) {
	t.Parallel()
	for _, row := range mounts {
		t.Run(row.name, func(t *testing.T) {
			play(t, func(c *auth.Config) { c.Issuer = row.issuer }, func(k *kit) {
				page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
				k.http = k.serve(row.mount(k.auth, page))
				k.prefix = row.issuer[len("https://app.example"):]

				token := k.login("ann@b.example", k.code("ann@b.example")).field(t, "session_token")
				r := k.request("POST", logoutPath, "")
				r.Header.Set("Session-Token", token)
				if a := k.do(r); a.status != 200 {
					t.Errorf("logout: %d %s", a.status, a.body)
				}
				if a := k.get(loginPath); a.code() != string(auth.ReasonMethod) || a.header.Get("Allow") != "POST" {
					t.Errorf("the wrong method: %d %s", a.status, a.body)
				}
				if a := k.get("/.well-known/openid-configuration"); a.field(t, "issuer") != row.issuer ||
					a.field(t, "jwks_uri") != row.issuer+"/.well-known/jwks.json" {
					t.Errorf("discovery: %s", a.body)
				}
				if a := k.get("/.well-known/jwks.json"); a.status != 200 || a.header.Get("Cache-Control") != "public, max-age=300" {
					t.Errorf("keys: %d %v", a.status, a.header)
				}
				if a := k.get(captchaPath + "?type=digits"); a.status != 200 {
					t.Errorf("captcha: %d %s", a.status, a.body)
				} else if a := k.get(captchaPath + "/audio?token=" + a.field(t, "token")); a.header.Get("Content-Type") != "audio/wav" {
					t.Errorf("audio: %d %s", a.status, a.header)
				}
				k.prefix = ""
				if a := k.get("/page"); a.status != http.StatusTeapot {
					t.Errorf("the app's own page: %d", a.status)
				}
				if a := k.get("/nothing"); a.status != http.StatusNotFound {
					t.Errorf("what the app does not have: %d", a.status)
				}
			})
		})
	}
}
