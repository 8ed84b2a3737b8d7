package middleware_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
	"example.com/mailkey/internal/exampletest"
	"example.com/mailkey/middleware"
)

// ann is somebody who is signed in. How an app makes a login is in the example
// of package auth; these have one of package authtest.
var ann = auth.Identity{Email: "ann@b.example"}

func get(path string) *http.Request { return httptest.NewRequest("GET", path, nil) }

// show makes a request and prints the answer.
func show(h http.Handler, r *http.Request) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	answer := strings.TrimSpace(w.Body.String())
	if location := w.Header().Get("Location"); location != "" {
		answer = location
	}
	fmt.Println(r.Method, r.URL, w.Code, answer)
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
	t := exampletest.New()
	defer t.End()
	login := authtest.New(t)

	app := http.NewServeMux()
	app.Handle("/", middleware.LoadSession(login.Auth)(http.HandlerFunc(hello)))
	app.Handle("/account", middleware.RequireSession(login.Auth)(http.HandlerFunc(hello)))

	show(app, get("/"))
	show(app, login.As(t, get("/"), ann))
	show(app, get("/account"))
	show(app, login.As(t, get("/account"), ann))
	// Output:
	// GET / 200 Hello stranger
	// GET / 200 Hello ann@b.example
	// GET /account 401 {"error_code":"MAILKEY.SESSION.0001","error_msg":"Not signed in"}
	// GET /account 200 Hello ann@b.example
}

// One route. Browsers send the session as a cookie, other clients in one of two
// headers.
func ExampleRequireSession() {
	t := exampletest.New()
	defer t.End()
	login := authtest.New(t)

	account := middleware.RequireSession(login.Auth)(http.HandlerFunc(hello))

	show(account, get("/account"))
	browser := login.As(t, get("/account"), ann)
	show(account, browser)
	program := login.As(t, get("/account"), auth.Identity{Email: "ann@b.example", ClientID: "app"})
	show(account, program)
	bearer := get("/account")
	bearer.Header.Set("Authorization", "Bearer "+program.Header.Get("session-token"))
	show(account, bearer)
	// Output:
	// GET /account 401 {"error_code":"MAILKEY.SESSION.0001","error_msg":"Not signed in"}
	// GET /account 200 Hello ann@b.example
	// GET /account 200 Hello ann@b.example
	// GET /account 200 Hello ann@b.example
}

// All that lies below a path, with http.ServeMux.
func ExampleRequireSession_serveMux() {
	t := exampletest.New()
	defer t.End()
	login := authtest.New(t)

	members := http.NewServeMux()
	members.HandleFunc("GET /members/{name}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.PathValue("name"))
	})
	app := http.NewServeMux()
	app.HandleFunc("GET /news", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "news") })
	app.Handle("/members/", middleware.RequireSession(login.Auth)(members))

	show(app, get("/news"))
	show(app, get("/members/list"))
	show(app, login.As(t, get("/members/list"), ann))
	// Output:
	// GET /news 200 news
	// GET /members/list 401 {"error_code":"MAILKEY.SESSION.0001","error_msg":"Not signed in"}
	// GET /members/list 200 list
}

// All that lies below a path, with gorilla/mux.
func ExampleRequireSession_gorillaMux() {
	t := exampletest.New()
	defer t.End()
	login := authtest.New(t)

	app := mux.NewRouter()
	app.HandleFunc("/news", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "news") })
	members := app.PathPrefix("/members").Subrouter()
	members.Use(middleware.RequireSession(login.Auth))
	members.HandleFunc("/{name}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, mux.Vars(r)["name"])
	})

	show(app, get("/news"))
	show(app, get("/members/list"))
	show(app, login.As(t, get("/members/list"), ann))
	// Output:
	// GET /news 200 news
	// GET /members/list 401 {"error_code":"MAILKEY.SESSION.0001","error_msg":"Not signed in"}
	// GET /members/list 200 list
}

// Pages and an API in one app: whoever opens a page is sent to the login page
// and comes back from there, a program is told.
func ExampleLoginPage() {
	t := exampletest.New()
	defer t.End()
	login := authtest.New(t)

	protect := middleware.RequireSession(login.Auth, middleware.LoginPage("/login"))
	app := http.NewServeMux()
	app.Handle("/account", protect(http.HandlerFunc(hello)))
	app.Handle("/api/account", protect(http.HandlerFunc(hello)))
	app.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		back, ok := auth.SafeReturnPath(r.URL.Query().Get(auth.ReturnTo))
		if !ok {
			back = "/"
		}
		fmt.Fprintf(w, "after the login the page goes to %s", back)
	})

	page := get("/account?tab=2")
	page.Header.Set("Sec-Fetch-Mode", "navigate") // as browsers do
	show(app, page)
	show(app, get("/login?return_to=%2Faccount%3Ftab%3D2"))
	show(app, get("/login?return_to=%2F%2Fevil.example"))
	show(app, get("/api/account"))
	show(app, login.As(t, get("/api/account"), ann))
	// Output:
	// GET /account?tab=2 303 /login?return_to=%2Faccount%3Ftab%3D2
	// GET /login?return_to=%2Faccount%3Ftab%3D2 200 after the login the page goes to /account?tab=2
	// GET /login?return_to=%2F%2Fevil.example 200 after the login the page goes to /
	// GET /api/account 401 {"error_code":"MAILKEY.SESSION.0001","error_msg":"Not signed in"}
	// GET /api/account 200 Hello ann@b.example
}

// Another service, without access to the login's database, checks id_tokens.
func ExampleRequireIDToken() {
	t := exampletest.New()
	defer t.End()
	login := authtest.New(t)
	issuer := httptest.NewServer(login.Auth.Handler())
	defer issuer.Close()

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	protect, err := middleware.RequireIDToken(ctx, middleware.IDTokenConfig{
		Issuer:    "https://app.example",
		Clients:   []string{"web"},
		Algorithm: auth.ES256,
		JWKSURL:   issuer.URL + "/.well-known/jwks.json", // may be left out where Issuer is where the login is
	})
	if err != nil {
		panic(err)
	}
	orders := protect(http.HandlerFunc(hello))

	show(orders, get("/orders"))
	r := get("/orders")
	r.Header.Set("Authorization", "Bearer "+login.IDToken(t, ann))
	show(orders, r)
	// Output:
	// GET /orders 401 {"error_code":"MAILKEY.SESSION.0001","error_msg":"Not signed in"}
	// GET /orders 200 Hello ann@b.example
}

// Deleting an account asks for a login within the last ten minutes.
func ExampleRequireRecentLogin() {
	t := exampletest.New()
	defer t.End()
	login := authtest.New(t)

	protect, recent := middleware.RequireSession(login.Auth), middleware.RequireRecentLogin(10*time.Minute)
	account := http.NewServeMux()
	account.Handle("DELETE /account", protect(recent(http.HandlerFunc(hello))))

	for _, ago := range []time.Duration{time.Minute, time.Hour} {
		id := auth.Identity{Email: "ann@b.example", LoginAt: time.Now().Add(-ago)}
		show(account, login.As(t, httptest.NewRequest("DELETE", "/account", nil), id))
	}
	// Output:
	// DELETE /account 200 Hello ann@b.example
	// DELETE /account 401 {"error_code":"MAILKEY.SESSION.0001","error_msg":"Not signed in"}
}
