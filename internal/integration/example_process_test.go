package integration

import (
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"example.com/mailkey/internal/integration/program"
)

// buildExample builds the example as a program.
func buildExample(t *testing.T) (path string) {
	t.Helper()
	path, err := program.Build(t.TempDir(), "example.com/mailkey/example")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// exampleHome is what outlives a process: its files, and what must not be
// found in them.
type exampleHome struct {
	program string
	dir     string
	args    []string // of each start

	processes []*program.Process
	private   []string // codes, tokens and the like: must be in no file and no log
	addresses []string // must be in no log
}

func newExampleHome(t *testing.T, program string, args ...string) *exampleHome {
	return &exampleHome{program: program, dir: t.TempDir(), args: args}
}

func (h *exampleHome) database() string { return filepath.Join(h.dir, "mailkey.db") }

// launch starts a process that may or may not come up.
func (h *exampleHome) launch(t *testing.T, env []string, args ...string) *program.Process {
	t.Helper()
	cmd := exec.Command(h.program, append(slices.Clone(h.args), args...)...)
	cmd.Dir = h.dir
	cmd.Env = slices.Clone(env)
	p := program.Start(t, cmd)
	h.processes = append(h.processes, p)
	return p
}

// start starts a process on a free port and waits until it serves.
func (h *exampleHome) start(t *testing.T, env ...string) *program.Process {
	t.Helper()
	p := h.launch(t, env, "-addr", "127.0.0.1:0")
	p.Serves(t)
	return p
}
