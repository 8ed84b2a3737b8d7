package middleware_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"example.com/mailkey/auth"
	"example.com/mailkey/middleware"
	"example.com/mailkey/storage/memory"
)

// somebodySignedIn returns a login, the tokens of somebody who is signed in,
// and what ends it all. How to make a login is in the example of package auth.
func somebodySignedIn() (a *auth.Auth, sessionToken, idToken string, end func()) {
	tb := &exampleTB{}
	k := newKit(tb, memory.New(), nil)
	tokens := k.login("app", "ann@b.example")
	return k.auth, tokens.session, tokens.idToken, tb.end
}

// exampleTB stands in for the test that an example is not.
type exampleTB struct {
	testing.TB
	cleanups []func()
}

func (tb *exampleTB) Helper()               {}
func (tb *exampleTB) Fatal(args ...any)     { log.Panic(args...) }
func (tb *exampleTB) Fatalf(string, ...any) { log.Panic("failed") }
func (tb *exampleTB) Cleanup(f func())      { tb.cleanups = append(tb.cleanups, f) }
func (tb *exampleTB) end() {
	for _, f := range tb.cleanups {
		f()
	}
}

// show makes a request, perhaps with a header, and prints the answer.
func show(h http.Handler, method, path, header, value string) {
	r := httptest.NewRequest(method, path, nil)
	if header != "" {
		r.Header.Set(header, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	answer := strings.TrimSpace(w.Body.String())
	if location := w.Header().Get("Location"); location != "" {
		answer = location
	}
	fmt.Println(method, path, w.Code, answer)
}

// hello greets whoever is calling.
func hello(w http.ResponseWriter, r *http.Request) {
	if id, ok := auth.FromContext(r.Context()); ok {
		fmt.Fprintf(w, "Hello %s", id.Email) // but key your tables on id.UserID
		return
	}
	fmt.Fprint(w, "Hello stranger")
}

// An app with a page for everybody and one for people who are signed in.
func Example() {
	a, token, _, end := somebodySignedIn()
	defer end()

	app := http.NewServeMux()
	app.Handle("/", middleware.LoadSession(a)(http.HandlerFunc(hello)))
	app.Handle("/account", middleware.RequireSession(a)(http.HandlerFunc(hello)))

	show(app, "GET", "/", "", "")
	show(app, "GET", "/", "session-token", token)
	show(app, "GET", "/account", "", "")
	show(app, "GET", "/account", "session-token", token)
	// Output:
	// GET / 200 Hello stranger
	// GET / 200 Hello ann@b.example
	// GET /account 401 {"error_code":"MAILKEY.SESSION.0001","error_msg":"Not signed in"}
	// GET /account 200 Hello ann@b.example
}

// One route, and the two headers that a token may come in.
func ExampleRequireSession() {
	a, token, _, end := somebodySignedIn()
	defer end()

	account := middleware.RequireSession(a)(http.HandlerFunc(hello))

	show(account, "GET", "/account", "Authorization", "Bearer "+token)
	show(account, "GET", "/account", "session-token", token)
	show(account, "GET", "/account", "", "")
	// Output:
	// GET /account 200 Hello ann@b.example
	// GET /account 200 Hello ann@b.example
	// GET /account 401 {"error_code":"MAILKEY.SESSION.0001","error_msg":"Not signed in"}
}

// All that lies below a path, with http.ServeMux.
func ExampleRequireSession_serveMux() {
	a, token, _, end := somebodySignedIn()
	defer end()

	members := http.NewServeMux()
	members.HandleFunc("GET /members/{name}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.PathValue("name"))
	})
	app := http.NewServeMux()
	app.HandleFunc("GET /news", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "news") })
	app.Handle("/members/", middleware.RequireSession(a)(members))

	show(app, "GET", "/news", "", "")
	show(app, "GET", "/members/list", "", "")
	show(app, "GET", "/members/list", "session-token", token)
	// Output:
	// GET /news 200 news
	// GET /members/list 401 {"error_code":"MAILKEY.SESSION.0001","error_msg":"Not signed in"}
	// GET /members/list 200 list
}

