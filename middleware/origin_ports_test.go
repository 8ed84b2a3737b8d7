package middleware_test

import (
	"net/http"
	"testing"

	"example.com/mailkey/middleware"
	"example.com/mailkey/storage/memory"
)

// A page on another port of the app's own host is another origin. Browsers that
// say nothing but Origin are believed when it names the very host of the
// request.
func TestCrossOriginPorts(t *testing.T) {
	t.Parallel()
	k := newKit(t, memory.New(), nil)
	web := k.login("web", "a@b.example").session
	guard := middleware.RequireSession(k.auth, middleware.TrustOrigin("https://www.app.example:8443"), middleware.TrustOrigin("http://localhost:3000"))(whoami)
	for _, row := range []struct {
		host, origin, site string
		want               int
	}{
		{"app.example", "https://app.example", "", 200},
		{"app.example:8080", "http://app.example:8080", "", 200},
		{"localhost:8080", "http://localhost:8080", "same-origin", 200},
		{"app.example", "https://www.app.example:8443", "same-site", 200},
		{"app.example", "http://localhost:3000", "cross-site", 200},

		{"app.example", "https://app.example:8443", "", 403},
		{"app.example:8443", "https://app.example", "", 403},
		{"app.example:8443", "https://app.example:8444", "", 403},
		{"app.example", "https://app.example:8443", "same-site", 403},
		{"localhost:8080", "http://localhost:8081", "same-site", 403},
		{"localhost:8080", "http://localhost", "same-site", 403},
		{"app.example", "https://www.app.example", "same-site", 403},
		{"app.example", "https://www.app.example:443", "", 403},
		{"app.example", "https://www.app.example:84430", "", 403},
		{"app.example", "http://www.app.example:8443", "", 403},
		{"app.example", "http://127.0.0.1:3000", "cross-site", 403},
		{"app.example", "https://localhost:3000", "cross-site", 403},
	} {
		r := request("POST", "/", byCookie(web), func(r *http.Request) { r.Host = row.host }, header("Origin", row.origin))
		if row.site != "" {
			r.Header.Set("Sec-Fetch-Site", row.site)
		}
		if w := serve(guard, r); w.Code != row.want {
			t.Errorf("%s to %s, %q: %d %s, want %d", row.origin, row.host, row.site, w.Code, w.Body, row.want)
		}
	}
}
