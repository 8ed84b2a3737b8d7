package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
	"example.com/mailkey/middleware"
)

func TestHello(t *testing.T) {
	kit := authtest.New(t)
	app := middleware.RequireSession(kit.Auth)(http.HandlerFunc(hello))

	for email, want := range map[string]string{"": "Not signed in", "ann@b.example": "Hello ann@b.example"} {
		r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
		if email != "" {
			r = kit.As(t, r, auth.Identity{Email: email})
		}
		app.ServeHTTP(w, r)
		if got := w.Body.String(); !strings.Contains(got, want) {
			t.Errorf("%s got %s", email, got)
		}
	}
}
