package auth_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A body that is announced and does not come holds back neither the answer nor
// the handler.
func TestAbuse_E09_BodyThatDoesNotCome(t *testing.T) {
	t.Parallel()
	const grace = 500 * time.Millisecond // for the server to keep the connection
	for _, row := range []struct {
		name   string
		change func(r *http.Request)
		status int
		after  time.Duration
	}{
		{"where nothing is", func(r *http.Request) { r.URL.Path = "/nothing" }, 404, grace},
		{"with the wrong method", func(r *http.Request) { r.Method = "PUT" }, 405, grace},
		{"of the wrong type", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415, grace},
		{"without device headers", func(r *http.Request) { r.Header.Del("X-Agent") }, 400, grace},
		{"to the keys", func(r *http.Request) { r.Method, r.URL.Path = "GET", "/.well-known/jwks.json" }, 200, grace},
		{"where it is waited for", func(*http.Request) {}, 408, 5 * time.Second},
		{"of one byte", func(r *http.Request) { r.ContentLength = 1 }, 408, 5 * time.Second},
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
				if waited := time.Since(start); waited != row.after {
					t.Errorf("answered after %v, want %v", waited, row.after)
				}
			})
		})
	}
}

// A body may have 8192 bytes, whether it says so or not.
func TestBodySize(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		for _, row := range []struct {
			size   int
			says   bool
			status int
		}{
			{8192, true, 400}, {8193, true, 413}, {8192, false, 400}, {8193, false, 413},
		} {
			r := k.request("POST", loginPath, strings.Repeat("x", row.size))
			if !row.says {
				r.ContentLength = -1
			}
			if a := k.do(r); a.status != row.status {
				t.Errorf("%+v: %d %s", row, a.status, a.body)
			}
		}
	})
}
