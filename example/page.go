package main

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"

	"github.com/gorilla/mux"
)

//go:embed web/index.html web/app.css web/app.js
var web embed.FS

const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; media-src blob:; connect-src 'self'; " +
	"form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

// pageRoutes adds the page at /: the cookie client web, which uses the public
// endpoints like any other.
func pageRoutes(r *mux.Router, cfg config) error {
	page, err := template.ParseFS(web, "web/index.html")
	if err != nil {
		return err
	}
	var index bytes.Buffer
	err = page.Execute(&index, struct {
		Client, Captchas string
		DevMail          bool
	}{pageClient, kindsOf(cfg.captchas), cfg.devMail})
	if err != nil {
		return err
	}
	css, err := web.ReadFile("web/app.css")
	if err != nil {
		return err
	}
	js, err := web.ReadFile("web/app.js")
	if err != nil {
		return err
	}
	for path, file := range map[string]struct {
		contentType string
		body        []byte
	}{
		"/":        {"text/html; charset=utf-8", index.Bytes()},
		"/app.css": {"text/css; charset=utf-8", css},
		"/app.js":  {"text/javascript; charset=utf-8", js},
	} {
		r.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			secure(w, pagePolicy)
			w.Header().Set("Content-Type", file.contentType)
			_, _ = w.Write(file.body) // the client went away: nothing to do
		}).Methods(http.MethodGet, http.MethodHead)
	}
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
