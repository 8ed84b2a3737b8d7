package faults_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"example.com/mailkey/auth"
)

// The disk is full: nobody is granted anything, nothing is lost, and the server
// goes on when there is room again.
func TestFault_R12_diskFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=5m"); err != nil {
		t.Skipf("needs the right to mount a disk: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	s := newSite(t, sqliteIn(dir))
	s.isFull(func() (mend func()) {
		name := filepath.Join(dir, "others")
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		for block := make([]byte, 4096); err == nil; {
			_, err = f.Write(block)
		}
		f.Close()
		return func() {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	})
	s.at.Terminate(t)
}

// The same where nothing can be mounted: the server may not make files larger
// than they are.
func TestFault_R12_quota(t *testing.T) {
	t.Parallel()
	s := newSite(t, freshSQLite(t))
	s.isFull(func() (mend func()) {
		info, err := os.Stat(s.db.file + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		unlimited := setFileSize(t, s.at.PID(), uint64(info.Size()))
		return func() { setFileSize(t, s.at.PID(), unlimited) }
	})
}

// setFileSize bounds the files that a process can write, and returns what the
// bound was.
func setFileSize(t *testing.T, pid int, bytes uint64) (before uint64) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: bytes, Max: unix.RLIM_INFINITY}, &old); err != nil {
		t.Fatal(err)
	}
	return old.Cur
}

// isFull plays with a disk that fill leaves no room on.
func (s *site) isFull(fill func() (mend func())) {
	s.Helper()
	s.start()
	s.steady()
	somebody := s.newPerson()
	token := somebody.logsIn()
	somebody.mustGet()
	mend := fill()
	refused := 0
	for range 200 { // the log of the database has room for some more
		if got := s.newPerson().asks(); got == string(auth.ReasonBusy) {
			refused++
		} else if got != ok {
			s.Errorf("a mail: %s, want BUSY or %s", got, ok)
		}
		if refused == 3 {
			break
		}
	}
	if refused < 3 {
		s.Error("the disk is not full")
	}
	for what, got := range map[string]string{
		"a wrong guess": somebody.guess(other(somebody.lastCode()), false).code,
		"a login":       somebody.guess(somebody.lastCode(), true).code,
		"a logout":      somebody.logout(token),
	} {
		if got != string(auth.ReasonBusy) {
			s.Errorf("%s: %s, want BUSY", what, got)
		}
	}
	mend()
	s.recovers()
	if got := somebody.guess(somebody.lastCode(), true); got.code != ok {
		s.Errorf("the code afterwards: %s", got.code)
	}
	s.check()
	s.isWhole()
}

// isWhole looks whether the file is.
func (s *site) isWhole() {
	s.Helper()
	db := s.db.open(s)
	defer db.Close()
	var found string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&found); err != nil || found != "ok" {
		s.Errorf("integrity_check: %s, %v", found, err)
	}
}
