package auth_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/storage"
)

// keysOnly is a store that has lost everything but the keys, and counts how
// often it is asked for them.
type keysOnly struct {
	storage.Store
	keys  storage.Keys
	loads int
}

func (s *keysOnly) LoadKeys(ctx context.Context) ([]byte, int64, error) {
	s.loads++
	return s.keys.LoadKeys(ctx)
}

// The published keys are the same bytes for everybody, and cost the store one
// look in a minute, however many ask for them and whatever they send along.
func TestAbuse_G19_KeysWithoutTheStore(t *testing.T) {
	t.Parallel()
	var store *keysOnly
	play(t, func(c *auth.Config) { store = &keysOnly{Store: c.Store, keys: c.Store}; c.Store = store }, func(k *kit) {
		k.stop()
		store.Store, store.loads = nil, 0
		first := make(map[string]string)
		for second := range 120 {
			for _, path := range []string{keysPath, jwksPath, discoveryPath} {
				for i, query := range []string{"", "?", fmt.Sprint("?x=", second)} {
					r := k.request([]string{"GET", "GET", "HEAD"}[i], path+query, "")
					r.Header.Set("Authorization", "Bearer x")
					r.Header.Set("If-None-Match", fmt.Sprintf(`"%d"`, second))
					a := k.do(r)
					if first[path] == "" {
						first[path] = string(a.body)
					}
					if a.status != 200 || r.Method == "GET" && string(a.body) != first[path] || a.header.Get("Cache-Control") != "public, max-age=300" || len(a.body) > 8<<10 {
						t.Fatalf("%s %s: %d %v %s", r.Method, r.URL, a.status, a.header, a.body)
					}
				}
			}
			time.Sleep(time.Second)
		}
		if store.loads > 2 {
			t.Errorf("the store was asked %d times in two minutes", store.loads)
		}
	})
}
