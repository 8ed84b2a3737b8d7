package auth_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"example.com/mailkey/auth"
	"example.com/mailkey/storage/memory"
)

// openAPI is what these tests look at in a description. That it is a valid one
// and true is shown in internal/integration.
type openAPI struct {
	OpenAPI    string                    `json:"openapi"`
	Servers    []struct{ URL string }    `json:"servers"`
	Paths      map[string]map[string]any `json:"paths"`
	Components struct {
		SecuritySchemes map[string]struct{ Name string } `json:"securitySchemes"`
		Schemas         map[string]struct {
			OneOf []struct{ Const, Title string } `json:"oneOf"`
		} `json:"schemas"`
	} `json:"components"`
}

func (k *kit) describe() (d openAPI) {
	k.Helper()
	k.http = k.serve(k.auth.OpenAPIHandler())
	a := k.do(bare(k, "GET", "/openapi.json"))
	if err := json.Unmarshal(a.body, &d); err != nil || a.status != 200 || d.OpenAPI != "3.1.1" {
		k.Fatalf("%d, %v: OpenAPI %q", a.status, err, d.OpenAPI)
	}
	for name, want := range map[string]string{"Content-Type": "application/json; charset=utf-8", "Cache-Control": "public, max-age=300"} {
		if got := a.header.Get(name); got != want {
			k.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	return d
}

// The server of the description is the issuer, whatever its path is.
func TestDescriptionNamesTheIssuer(t *testing.T) {
	t.Parallel()
	for _, issuer := range []string{"https://app.example", "https://app.example/auth", "http://localhost:8080"} {
		play(t, func(c *auth.Config) { c.Issuer = issuer }, func(k *kit) {
			if d := k.describe(); len(d.Servers) != 1 || d.Servers[0].URL != issuer {
				t.Errorf("servers: %v, want %s", d.Servers, issuer)
			}
		})
	}
}

// The cookie of the description is the one that the server sets.
func TestDescriptionNamesTheCookie(t *testing.T) {
	t.Parallel()
	for insecure, want := range map[bool]string{false: auth.CookieName, true: auth.InsecureCookieName} {
		play(t, func(c *auth.Config) { c.Issuer, c.InsecureCookie = "http://localhost:8080", insecure }, func(k *kit) {
			if got := k.describe().Components.SecuritySchemes["cookie"].Name; got != want {
				t.Errorf("the cookie is %q, want %q", got, want)
			}
		})
	}
}

// Every path that is served is described, and no other.
func TestDescriptionHasThePaths(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		described := slices.Sorted(maps.Keys(k.describe().Paths))
		if served := k.auth.Paths(); !slices.Equal(described, served) {
			t.Errorf("described\n%q, but served\n%q", described, served)
		}
	})
}

// Every reason is described, with the text that clients get for it.
func TestDescriptionHasTheReasons(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		described := make(map[auth.Reason]string)
		for _, code := range k.describe().Components.Schemas["ErrorCode"].OneOf {
			described[auth.Reason(code.Const)] = code.Title
		}
		for _, r := range auth.Reasons() {
			if described[r] != k.auth.Text("en", r) {
				t.Errorf("%s is described as %q, not %q", r, described[r], k.auth.Text("en", r))
			}
			delete(described, r)
		}
		if len(described) > 0 {
			t.Errorf("there are no such reasons: %v", described)
		}
	})
}

// A description of the wire, from which clients can be generated, at a path of
// the app's choice.
func ExampleAuth_OpenAPIHandler() {
	login, err := auth.New(auth.Config{
		Store: memory.New(), Mailer: &mailbox{}, Secret: testSecret,
		Issuer: "https://app.example/auth", Clients: []auth.Client{{ID: "app"}},
	})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/auth/", login.Handler())
	mux.Handle("/openapi.json", login.OpenAPIHandler())

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/openapi.json", nil))
	var description openAPI
	if err := json.Unmarshal(w.Body.Bytes(), &description); err != nil {
		panic(err)
	}
	fmt.Println(description.OpenAPI, "at", description.Servers[0].URL)
	// Output: 3.1.1 at https://app.example/auth
}
