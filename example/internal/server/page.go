package server

import (
	"embed"
	"html/template"
	"net/http"

	"github.com/gorilla/mux"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/loginpage"
	"example.com/mailkey/middleware"
)

//go:embed web
var web embed.FS

const (
	loginPath   = "/login"
	devMailPath = "/dev/mail"
)

// pageRoutes adds the login page and what is behind it: a page at / for people
// who are signed in.
func pageRoutes(r *mux.Router, a *auth.Auth, devMail bool) error {
	options := loginpage.Options{Path: loginPath, Client: pageClient}
	if devMail {
		options.Links = map[string][]loginpage.Link{
			"en": {{Text: "Mails of this run", URL: devMailPath}},
			"zh": {{Text: "本次运行的邮件", URL: devMailPath}},
		}
	}
	login, err := loginpage.New(a, options)
	if err != nil {
		return err
	}
	page, err := template.ParseFS(web, "web/account.html")
	if err != nil {
		return err
	}
	css, err := web.ReadFile("web/example.css")
	if err != nil {
		return err
	}
	account := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		secure(w, "default-src 'none'; style-src 'self'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'")
		_ = page.Execute(w, id) // the client went away: nothing to do
	})

	r.Handle(loginPath, login)
	r.PathPrefix(loginPath + "/").Handler(login)
	r.Handle("/", middleware.RequireSession(a, middleware.LoginPage(loginPath))(account)).Methods(http.MethodGet, http.MethodHead)
	r.HandleFunc("/example.css", func(w http.ResponseWriter, _ *http.Request) {
		secure(w, "default-src 'none'")
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write(css) // as above
	}).Methods(http.MethodGet, http.MethodHead)
	return nil
}

// secure sets the headers of a page.
func secure(w http.ResponseWriter, policy string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}
