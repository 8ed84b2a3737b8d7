package services

import (
	"net"
	"os/exec"
	"testing"
)

// Redis is a Redis server that keeps everything in memory.
type Redis struct {
	*Process
	Addr string
}

// StartRedis starts a server with further arguments, such as "--maxmemory", "2mb".
func StartRedis(tb testing.TB, args ...string) *Redis {
	tb.Helper()
	r := &Redis{Addr: FreeAddr(tb)}
	host, port, err := net.SplitHostPort(r.Addr)
	if err != nil {
		tb.Fatal(err)
	}
	dir := directory(tb, "redis")
	args = append([]string{"--bind", host, "--port", port, "--save", "", "--appendonly", "no", "--dir", dir}, args...)
	r.Process = run(tb, dir, exec.Command(program(tb, "redis-server"), args...))
	r.await(tb, dials(r.Addr))
	return r
}
