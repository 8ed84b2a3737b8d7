// Package services starts the real servers that tests talk to: private ones, in
// directories of their own, on free ports of the loopback interface, ended by
// the test that started them. A test is skipped when the program it needs is
// not installed.
package services

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"example.com/mailkey/internal/integration/program"
)

// installed finds an installed program. Debian keeps some outside of PATH.
func installed(tb testing.TB, name string) string {
	tb.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, pattern := range []string{"/usr/sbin/", "/usr/lib/postgresql/*/bin/"} {
		if found, _ := filepath.Glob(pattern + name); len(found) > 0 { // the pattern is well-formed
			return found[len(found)-1]
		}
	}
	tb.Skipf("%s is not installed", name)
	return ""
}

// FreeAddr returns an address on the loopback interface that nothing listens
// on. Nothing keeps it free, but its port is below those that the system gives
// to connections.
func FreeAddr(tb testing.TB) string {
	tb.Helper()
	for range 100 {
		var b [2]byte
		_, _ = rand.Read(b[:]) // never fails
		port := 16384 + binary.BigEndian.Uint16(b[:])%16384
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		l.Close()
		return l.Addr().String()
	}
	tb.Fatal("no port is free")
	return ""
}

// run starts a server, as an unprivileged user if need be, which owns dir.
func run(tb testing.TB, dir string, cmd *exec.Cmd) *program.Process {
	tb.Helper()
	unprivileged(tb, dir, cmd)
	cmd.Dir, cmd.Env = dir, os.Environ()
	return program.Start(tb, cmd)
}

// dials reports whether something listens.
func dials(addr string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

// unprivileged makes a command that root starts run as nobody: PostgreSQL
// refuses to be root.
func unprivileged(tb testing.TB, dir string, cmd *exec.Cmd) {
	tb.Helper()
	if os.Geteuid() != 0 {
		return
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		tb.Fatal(err)
	}
	uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
	if err != nil {
		tb.Fatal(err)
	}
	gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.Chown(dir, int(uid), int(gid)); err != nil {
		tb.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

// directory makes one that an unprivileged server can reach. It is removed with
// the test.
func directory(tb testing.TB, name string) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "mailkey-"+name+"-") //nolint:usetesting // another user has to reach it
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			tb.Error(err)
		}
	})
	return dir
}

// command runs a program to its end.
func command(tb testing.TB, dir, path string, args ...string) {
	tb.Helper()
	cmd := exec.Command(path, args...)
	unprivileged(tb, dir, cmd)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("%s: %v\n%s", path, err, out)
	}
}