// All that lies below a path, with gorilla/mux.
func ExampleRequireSession_gorillaMux() {
	a, token, _, end := somebodySignedIn()
	defer end()

	app := mux.NewRouter()
	app.HandleFunc("/news", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "news") })
	members := app.PathPrefix("/members").Subrouter()
	members.Use(middleware.RequireSession(a))
	members.HandleFunc("/{name}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, mux.Vars(r)["name"])
	})

	show(app, "GET", "/news", "", "")
	show(app, "GET", "/members/list", "", "")
	show(app, "GET", "/members/list", "session-token", token)
	// Output:
	// GET /news 200 news
	// GET /members/list 401 {"error_code":"MAILKEY.SESSION.0001","error_msg":"Not signed in"}
	// GET /members/list 200 list
}

// Pages and an API in one app: whoever opens a page is sent to the login page
// and comes back from there, a program is told.
func ExampleLoginPage() {
	a, token, _, end := somebodySignedIn()
	defer end()

	protect := middleware.RequireSession(a, middleware.LoginPage("/login"))
	app := http.NewServeMux()
	app.Handle("/account", protect(http.HandlerFunc(hello)))
	app.Handle("/api/account", protect(http.HandlerFunc(hello)))
	app.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		back, ok := auth.SafeReturnPath(r.URL.Query().Get(middleware.ReturnTo))
		if !ok {
			back = "/"
		}
		fmt.Fprintf(w, "after the login the page goes to %s", back)
	})

	show(app, "GET", "/account?tab=2", "Sec-Fetch-Mode", "navigate")
	show(app, "GET", "/login?return_to=%2Faccount%3Ftab%3D2", "", "")
	show(app, "GET", "/login?return_to=%2F%2Fevil.example", "", "")
	show(app, "GET", "/api/account", "Accept", "application/json")
	show(app, "GET", "/api/account", "session-token", token)
	// Output:
	// GET /account?tab=2 303 /login?return_to=%2Faccount%3Ftab%3D2
	// GET /login?return_to=%2Faccount%3Ftab%3D2 200 after the login the page goes to /account?tab=2
	// GET /login?return_to=%2F%2Fevil.example 200 after the login the page goes to /
	// GET /api/account 401 {"error_code":"MAILKEY.SESSION.0001","error_msg":"Not signed in"}
	// GET /api/account 200 Hello ann@b.example
}

// Another service, without access to the login's database, checks id_tokens.
func ExampleRequireIDToken() {
	a, _, idToken, end := somebodySignedIn()
	defer end()
	login := httptest.NewServer(a.Handler())
	defer login.Close()

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	protect, err := middleware.RequireIDToken(ctx, middleware.IDTokenConfig{
		Issuer:    "https://app.example",
		Clients:   []string{"app"},
		Algorithm: auth.ES256,
		JWKSURL:   login.URL + "/.well-known/jwks.json", // may be left out where Issuer is where the login is
	})
	if err != nil {
		panic(err)
	}
	orders := protect(http.HandlerFunc(hello))

	show(orders, "GET", "/orders", "", "")
	show(orders, "GET", "/orders", "Authorization", "Bearer "+idToken)
	// Output:
	// GET /orders 401 {"error_code":"MAILKEY.SESSION.0001","error_msg":"Not signed in"}
	// GET /orders 200 Hello ann@b.example
}

// Deleting an account asks for a login within the last ten minutes.
func ExampleRequireRecentLogin() {
	a, token, _, end := somebodySignedIn()
	defer end()

	protect, recent := middleware.RequireSession(a), middleware.RequireRecentLogin(10*time.Minute)
	account := http.NewServeMux()
	account.Handle("DELETE /account", protect(recent(http.HandlerFunc(hello))))

	show(account, "DELETE", "/account", "session-token", token)
	// Output:
	// DELETE /account 200 Hello ann@b.example
}
