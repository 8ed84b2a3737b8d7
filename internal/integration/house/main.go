package house

import (
	"slices"
	"sync"
	"testing"

	"example.com/mailkey/internal/integration/services"
)

// Main runs the tests of a package whose tests share a PostgreSQL server. It
// starts with the first that needs it.
func Main(m *testing.M) int {
	defer server.end()
	return m.Run()
}

var server shared

// shared is a server that outlives the test that needs it first.
type shared struct {
	mu       sync.Mutex
	postgres *services.Postgres
	cleanups []func()
}

func sharedPostgres(tb testing.TB) *services.Postgres {
	tb.Helper()
	server.mu.Lock()
	defer server.mu.Unlock()
	if server.postgres == nil { // if it cannot be started, the next test tries again
		server.postgres = services.StartPostgres(starter{tb})
	}
	return server.postgres
}

func (s *shared) end() {
	for _, f := range slices.Backward(s.cleanups) {
		f()
	}
}

// starter is the test that starts what is shared. It does not end it.
type starter struct{ testing.TB }

func (starter) Cleanup(f func()) { server.cleanups = append(server.cleanups, f) }
