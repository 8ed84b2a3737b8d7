package integration

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-chi/chi/v5"

	"example.com/mailkey/auth"
	"example.com/mailkey/middleware"
)

// A subtree of an app on chi, for people who are signed in; another, for
// programs with an id_token.
func TestChiGuards(t *testing.T) {
	t.Parallel()
	i := newOIDCIssuer(t, auth.ES256, "")
	session, idToken := i.login(t, "app", "ann@b.example")
	tokens, err := middleware.RequireIDToken(t.Context(), middleware.IDTokenConfig{
		Issuer: i.url, Clients: []string{"app"}, Algorithm: auth.ES256,
	})
	if err != nil {
		t.Fatal(err)
	}
	hello := func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		fmt.Fprintf(w, "%s %s", chi.URLParam(r, "name"), id.Email)
	}
	app := chi.NewRouter()
	app.Use(middleware.LoadSession(i.auth))
	app.Get("/news/{name}", hello)
	app.Route("/members", func(r chi.Router) {
		r.Use(middleware.RequireSession(i.auth, middleware.LoginPage("/login")))
		r.Get("/{name}", hello)
	})
	app.With(tokens).Get("/api/{name}", hello)
	page := http.Header{"Sec-Fetch-Mode": {"navigate"}}
	bySession, byIDToken := http.Header{"Session-Token": {session}}, http.Header{"Authorization": {"Bearer " + idToken}}

	for _, row := range []struct {
		path     string
		header   http.Header
		status   int
		location string
		body     string
	}{
		{"/news/today", nil, 200, "", "today "},
		{"/news/today", bySession, 200, "", "today ann@b.example"},
		{"/members/list", nil, 401, "", ""},
		{"/members/list", page, 303, "/login?return_to=%2Fmembers%2Flist", ""},
		{"/members/list", bySession, 200, "", "list ann@b.example"},
		{"/members/list", byIDToken, 401, "", ""},
		{"/api/orders", nil, 401, "", ""},
		{"/api/orders", bySession, 401, "", ""},
		{"/api/orders", byIDToken, 200, "", "orders ann@b.example"},
	} {
		r := httptest.NewRequest("GET", row.path, nil)
		if row.header != nil {
			r.Header = row.header
		}
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		if w.Code != row.status || w.Header().Get("Location") != row.location || row.body != "" && w.Body.String() != row.body {
			t.Errorf("%s %v: got %d %q %s", row.path, row.header, w.Code, w.Header().Get("Location"), w.Body)
		}
	}
}
