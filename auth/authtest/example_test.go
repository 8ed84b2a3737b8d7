package authtest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
	"example.com/mailkey/internal/exampletest"
	"example.com/mailkey/middleware"
)

// hello is a page of the app, for people who are signed in.
var hello = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	fmt.Fprintf(w, "Hello %s", id.Email)
})

// The test of a handler behind the middleware.
func Example() {
	t := exampletest.New() // stands in for the *testing.T of your test
	defer t.End()

	kit := authtest.New(t)
	account := middleware.RequireSession(kit.Auth)(hello)

	r := httptest.NewRequest("GET", "/account", nil)
	w := httptest.NewRecorder()
	account.ServeHTTP(w, kit.As(t, r, auth.Identity{Email: "ann@b.example"}))
	fmt.Println(w.Code, w.Body)

	w = httptest.NewRecorder()
	account.ServeHTTP(w, r) // nobody
	fmt.Println(w.Code)
	// Output:
	// 200 Hello ann@b.example
	// 401
}

// newApp is what an app does to have a login.
func newApp(login *auth.Auth) http.Handler {
	protect := middleware.RequireSession(login, middleware.LoginPage("/login"))
	recent := middleware.RequireRecentLogin(10 * time.Minute)
	app := http.NewServeMux()
	app.Handle("/api/", login.Handler())
	app.Handle("/.well-known/", login.Handler())
	app.HandleFunc("GET /login", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "Your address, please") })
	app.Handle("GET /account", protect(hello))
	app.Handle("DELETE /account", protect(recent(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		if err := login.DeleteUser(r.Context(), id.UserID); err != nil {
			http.Error(w, "please try again", http.StatusInternalServerError)
			return
		}
		fmt.Fprint(w, "Good bye")
	}))))
	return app
}

// The test of a whole app: people open pages, log in with a code that they get
// by mail, and are somebody from then on.
func ExampleKit_Login() {
	t := exampletest.New() // stands in for the *testing.T of your test
	defer t.End()

	kit := authtest.New(t)
	kit.Handler = newApp(kit.Auth)
	visit := func(client *http.Client, method, path string) {
		r, err := http.NewRequestWithContext(t.Context(), method, "https://app.example"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "text/html")
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		page, _ := io.ReadAll(res.Body)
		fmt.Printf("%s: %s\n", res.Request.URL.Path, page)
	}

	visit(kit.Client(), "GET", "/account")
	ann := kit.Login(t, "ann@b.example")
	visit(ann, "GET", "/account")
	visit(ann, "DELETE", "/account")
	visit(ann, "GET", "/account")
	// Output:
	// /login: Your address, please
	// /account: Hello ann@b.example
	// /account: Good bye
	// /login: Your address, please
}

// The test of a service that checks id_tokens: the kit is their issuer, and the
// service fetches its keys.
func ExampleKit_IDToken() {
	t := exampletest.New() // stands in for the *testing.T of your test
	defer t.End()

	kit := authtest.New(t)
	issuer := httptest.NewServer(kit.Auth.Handler())
	defer issuer.Close()

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	protect, err := middleware.RequireIDToken(ctx, middleware.IDTokenConfig{
		Issuer: kit.Config.Issuer, Clients: []string{"app"}, Algorithm: kit.Config.SigningAlgorithm,
		JWKSURL: issuer.URL + "/.well-known/jwks.json", // or Auth: kit.Auth
	})
	if err != nil {
		t.Fatal(err)
	}
	orders := protect(hello)

	for _, client := range []string{"app", "web"} {
		r := httptest.NewRequest("GET", "/orders", nil)
		r.Header.Set("Authorization", "Bearer "+kit.IDToken(t, auth.Identity{Email: "ann@b.example", ClientID: client}))
		w := httptest.NewRecorder()
		orders.ServeHTTP(w, r)
		fmt.Println(client, w.Code)
	}
	// Output:
	// app 200
	// web 401
}
