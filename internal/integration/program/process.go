package program

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"testing"
	"time"
)

// Process is one run of a program. It ends with the test.
type Process struct {
	URL            string // where it serves, without a slash at the end; see Serves
	Stdout, Stderr *Output

	cmd   *exec.Cmd
	ended chan struct{}
}

// patience is how long a server may take to start or to end, on a busy machine.
const patience = 60 * time.Second

// Start starts a command, with the environment that it names and no other. With
// the race detector, the first race ends it.
func Start(tb testing.TB, cmd *exec.Cmd) *Process {
	tb.Helper()
	p := &Process{Stdout: NewOutput(), Stderr: NewOutput(), cmd: cmd, ended: make(chan struct{})}
	cmd.Env = append(cmd.Env, "GORACE=halt_on_error=1")
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

// Log is all that the process has written.
func (p *Process) Log() string { return p.Stdout.String() + p.Stderr.String() }

// Kill ends the process as a power cut would. It does nothing when it has ended.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // fails when it has ended
	<-p.ended
}

// Signal sends a signal.
func (p *Process) Signal(tb testing.TB, signal os.Signal) {
	tb.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		tb.Fatalf("%s: %v: %v\n%s", p.cmd.Path, signal, err, p.Log())
	}
}

// Stop sends a signal and waits for the end.
func (p *Process) Stop(tb testing.TB, signal os.Signal) {
	tb.Helper()
	p.Signal(tb, signal)
	p.Status(tb, patience)
}

// Terminate asks the process to end, which it does with status 0 in time.
func (p *Process) Terminate(tb testing.TB) {
	tb.Helper()
	p.Signal(tb, syscall.SIGTERM)
	p.EndsWell(tb, 10*time.Second)
}

// EndsWell waits until the process has ended with status 0.
func (p *Process) EndsWell(tb testing.TB, within time.Duration) {
	tb.Helper()
	if got := p.Status(tb, within); got != 0 {
		tb.Errorf("exit status after SIGTERM: got %d, want 0\n%s", got, p.Log())
	}
}

// Status waits for the end of the process, and returns its exit status, -1
// after a signal.
func (p *Process) Status(tb testing.TB, within time.Duration) int {
	tb.Helper()
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(within):
		tb.Fatalf("%s runs on after %v\n%s", p.cmd.Path, within, p.Log())
		return -1
	}
}

// Await polls until the process, a server, answers.
func (p *Process) Await(tb testing.TB, answers func(context.Context) error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		err := answers(ctx)
		if err == nil {
			return
		}
		select {
		case <-p.ended:
			tb.Fatalf("%s ended\n%s", p.cmd.Path, p.Log())
		case <-ctx.Done():
			tb.Fatalf("%s does not answer: %v\n%s", p.cmd.Path, err, p.Log())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// WaitFor waits until the process has written what matches, and returns the
// last group of the match.
func (p *Process) WaitFor(tb testing.TB, o *Output, pattern string) string {
	tb.Helper()
	found := p.waitFor(tb, o, pattern)
	if found == "" {
		tb.Fatalf("the process ended without writing %s\n%s", pattern, p.Log())
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
			tb.Fatalf("nothing like %s was written\n%s", pattern, p.Log())
		}
	}
}
