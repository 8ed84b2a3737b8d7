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

	r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
	app.ServeHTTP(w, kit.As(t, r, auth.Identity{Email: "ann@b.example"}))
	if got := w.Body.String(); !strings.HasPrefix(got, "Hello ann@b.example.") {
		t.Errorf("got %s", got)
	}
}
