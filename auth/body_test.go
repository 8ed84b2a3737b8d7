package auth_test

import (
	"io"
	"net/http"
	"testing"
	"time"
)

// A body that is announced and does not come holds back neither the answer nor
// the handler.
func TestAbuse_E09_BodyThatDoesNotCome(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		change func(r *http.Request)
		status int
		within time.Duration
	}{
		{"where nothing is", func(r *http.Request) { r.URL.Path = "/nothing" }, 404, time.Second},
		{"with the wrong method", func(r *http.Request) { r.Method = "PUT" }, 405, time.Second},
		{"of the wrong type", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415, time.Second},
		{"without device headers", func(r *http.Request) { r.Header.Del("X-Agent") }, 400, time.Second},
		{"to the keys", func(r *http.Request) { r.Method, r.URL.Path = "GET", "/.well-known/jwks.json" }, 200, time.Second},
		{"where it is waited for", func(*http.Request) {}, 408, 6 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			play(t, nil, func(k *kit) {
				r := k.request("POST", loginPath, "{}")
				body, w := io.Pipe()
				k.Cleanup(func() { _ = w.Close() })
				r.Body, r.ContentLength = body, 10
				row.change(r)
				start := time.Now()
				if a := k.do(r); a.status != row.status {
					t.Errorf("%d %s, want %d", a.status, a.body, row.status)
				}
				if waited := time.Since(start); waited > row.within {
					t.Errorf("answered after %v, want %v at most", waited, row.within)
				}
			})
		})
	}
}
