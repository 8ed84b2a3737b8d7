package faults_test

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"example.com/mailkey/internal/integration/services"
	"example.com/mailkey/internal/integration/smtpd"
	"example.com/mailkey/internal/torture"
)

// disk is a file system in a file, which holds what has reached the disk and
// nothing of what the system still keeps in memory.
type disk struct{ image, dir string }

func newDisk(t *testing.T) disk {
	t.Helper()
	dir := t.TempDir()
	d := disk{image: filepath.Join(dir, "image"), dir: filepath.Join(dir, "disk")}
	f, err := os.Create(d.image)
	if err == nil {
		err = f.Truncate(32 << 20)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", d.image).CombinedOutput(); err != nil {
		t.Skipf("a disk cannot be made: %v %s", err, out)
	}
	d.mount(t)
	return d
}

func (d disk) mount(t *testing.T) {
	t.Helper()
	if err := os.Mkdir(d.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-o", "loop,commit=300", d.image, d.dir).CombinedOutput(); err != nil {
		t.Skipf("a disk cannot be mounted: %v %s", err, out)
	}
	t.Cleanup(func() { d.unmount(t) })
	if err := os.Chmod(d.dir, 0o700); err != nil {
		t.Fatal(err)
	}
}

// unmount may be called again.
func (d disk) unmount(t *testing.T) {
	if err := unix.Unmount(d.dir, 0); err != nil && err != unix.EINVAL {
		t.Error(err)
	}
}

// copy is what a power cut would leave now.
func (d disk) copy(t *testing.T) disk {
	t.Helper()
	dir := t.TempDir()
	c := disk{image: filepath.Join(dir, "image"), dir: filepath.Join(dir, "disk")}
	from, err := os.Open(d.image)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.Create(c.image)
	if err == nil {
		_, err = io.Copy(to, from)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return c
}

// The power fails at any moment, and of the disk there is what had reached it.
// The file is whole then, what had been answered as used is used, and what had
// been granted is there.
func TestFault_R14_powerLoss(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	s := newSite(t, sqliteIn(d.dir))
	s.start()
	s.steady()
	random := rand.New(rand.NewPCG(14, 1))
	var stop atomic.Bool
	people := func() string {
		for !stop.Load() {
			if refused := s.newPerson().live(); refused != "" {
				return refused
			}
			if stays := s.newPerson(); stays.gets() == "" { // does not log out
				stays.guess(stays.lastCode(), true)
			}
		}
		return ""
	}
	power := func() string {
		defer stop.Store(true)
		for n := range torture.Rounds(6, 200) {
			time.Sleep(time.Duration(random.Int64N(int64(800 * time.Millisecond))))
			s.signal(syscall.SIGSTOP)
			promised := s.promised()
			cut := d.copy(t)
			s.signal(syscall.SIGCONT)
			s.survives(cut, promised)
			if t.Failed() {
				return fmt.Sprint("after cut ", n)
			}
		}
		return ""
	}
	for _, wrong := range together(people, people, people, power) {
		if wrong != "" {
			t.Errorf("%s\n%s", wrong, s.at.Stderr)
		}
	}
	s.recovers()
	s.check()
	s.isWhole()
	s.at.Terminate(t)
}

func (s *site) signal(which syscall.Signal) {
	s.Helper()
	if err := syscall.Kill(s.at.PID(), which); err != nil {
		s.Fatal(err)
	}
}

// promised is what people have been told up to now. Whether a session that
// somebody may be ending is alive is not known.
func (s *site) promised() (people []*person) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.people {
		then := &person{
			email: p.email, private: slices.Clone(p.private), codes: slices.Clone(p.codes), guesses: p.guesses,
			tickets: maps.Clone(p.tickets), wrong: maps.Clone(p.wrong), ended: maps.Clone(p.ended), alive: map[string]bool{},
			logins: map[string][]string{},
		}
		for code, answers := range p.logins {
			then.logins[code] = slices.Clone(answers)
		}
		if len(p.wrong) == 0 { // see live
			then.alive = maps.Clone(p.alive)
		}
		people = append(people, then)
	}
	return people
}

// survives looks whether a copy of the disk keeps what was promised.
func (s *site) survives(cut disk, promised []*person) {
	s.Helper()
	cut.mount(s.T)
	defer cut.unmount(s.T)
	again := newSiteWith(s.T, sqliteIn(cut.dir), smtpd.New(s, smtpd.Config{}))
	for _, p := range promised {
		p.site = again
		again.people = append(again.people, p)
	}
	again.start()
	for _, p := range promised {
		p.checkNothingTwice()
	}
	if refused := again.newPerson().livesAgain(); refused != "" {
		s.Errorf("after the power cut: %s\n%s", refused, again.at.Stderr)
	}
	again.isWhole()
	again.at.Kill()
}

// PostgreSQL dies, and with it what it had not written yet, ten seconds' worth
// of what nobody waits for. What was answered is there.
func TestFault_R14_postgresDies(t *testing.T) {
	t.Parallel()
	postgres := services.StartPostgres(t, "wal_writer_delay=10s", "wal_writer_flush_after=0")
	s := newSite(t, postgresAt(postgres.URL("postgres")))
	s.start()
	s.steady()
	for range torture.Rounds(2, 100) {
		var people []func() string
		for range 4 {
			people = append(people, s.newPerson().live)
		}
		stays := s.newPerson()
		if refused := stays.gets(); refused != "" {
			t.Fatal(refused)
		}
		for _, refused := range together(people...) {
			if refused != "" {
				t.Error(refused)
			}
		}
		stays.guess(stays.lastCode(), true)
		postgres.Stop(t, services.Immediate)
		postgres.Start(t)
		s.recovers()
	}
	s.check()
}
