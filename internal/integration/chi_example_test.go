package integration

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"example.com/mailkey/auth"
	"example.com/mailkey/middleware"
)

// All that lies below a path, with chi. How to make a login is in the example of
// package auth.
func Example_chi() {
	tb := &exampleTB{}
	defer tb.end()
	login := newOIDCIssuer(tb, auth.ES256, "")
	token, _ := login.login(tb, "app", "ann@b.example")

	app := chi.NewRouter()
	app.Get("/news", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "news") })
	app.Route("/members", func(r chi.Router) {
		r.Use(middleware.RequireSession(login.auth, middleware.LoginPage("/login")))
		r.Get("/{name}", func(w http.ResponseWriter, r *http.Request) {
			id, _ := auth.FromContext(r.Context())
			fmt.Fprintf(w, "%s for %s", chi.URLParam(r, "name"), id.Email)
		})
	})

	show(app, "/news", "", "")
	show(app, "/members/list", "", "")
	show(app, "/members/list", "Sec-Fetch-Mode", "navigate")
	show(app, "/members/list", "session-token", token)
	// Output:
	// /news 200 news
	// /members/list 401 {"error_code":"MAILKEY.SESSION.0001","error_msg":"Not signed in"}
	// /members/list 303 /login?return_to=%2Fmembers%2Flist
	// /members/list 200 list for ann@b.example
}

// show opens a page, perhaps with a header, and prints the answer.
func show(h http.Handler, path, header, value string) {
	r := httptest.NewRequest("GET", path, nil)
	if header != "" {
		r.Header.Set(header, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	answer := strings.TrimSpace(w.Body.String())
	if location := w.Header().Get("Location"); location != "" {
		answer = location
	}
	fmt.Println(path, w.Code, answer)
}

// exampleTB stands in for the test that an example is not.
type exampleTB struct {
	testing.TB
	cleanups []func()
}

func (tb *exampleTB) Helper()                      {}
func (tb *exampleTB) Context() context.Context     { return context.Background() }
func (tb *exampleTB) Fatal(args ...any)            { log.Panic(args...) }
func (tb *exampleTB) Fatalf(f string, args ...any) { log.Panicf(f, args...) }
func (tb *exampleTB) Cleanup(f func())             { tb.cleanups = append(tb.cleanups, f) }
func (tb *exampleTB) end() {
	for _, f := range tb.cleanups {
		f()
	}
}
