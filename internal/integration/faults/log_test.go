package faults_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"context"

	"example.com/mailkey/internal/integration/program"
)

// shell is the command of a server as a shell starts it.
func (s *site) shell(script string, env ...string) *program.Process {
	s.Helper()
	cmd := s.command()
	sh := exec.Command("sh", slices.Concat([]string{"-c", script, "sh"}, cmd.Args)...)
	sh.Env = env
	s.at = program.Start(s, sh)
	s.processes = append(s.processes, s.at)
	s.at.Serves(s)
	return s.at
}

// Nothing can be written to the log: nobody notices.
func TestFault_R39_logFails(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, fresh func(testing.TB) database) {
		s := newSite(t, fresh(t))
		s.shell(`exec "$@" 2>/dev/full`)
		s.steady()
		for range 3 {
			if refused := s.newPerson().live(); refused != "" {
				t.Error(refused)
			}
		}
		s.check()
	})
}

// Nobody reads the log, and it is full. A [slog.Handler] that waits is waited
// for: what was asked is done, and answered when somebody reads again. Nothing
// is done twice.
func TestFault_R39_logBlocks(t *testing.T) {
	t.Parallel()
	s := newSite(t, freshSQLite(t))
	name := filepath.Join(t.TempDir(), "log")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.shell(`exec "$@" 2>`+name, "GODEBUG=")
	s.steady()
	full := make([]byte, 1<<16)
	for i := range full {
		full[i] = '\n'
	}
	fd := int(log.Fd()) // from now on, writing and reading wait
	if err := syscall.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	for len(full) > 0 { // first by large pieces, then by small ones
		n, err := syscall.Write(fd, full)
		if err != nil {
			full = full[:len(full)/2]
		}
		_ = n
	}
	somebody := s.newPerson()
	waiting, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if got := somebody.gets(); got == "" { // a mail that is delivered needs no line
		if got := somebody.guessWhile(waiting, somebody.lastCode(), true); got.code != lost {
			t.Errorf("a login, which has a line in the log: %s", got.code)
		}
	}
	if err := syscall.SetNonblock(fd, false); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, log) }() // ends with the process
	s.recovers()
	s.check()
	s.at.Kill()
}
