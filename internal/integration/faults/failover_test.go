package faults_test

import (
	"fmt"
	"strings"
	"testing"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/torture"
)

// A standby that is not waited for has not heard of the last logins when it
// becomes the primary: their codes are alive again, and open the door once
// more. How many is what was lost; docs/postgresql.md says so.
func TestFault_R19_failoverThatLosesWrites(t *testing.T) {
	t.Parallel()
	p := newPair(t, false)
	s := newSite(t, p.at())
	s.start()
	s.steady()
	people := s.withCodes(torture.Rounds(10, 100))
	before, after := people[:len(people)/2], people[len(people)/2:]
	used := func(people []*person) {
		for _, somebody := range people {
			if got := somebody.guess(somebody.lastCode(), true); got.code != ok {
				t.Errorf("a login: %s", got.code)
			}
		}
	}
	used(before)
	p.caughtUp()
	p.part()
	used(after)
	p.failOver()
	s.db.dsn = postgresAgain(t, s.db.dsn, p)
	s.recovers()
	for _, somebody := range before {
		somebody.checkNothingTwice()
	}
	again := 0
	for _, somebody := range after {
		for token := range somebody.alive {
			if got := somebody.refresh(token); got != string(auth.ReasonSessionInvalid) {
				t.Errorf("a session that was lost: %s", got)
			}
			delete(somebody.alive, token)
		}
		if somebody.guess(somebody.lastCode(), true).code == ok {
			again++
		}
	}
	t.Logf("%d of %d codes that were used after the standby had gone were used again, of those before none", again, len(after))
	if again != len(after) {
		t.Errorf("%d of %d: what was lost is not what was expected", again, len(after))
	}
	s.checkGuesses()
	s.checkLogs()
}

// With a synchronous standby nothing that was answered is lost, whenever the
// primary fails: neither the end of a code, nor that of a session. Who was not
// answered in time is told BUSY.
func TestFault_R19_failoverToASynchronousStandby(t *testing.T) {
	t.Parallel()
	p := newPair(t, true)
	s := newSite(t, p.at())
	s.start()
	s.steady()
	people := s.withCodes(torture.Rounds(16, 100))
	quarter := len(people) / 4
	var out []*person
	for _, somebody := range people[:2*quarter] {
		if got := somebody.guess(somebody.lastCode(), true); got.code != ok {
			t.Errorf("a login: %s", got.code)
		}
	}
	out = append(out, people[quarter:2*quarter]...)
	p.part()
	// Neither logins nor logouts can be promised now.
	var things []func() string
	for _, somebody := range out {
		for token := range somebody.alive {
			things = append(things, func() string { return "logout: " + somebody.logout(token) })
		}
	}
	for _, somebody := range people[2*quarter : 3*quarter] {
		things = append(things, func() string { return "login: " + somebody.guess(somebody.lastCode(), true).code })
	}
	for _, somebody := range people[3*quarter:] {
		things = append(things, func() string { return "wrong: " + somebody.guess(other(somebody.lastCode()), false).code })
	}
	for _, got := range together(things...) {
		if !strings.HasSuffix(got, ": "+string(auth.ReasonBusy)) {
			t.Errorf("without the standby: %s, want BUSY", got)
		}
	}
	p.failOver()
	s.db.dsn = postgresAgain(t, s.db.dsn, p)
	s.recovers()
	for _, somebody := range people[2*quarter:] {
		if got := somebody.guess(somebody.lastCode(), true); got.code != ok {
			t.Errorf("a code that was not used, as far as anybody was told: %s", got.code)
		}
	}
	s.check()
}

// withCodes are people who got a code each.
func (s *site) withCodes(n int) (people []*person) {
	s.Helper()
	for range n {
		p := s.newPerson()
		p.mustGet()
		people = append(people, p)
	}
	s.mailed()
	return people
}

// There is a standby that lags behind, and it is in the URL, too. Nothing is
// asked there: a session that was ended is ended, though it is alive on the
// standby.
func TestFault_R20_laggingStandby(t *testing.T) {
	t.Parallel()
	p := newPair(t, false)
	s := newSite(t, p.at())
	both := strings.Replace(p.primary.URL("postgres"), p.primary.Addr, p.standby.Addr+","+p.primary.Addr, 1)
	s.db = s.db.with("-database", both+"&target_session_attrs=read-write")
	s.start()
	s.steady()
	token := s.newPerson().logsIn()
	p.caughtUp()
	p.ask(p.standby, "SELECT pg_wal_replay_pause()::text")
	schema := s.db.args[3]
	for range torture.Rounds(5, 100) {
		if refused := s.newPerson().livesAgain(); refused != "" { // which looks at the session after its end
			t.Error(refused)
		}
	}
	last := s.people[1]
	if got := last.logout(token); got != ok {
		t.Error(got)
	}
	if got := last.refresh(token); got != string(auth.ReasonSessionInvalid) {
		t.Errorf("after the logout: %s", got)
	}
	alive := fmt.Sprintf("SELECT count(*)::text FROM %s.sessions WHERE ended_at IS NULL", schema)
	if here, there := p.ask(p.primary, alive), p.ask(p.standby, alive); here == there {
		t.Errorf("%s sessions on the primary and %s on the standby: it does not lag", here, there)
	}
	for line := range strings.Lines(p.standby.Log()) {
		if strings.Contains(line, "statement:") && strings.Contains(line, "mailkey") ||
			strings.Contains(line, schema) && !strings.Contains(line, alive) {
			t.Errorf("asked of the standby: %s", line)
		}
	}
	s.check()
}
