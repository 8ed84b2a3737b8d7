package authtest_test

import (
	"net/http"
	"testing"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
	"example.com/mailkey/middleware"
)

// A kit of an app whose cookie is not Secure signs in with that cookie.
func TestInsecureCookie(t *testing.T) {
	t.Parallel()
	kit := authtest.New(t, func(c *auth.Config) { c.Issuer, c.InsecureCookie = "http://localhost:8080", true })
	account := middleware.RequireSession(kit.Auth)
	if w, seen := serve(account, kit.As(t, get(), auth.Identity{Email: "ann@b.example"})); seen.Email != "ann@b.example" || !seen.ByCookie {
		t.Errorf("As: %d %s, %+v", w.Code, w.Body, seen)
	}
	client := kit.Login(t, "ben@b.example")
	kit.Handler = account(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	res, err := client.Get("http://localhost:8080/account")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("Login: %d", res.StatusCode)
	}
}
