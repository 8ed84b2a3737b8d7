package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"example.com/mailkey/internal/integration/program"
	"example.com/mailkey/internal/integration/services"
)

// What is there once for all tests: programs, and a PostgreSQL server with a
// schema for each cluster.
var (
	workDir  string
	closings []func()
	failed   bool // at the end, when no test could say so
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "mailkey-cluster-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	workDir = dir
	code := m.Run()
	for _, c := range slices.Backward(closings) {
		c()
	}
	if err := os.RemoveAll(workDir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if failed && code == 0 {
		code = 1
	}
	os.Exit(code)
}

// lasting is a test whose servers are there for those after it.
type lasting struct{ testing.TB }

func (lasting) Cleanup(f func()) { closings = append(closings, f) }

func (l lasting) Error(args ...any) { l.Errorf("%s", fmt.Sprint(args...)) }

func (l lasting) Errorf(format string, args ...any) {
	l.Logf(format, args...)
	failed = true
}

func (lasting) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

func (lasting) Failed() bool { return failed }

var directories atomic.Int64

// directory makes one that is there for as long as the package's tests.
func directory(tb testing.TB) string {
	tb.Helper()
	dir := filepath.Join(workDir, fmt.Sprint(directories.Add(1)))
	if err := os.Mkdir(dir, 0o700); err != nil {
		tb.Fatal(err)
	}
	return dir
}

var (
	postgresOnce sync.Once
	thePostgres  *services.Postgres
)

// postgresServer returns the server of all tests.
func postgresServer(tb testing.TB) *services.Postgres {
	tb.Helper()
	postgresOnce.Do(func() { thePostgres = services.StartPostgres(lasting{tb}, "max_connections=400") })
	if thePostgres == nil {
		tb.Skip("there is no PostgreSQL server: see the first test")
	}
	return thePostgres
}

const example = "example.com/mailkey/example/cluster"

// current is example/cluster, as it is now.
func current(tb testing.TB) string {
	tb.Helper()
	return built(tb, buildOnce)
}

var buildOnce = sync.OnceValues(func() (string, error) { return program.Build(workDir, example) })

func built(tb testing.TB, once func() (string, error)) string {
	tb.Helper()
	path, err := once()
	if err != nil {
		tb.Fatal(err)
	}
	return path
}
