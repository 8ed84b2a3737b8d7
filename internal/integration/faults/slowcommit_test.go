package faults_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/torture"
)

// Each commit takes seconds. Everything takes longer, nobody waits for ever, and
// nothing that was answered is wrong. SQLite has one writer: with half a second
// for each commit people get through, with two they are told BUSY, after the
// five seconds that a request may take.
func TestFault_R17_slowCommits(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, freshSQLite(t))
		s.start()
		s.steady()
		s.fail("sqlite: commit=sleep 500ms")
		if well := s.isSlow(func() {}); well == 0 {
			t.Error("half a second for each commit, and nobody got through")
		}
		s.fail("sqlite: commit=sleep 2s")
		s.isSlow(func() {})
		s.fail("")
		s.recovers()
		s.check()
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		p := newPair(t, true)
		s := newSite(t, p.at())
		s.start()
		s.steady()
		receiver := p.ask(p.standby, "SELECT pid::text FROM pg_stat_wal_receiver")
		var pid int
		if _, err := fmt.Sscan(receiver, &pid); err != nil {
			t.Fatal(err)
		}
		process, err := os.FindProcess(pid)
		if err != nil {
			t.Fatal(err)
		}
		signal := func(which os.Signal) {
			if err := process.Signal(which); err != nil {
				t.Error(err)
			}
		}
		well := s.isSlow(func() { // each commit waits for the standby
			signal(syscall.SIGSTOP)
			time.Sleep(1800 * time.Millisecond)
			signal(syscall.SIGCONT)
			time.Sleep(50 * time.Millisecond)
		})
		if well == 0 {
			t.Error("nobody got through")
		}
		s.recovers()
		s.check()
	})
}

// isSlow lets people live while slow is called again and again, and returns how
// many did.
func (s *site) isSlow(slow func()) (well int) {
	s.Helper()
	until := time.Now().Add(time.Duration(torture.Rounds(6, 120)) * time.Second)
	answers := make(map[string]int)
	var people []func() string
	for range 8 {
		people = append(people, func() string {
			for time.Now().Before(until) {
				got := s.newPerson().live()
				s.mu.Lock()
				answers[got]++
				s.mu.Unlock()
			}
			return ""
		})
	}
	together(append(people, func() string {
		for time.Now().Before(until) {
			slow()
		}
		return ""
	})...)
	s.Log(answers)
	for got := range answers {
		if got != "" && !strings.HasSuffix(got, string(auth.ReasonBusy)) {
			s.Errorf("while the disk is slow: %s", got)
		}
	}
	return answers[""]
}
