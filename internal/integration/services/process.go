// Package services starts the real servers that tests talk to: private ones, in
// directories of their own, on free ports of the loopback interface, ended by
// the test that started them. A test is skipped when the program it needs is
// not installed.
package services

import (
	"bytes"
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
	"sync"
	"syscall"
	"testing"
	"time"
)

// startTimeout is how long a server may take until it answers, on a busy machine.
const startTimeout = 60 * time.Second

// program finds an installed program. Debian keeps some outside of PATH.
func program(tb testing.TB, name string) string {
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

// Process is a running server. It ends with the test.
type Process struct {
	cmd   *exec.Cmd
	out   *output
	ended chan struct{}
}

// run starts a server, as an unprivileged user if need be, which owns dir.
func run(tb testing.TB, dir string, cmd *exec.Cmd) *Process {
	tb.Helper()
	unprivileged(tb, dir, cmd)
	cmd.Dir = dir
	return Run(tb, cmd)
}

// Run starts a program, as whoever runs the test.
func Run(tb testing.TB, cmd *exec.Cmd) *Process {
	tb.Helper()
	p := &Process{cmd: cmd, out: &output{}, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.out, p.out
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // the exit status is in ProcessState
	}()
	tb.Cleanup(p.Kill)
	return p
}

// Kill ends the server at once. It does nothing when it has ended.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // fails when it has ended
	<-p.ended
}

// Stop sends a signal and waits for the end.
func (p *Process) Stop(tb testing.TB, signal os.Signal) {
	tb.Helper()
	p.Signal(tb, signal)
	p.Wait(tb, startTimeout)
}

// Wait waits for the end and returns the exit status, -1 after a signal.
func (p *Process) Wait(tb testing.TB, within time.Duration) (status int) {
	tb.Helper()
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(within):
		tb.Fatalf("%s does not end within %v\n%s", p.cmd.Path, within, p.out)
		return -1
	}
}

// Signal sends a signal.
func (p *Process) Signal(tb testing.TB, signal os.Signal) {
	tb.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		tb.Fatalf("%s: %v\n%s", p.cmd.Path, err, p.out)
	}
}

// Log is what the server has written so far.
func (p *Process) Log() string { return p.out.String() }

// Await polls until the server answers.
func (p *Process) Await(tb testing.TB, answers func(context.Context) error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		err := answers(ctx)
		if err == nil {
			return
		}
		select {
		case <-p.ended:
			tb.Fatalf("%s ended\n%s", p.cmd.Path, p.out)
		case <-ctx.Done():
			tb.Fatalf("%s does not answer: %v\n%s", p.cmd.Path, err, p.out)
		case <-time.After(20 * time.Millisecond):
		}
	}
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

// output collects what a process writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
