package faults_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/program"
)

// A file of the database is removed, or replaced, while the server works: it
// says so, grants nothing and makes no new one. When the file is back, and the
// server was started anew, nothing that was promised is lost.
func TestFault_R13_fileGone(t *testing.T) {
	t.Parallel()
	for name, take := range map[string]func(t *testing.T, file, aside string){
		"removed": func(t *testing.T, file, aside string) { rename(t, file, aside) },
		"replaced by another": func(t *testing.T, file, aside string) {
			rename(t, file, aside)
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"its log removed": func(t *testing.T, file, aside string) { rename(t, file+"-wal", aside+"-wal") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, freshSQLite(t))
			s.start()
			s.steady()
			somebody := s.newPerson()
			token := somebody.logsIn()
			somebody.mustGet()
			aside := s.db.file + ".aside"
			take(t, s.db.file, aside)
			for what, got := range map[string]string{
				"a login":   somebody.guess(somebody.lastCode(), true).code,
				"a refresh": somebody.refresh(token),
				"a captcha": s.newPerson().asks(),
			} {
				if got != string(auth.ReasonBusy) {
					t.Errorf("%s: %s, want BUSY", what, got)
				}
			}
			if log := s.at.Stderr.String(); !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "was removed or replaced while it was open") {
				t.Errorf("no alarm in the log:\n%s", log)
			}
			if info, err := os.Stat(s.db.file); err == nil && info.Size() == 0 && name == "removed" || err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a new file was made: %v", err)
			}
			for _, suffix := range []string{"", "-wal"} {
				if _, err := os.Stat(aside + suffix); err == nil {
					rename(t, aside+suffix, s.db.file+suffix)
				}
			}
			s.at.Kill()
			s.start()
			s.recovers()
			if got := somebody.guess(somebody.lastCode(), true); got.code != ok {
				t.Errorf("the code afterwards: %s", got.code)
			}
			s.calm = s.state()
			s.check()
		})
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// The server may not write to its file, or beside it: it says so and does not
// start.
func TestFault_R13_noPermission(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ file, dir os.FileMode }{
		"to write the file":      {0o400, 0o700},
		"to read it":             {0, 0o700},
		"to write the directory": {0o600, 0o500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, err := shared.directory()
			if err != nil {
				t.Fatal(err)
			}
			s := newSite(t, sqliteIn(dir))
			give(t, dir)
			s.at = program.Start(t, unprivileged(s.command()))
			s.processes = append(s.processes, s.at)
			s.at.Serves(t)
			s.steady()
			s.at.Terminate(t)
			chmod := func(name string, mode os.FileMode) {
				if err := os.Chmod(name, mode); err != nil {
					t.Fatal(err)
				}
			}
			chmod(s.db.file, test.file)
			chmod(dir, test.dir)
			p := program.Start(t, unprivileged(s.command()))
			s.processes = append(s.processes, p)
			if got := p.Status(t, 20*time.Second); got != 1 || !strings.Contains(p.Stderr.String(), "open "+s.db.file) {
				t.Errorf("exit status %d and\n%s\nwant 1, and what cannot be opened", got, p.Stderr)
			}
			chmod(dir, 0o700)
			chmod(s.db.file, 0o600)
			s.at = program.Start(t, unprivileged(s.command()))
			s.processes = append(s.processes, s.at)
			s.at.Serves(t)
			s.recovers()
			s.check()
		})
	}
}

const nobody = 65534

// give makes a directory nobody's, if we are root.
func give(t *testing.T, dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
}

// unprivileged is a command that permissions apply to.
func unprivileged(cmd *exec.Cmd) *exec.Cmd {
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	return cmd
}
