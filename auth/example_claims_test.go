package auth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
	"example.com/mailkey/internal/exampletest"
	"example.com/mailkey/middleware"
)

// roles is what the app knows about its users.
var roles = map[string]string{"u_ann": "editor"}

// addRole is for Config.ExtraClaims.
func addRole(_ context.Context, id auth.Identity) (map[string]any, error) {
	role, ok := roles[id.UserID]
	if !ok {
		return nil, nil
	}
	return map[string]any{"role": role}, nil
}

// publish is a page of another service, behind [middleware.RequireIDToken].
func publish(w http.ResponseWriter, r *http.Request) {
	var claims struct {
		jwt.RegisteredClaims
		Role string `json:"role"`
	}
	// The middleware has verified the token.
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if _, _, err := jwt.NewParser().ParseUnverified(token, &claims); err != nil || claims.Role != "editor" {
		http.Error(w, "editors only", http.StatusForbidden)
		return
	}
	fmt.Fprint(w, "published")
}

// A claim of the app's own in the id_token, and a service that looks at it. A
// claim is as old as its token, five minutes at most.
func ExampleConfig_extraClaims() {
	t := exampletest.New() // stands in for a test; auth.New takes the same Config
	defer t.End()
	kit := authtest.New(t, func(c *auth.Config) { c.ExtraClaims = addRole })

	protect, err := middleware.RequireIDToken(t.Context(), middleware.IDTokenConfig{
		Issuer: kit.Config.Issuer, Clients: []string{"web"}, Algorithm: kit.Config.SigningAlgorithm, Auth: kit.Auth,
	})
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"ann", "ben"} {
		r := httptest.NewRequest("POST", "/publish", nil)
		r.Header.Set("Authorization", "Bearer "+kit.IDToken(t, auth.Identity{UserID: "u_" + name, Email: name + "@b.example"}))
		w := httptest.NewRecorder()
		protect(http.HandlerFunc(publish)).ServeHTTP(w, r)
		fmt.Println(name, w.Code, strings.TrimSpace(w.Body.String()))
	}
	// Output:
	// ann 200 published
	// ben 403 editors only
}
