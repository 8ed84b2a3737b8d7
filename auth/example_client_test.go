package auth_test

import (
	"fmt"
	"net/http/httptest"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
	"example.com/mailkey/internal/exampletest"
)

// Two clients: a page of another origin, which is a header client, and one of
// the server's own host, which is a cookie client.
func ExampleClient() {
	t := exampletest.New()
	defer t.End()
	kit := authtest.New(t, func(c *auth.Config) {
		c.Clients = []auth.Client{{ID: "spa", Origins: []string{"https://spa.example"}}, {ID: "web", Cookie: true}}
	})

	for _, origin := range []string{"https://spa.example", "https://other.example"} {
		r := httptest.NewRequest("OPTIONS", "/api/v2/sdk/captcha", nil) // as browsers ask before they send it
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", "GET")
		w := httptest.NewRecorder()
		kit.Auth.Handler().ServeHTTP(w, r)
		fmt.Println(origin, w.Header().Get("Access-Control-Allow-Origin") == origin)
	}
	// Output:
	// https://spa.example true
	// https://other.example false
}
