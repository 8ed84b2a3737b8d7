package faults_test

import (
	"context"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/torture"
)

// Another process writes for three seconds: people wait for it.
func TestFault_R11_lockedForThreeSeconds(t *testing.T) {
	t.Parallel()
	s := newSite(t, freshSQLite(t))
	s.start()
	s.steady()
	somebody := s.newPerson()
	somebody.mustGet()
	unlock := s.lock()
	time.AfterFunc(3*time.Second, unlock)
	if got := somebody.guess(somebody.lastCode(), true); got.code != ok || got.took < 2*time.Second {
		t.Errorf("a login: %s after %v, want it after the three seconds", got.code, got.took)
	}
	s.recovers()
	s.check()
}

// Another process writes for longer than anybody is made to wait: all are told
// so after five seconds, however many wait, and nothing was granted.
func TestFault_R11_lockedForLong(t *testing.T) {
	t.Parallel()
	s := newSite(t, freshSQLite(t))
	s.start()
	s.steady()
	somebody := s.newPerson()
	somebody.mustGet()
	unlock := s.lock()
	until := time.Now().Add(time.Duration(torture.Rounds(12, 30)) * time.Second)
	try := func() string {
		for time.Now().Before(until) {
			answer := somebody.guess(somebody.lastCode(), true)
			if answer.code != string(auth.ReasonBusy) || answer.took > 8*time.Second {
				return answer.code + " after " + answer.took.String()
			}
		}
		return ""
	}
	others := func() string { // who come in between
		time.Sleep(2 * time.Second)
		return try()
	}
	for _, wrong := range together(try, try, others, others) {
		if wrong != "" {
			t.Errorf("a login: %s, want BUSY after five seconds", wrong)
		}
	}
	unlock()
	s.recovers()
	if got := somebody.guess(somebody.lastCode(), true); got.code != ok {
		t.Errorf("the code afterwards: %s", got.code)
	}
	s.check()
}

// lock takes the right to write, as another process does.
func (s *site) lock() (unlock func()) {
	s.Helper()
	db := s.db.open(s)
	conn, err := db.Conn(s.Context())
	if err == nil {
		_, err = conn.ExecContext(s.Context(), "BEGIN EXCLUSIVE")
	}
	if err != nil {
		s.Fatal(err)
	}
	return func() {
		if _, err := conn.ExecContext(context.Background(), "ROLLBACK"); err != nil {
			s.Error(err)
		}
		_ = conn.Close()
		_ = db.Close()
	}
}
