package faults_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"example.com/mailkey/internal/integration/services"
	"example.com/mailkey/internal/integration/smtpd"
	"example.com/mailkey/internal/torture"
)

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
			if refused := s.newPerson().live(); refused != "" && !refusedFairly(refused) { // on a busy machine the copy takes seconds
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
	defer cut.remove(s.T)
	cut.mount(s.T)
	defer cut.unmount(s.T)
	again := newSiteWith(s.T, sqliteIn(cut.dir), smtpd.New(s, smtpd.Config{}))
	for _, p := range promised {
		p.site = again
		again.people = append(again.people, p)
	}
	again.start()
	for _, p := range promised[max(0, len(promised)-100):] { // those before were looked at after another cut
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
		stays.mustGet()
		for _, refused := range together(people...) {
			if refused != "" {
				t.Errorf("%s\n%s", refused, s.at.Stderr)
			}
		}
		stays.guess(stays.lastCode(), true)
		postgres.Stop(t, services.Immediate)
		postgres.Start(t)
		s.recovers()
	}
	s.check()
}

// The disk does nothing for two seconds, again and again: people wait for it,
// and log in.
func TestFault_R17_diskStalls(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	s := newSite(t, sqliteIn(d.dir))
	s.start()
	s.steady()
	well := s.isSlow(func() {
		d.stall(t, func() { time.Sleep(2 * time.Second) })
		time.Sleep(300 * time.Millisecond)
	})
	if well == 0 {
		t.Errorf("nobody got through\n%s", s.at.Stderr)
	}
	s.recovers()
	s.check()
	s.isWhole()
	s.at.Terminate(t)
}
