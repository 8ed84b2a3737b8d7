package middleware_test

import (
	"net/http"
	"testing"

	"example.com/mailkey/auth"
	"example.com/mailkey/middleware"
	"example.com/mailkey/storage/memory"
)

// What knowing the caller leaves for the garbage collector, in every request of
// everybody who is signed in, is bounded.
func TestAllocations(t *testing.T) {
	for _, row := range []struct {
		name string
		kit  *kit
		most float64
	}{
		{"memory", newKit(t, memory.New(), nil), 20},
		{"sqlite", newKit(t, openSQLite(t), nil), 59},
	} {
		handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if _, ok := auth.FromContext(r.Context()); !ok {
				t.Error("nobody")
			}
		})
		web, app := byCookie(row.kit.login("web", "a@b.example").session), bySessionToken(row.kit.login("app", "a@c.example").session)
		row.kit.stop() // what happens in the background would be counted, too
		for name, h := range map[string]http.Handler{
			"LoadSession": middleware.LoadSession(row.kit.auth)(handler), "RequireSession": middleware.RequireSession(row.kit.auth)(handler),
		} {
			for by, open := range map[string]edit{"cookie": web, "header": app} {
				w, r := discard{make(http.Header)}, request("GET", "/", open)
				got := testing.AllocsPerRun(200, func() {
					clear(w.header)
					h.ServeHTTP(w, r)
				})
				t.Logf("%s by %s on %s: %v", name, by, row.name, got)
				if got > row.most {
					t.Errorf("%s by %s on %s: %v allocations, want %v at most", name, by, row.name, got, row.most)
				}
			}
		}
	}
}
