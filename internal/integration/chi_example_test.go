package integration

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/go-chi/chi/v5"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
	"example.com/mailkey/internal/exampletest"
	"example.com/mailkey/middleware"
)

// All that lies below a path, with chi.
func Example_chi() {
	t := exampletest.New()
	defer t.End()
	login := authtest.New(t)

	app := chi.NewRouter()
	app.Get("/news", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "news") })
	app.Route("/members", func(r chi.Router) {
		r.Use(middleware.RequireSession(login.Auth, middleware.LoginPage("/login")))
		r.Get("/{name}", func(w http.ResponseWriter, r *http.Request) {
			id, _ := auth.FromContext(r.Context())
			fmt.Fprintf(w, "%s for %s", chi.URLParam(r, "name"), id.Email)
		})
	})

	show := func(r *http.Request) {
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		fmt.Println(r.URL, w.Code, w.Header().Get("Location")+strings.TrimSpace(w.Body.String()))
	}
	list := httptest.NewRequest("GET", "/members/list", nil)
	show(httptest.NewRequest("GET", "/news", nil))
	show(list)
	show(login.As(t, list, auth.Identity{Email: "ann@b.example"}))
	// Output:
	// /news 200 news
	// /members/list 401 {"error_code":"MAILKEY.SESSION.0001","error_msg":"Not signed in"}
	// /members/list 200 list for ann@b.example
}
