package faults_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"

	"example.com/mailkey/internal/integration/program"
	"example.com/mailkey/internal/integration/services"
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	defer shared.end()
	flag.Parse()
	if err := flag.Set("test.parallel", "12"); err != nil { // they wait more than they compute
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	dir, err := os.MkdirTemp("", "mailkey-faults-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o711); err != nil { // a test starts the program as somebody else
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	shared.dir = dir
	return m.Run()
}

// shared is what outlives the test that needs it first.
var shared things

type things struct {
	dir      string
	mu       sync.Mutex
	server   string // the program
	postgres *services.Postgres
	cleanups []func()
}

// program is the path of the server, built with failpoints.
func (s *things) program(tb testing.TB) string {
	tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == "" {
		path, err := program.Build(s.dir, "example.com/mailkey/internal/integration/faults/server", "-tags", "failpoints")
		if err != nil {
			tb.Fatal(err)
		}
		s.server = path
	}
	return s.server
}

// directory makes one that other users can reach, too.
func (s *things) directory() (string, error) { return os.MkdirTemp(s.dir, "") }

// postgresURL is where to find a server that nobody may stop.
func (s *things) postgresURL(tb testing.TB) string {
	tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.postgres == nil { // if it cannot be started, the next test tries again
		s.postgres = services.StartPostgres(starter{tb}, "max_connections=200")
	}
	return s.postgres.URL("postgres")
}

func (s *things) end() {
	for _, f := range slices.Backward(s.cleanups) {
		f()
	}
}

// starter is the test that starts what is shared. It does not end it.
type starter struct{ testing.TB }

func (starter) Cleanup(f func()) { shared.cleanups = append(shared.cleanups, f) }
