// Package program builds programs of the module and runs them as processes of
// their own, which can be killed.
package program

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"syscall"
	"testing"
	"time"
)

// Build builds a program into a directory and returns its path. It has the
// race detector when the test has it.
func Build(dir, pkg string, tags ...string) (path string, out []byte, err error) {
	path = filepath.Join(dir, filepath.Base(pkg))
	args := []string{"build", "-o", path}
	if Race() {
		args = append(args, "-race")
	}
	for _, tag := range tags {
		args = append(args, "-tags", tag)
	}
	out, err = exec.Command("go", append(args, pkg)...).CombinedOutput()
	return path, out, err
}

// Race reports whether this test has the race detector.
func Race() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// Process is one run of a program. It ends with the test.
type Process struct {
	URL            string // where it serves, without a slash at the end; see Serves
	Stdout, Stderr *Output

	cmd   *exec.Cmd
	ended chan struct{}
}

// Start starts a command. With the race detector, the first race ends it.
func Start(tb testing.TB, cmd *exec.Cmd) *Process {
	tb.Helper()
	p := &Process{Stdout: NewOutput(), Stderr: NewOutput(), cmd: cmd, ended: make(chan struct{})}
	cmd.Env = append(cmd.Env, "GORACE=halt_on_error=1") // and nothing of this process
	cmd.Stdout, cmd.Stderr = p.Stdout, p.Stderr
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

const serving = `open (http://127\.0\.0\.1:\d+)/`

// Serves waits until the process has written to Stdout where it serves.
func (p *Process) Serves(tb testing.TB) {
	tb.Helper()
	p.URL = p.WaitFor(tb, p.Stdout, serving)
}

// ServesOrEnds is Serves for a process that may end instead.
func (p *Process) ServesOrEnds(tb testing.TB) (serves bool) {
	tb.Helper()
	p.URL = p.waitFor(tb, p.Stdout, serving)
	return p.URL != ""
}

// Ended is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// PID is the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Kill ends the process as a power cut would.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // fails when it has ended
	<-p.ended
}

// Terminate asks the process to end, which it does with status 0 in time.
func (p *Process) Terminate(tb testing.TB) {
	tb.Helper()
	p.Signal(tb)
	p.EndsWell(tb)
}

// Signal asks the process to end.
func (p *Process) Signal(tb testing.TB) {
	tb.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		tb.Fatalf("SIGTERM: %v\n%s", err, p.Stderr)
	}
}

// EndsWell waits until the process has ended with status 0.
func (p *Process) EndsWell(tb testing.TB) {
	tb.Helper()
	if got := p.Status(tb, 10*time.Second); got != 0 {
		tb.Errorf("exit status after SIGTERM: got %d, want 0\n%s", got, p.Stderr)
	}
}

// Status waits for the end of the process.
func (p *Process) Status(tb testing.TB, within time.Duration) int {
	tb.Helper()
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(within):
		tb.Fatalf("the process runs on after %v\n%s", within, p.Stderr)
		return -1
	}
}

// WaitFor waits until the process has written what matches, and returns the
// last group of the match.
func (p *Process) WaitFor(tb testing.TB, o *Output, pattern string) string {
	tb.Helper()
	found := p.waitFor(tb, o, pattern)
	if found == "" {
		tb.Fatalf("the process ended without writing %s\n%s\n%s", pattern, p.Stdout, p.Stderr)
	}
	return found
}

// waitFor returns nothing when the process ended.
func (p *Process) waitFor(tb testing.TB, o *Output, pattern string) string {
	tb.Helper()
	re := regexp.MustCompile(pattern)
	timeout := time.After(30 * time.Second)
	for ended := false; ; {
		text, changed := o.read()
		if m := re.FindStringSubmatch(text); m != nil {
			return m[len(m)-1]
		}
		if ended {
			return ""
		}
		select {
		case <-changed:
		case <-p.ended:
			ended = true // look once more
		case <-timeout:
			tb.Fatalf("nothing like %s was written\n%s\n%s", pattern, p.Stdout, p.Stderr)
		}
	}
}
