package services

import (
	"net"
	"os/exec"
	"testing"

	"example.com/mailkey/internal/integration/program"
)

// Redis is a Redis server that keeps everything in memory.
type Redis struct {
	*program.Process
	Addr string
	dir  string
	args []string
}

// StartRedis starts a server with further arguments, such as "--maxmemory", "2mb".
func StartRedis(tb testing.TB, args ...string) *Redis {
	tb.Helper()
	r := &Redis{Addr: FreeAddr(tb)}
	host, port, err := net.SplitHostPort(r.Addr)
	if err != nil {
		tb.Fatal(err)
	}
	r.dir = directory(tb, "redis")
	r.args = append([]string{"--bind", host, "--port", port, "--save", "", "--appendonly", "no", "--dir", r.dir}, args...)
	r.Start(tb)
	return r
}

// Start starts the server again, empty, after Stop or Kill.
func (r *Redis) Start(tb testing.TB) {
	tb.Helper()
	r.Process = run(tb, r.dir, exec.Command(installed(tb, "redis-server"), r.args...))
	r.Await(tb, dials(r.Addr))
}
