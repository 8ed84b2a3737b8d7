package integration

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// buildExample builds the example as a program, with the race detector when
// the test has it.
func buildExample(t *testing.T) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "example")
	args := []string{"build", "-o", program}
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "example.com/mailkey/example")...).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

// exampleHome is what outlives a process: its files, and what must not be
// found in them.
type exampleHome struct {
	program string
	dir     string
	args    []string // of each start

	processes []*exampleProcess
	private   []string // codes, tokens and the like: must be in no file and no log
	addresses []string // must be in no log
}

func newExampleHome(t *testing.T, program string, args ...string) *exampleHome {
	return &exampleHome{program: program, dir: t.TempDir(), args: args}
}

func (h *exampleHome) database() string { return filepath.Join(h.dir, "mailkey.db") }

// exampleProcess is one run of the example.
type exampleProcess struct {
	cmd            *exec.Cmd
	url            string // without a slash at the end
	stdout, stderr *exampleOutput
	ended          chan struct{}
}

// launch starts a process that may or may not come up.
func (h *exampleHome) launch(t *testing.T, env []string, args ...string) *exampleProcess {
	t.Helper()
	p := &exampleProcess{
		cmd:    exec.Command(h.program, append(slices.Clone(h.args), args...)...),
		stdout: newExampleOutput(), stderr: newExampleOutput(),
		ended: make(chan struct{}),
	}
	p.cmd.Dir = h.dir
	p.cmd.Env = append([]string{"GORACE=halt_on_error=1"}, env...)
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // the exit status is in ProcessState
	}()
	t.Cleanup(p.kill)
	h.processes = append(h.processes, p)
	return p
}

// start starts a process on a free port and waits until it serves.
func (h *exampleHome) start(t *testing.T, env ...string) *exampleProcess {
	t.Helper()
	p := h.launch(t, env, "-addr", "127.0.0.1:0")
	p.url = p.waitFor(t, p.stdout, `open (http://127\.0\.0\.1:\d+)/`)
	return p
}

// kill ends the process as a power cut would.
func (p *exampleProcess) kill() {
	_ = p.cmd.Process.Kill() // fails when it has ended
	<-p.ended
}

// terminate asks the process to end, which it does with status 0 in time.
func (p *exampleProcess) terminate(t *testing.T) {
	t.Helper()
	p.signal(t)
	p.endsWell(t)
}

func (p *exampleProcess) signal(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatalf("SIGTERM: %v\n%s", err, p.stderr)
	}
}

func (p *exampleProcess) endsWell(t *testing.T) {
	t.Helper()
	if got := p.status(t, 10*time.Second); got != 0 {
		t.Errorf("exit status after SIGTERM: got %d, want 0\n%s", got, p.stderr)
	}
}

// status waits for the end of the process.
func (p *exampleProcess) status(t *testing.T, within time.Duration) int {
	t.Helper()
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(within):
		t.Fatalf("the process runs on after %v\n%s", within, p.stderr)
		return -1
	}
}

// waitFor waits until the process has written what matches, and returns the
// first group of the match.
func (p *exampleProcess) waitFor(t *testing.T, o *exampleOutput, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	timeout := time.After(30 * time.Second)
	for ended := false; ; {
		text, changed := o.read()
		if m := re.FindStringSubmatch(text); m != nil {
			return m[len(m)-1]
		}
		if ended {
			t.Fatalf("the process ended without writing %s\n%s\n%s", pattern, p.stdout, p.stderr)
		}
		select {
		case <-changed:
		case <-p.ended:
			ended = true // look once more
		case <-timeout:
			t.Fatalf("nothing like %s was written\n%s\n%s", pattern, p.stdout, p.stderr)
		}
	}
}

// exampleOutput collects what a process writes.
type exampleOutput struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // closed and replaced with each write
}

func newExampleOutput() *exampleOutput { return &exampleOutput{changed: make(chan struct{})} }

func (o *exampleOutput) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.changed)
	o.changed = make(chan struct{})
	return o.text.Write(b)
}

func (o *exampleOutput) read() (string, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String(), o.changed
}

func (o *exampleOutput) String() string {
	text, _ := o.read()
	return text
}
