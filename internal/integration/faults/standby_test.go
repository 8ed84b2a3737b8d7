package faults_test

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/services"
	"example.com/mailkey/internal/torture"
)

// pair is a PostgreSQL server and its standby, behind an address that leads to
// the one that is the primary.
type pair struct {
	*testing.T
	primary, standby *services.Postgres
	proxy            *services.Proxy
}

// newPair starts one. A synchronous standby has each commit that waits for the
// disk before its client learns of it.
func newPair(t *testing.T, synchronous bool) *pair {
	t.Helper()
	var settings []string
	if synchronous {
		settings = []string{"synchronous_standby_names=standby"}
	}
	p := &pair{T: t, primary: services.StartPostgres(t)}
	p.standby = p.primary.StartStandby(t, "standby", "log_statement=all")
	if synchronous { // from now on: nothing could be backed up before
		p.primary.Stop(t, services.Fast)
		p.primary.With(settings...)
		p.primary.Start(t)
	}
	p.proxy = services.StartProxy(t, p.primary.Addr, func([]byte) services.Cut { return services.Pass })
	p.caughtUp()
	return p
}

func (p *pair) at() database {
	return postgresAt(strings.Replace(p.primary.URL("postgres"), p.primary.Addr, p.proxy.Addr, 1))
}

// ask returns the one value of a query to one of the two.
func (p *pair) ask(server *services.Postgres, query string) (value string) {
	p.Helper()
	db, err := sql.Open("pgx", server.URL("postgres"))
	if err != nil {
		p.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(query).Scan(&value); err != nil && err != sql.ErrNoRows {
		p.Fatalf("%s: %v", query, err)
	}
	return value
}

// caughtUp waits until the standby is where the primary is.
func (p *pair) caughtUp() {
	p.Helper()
	for late := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		at := p.ask(p.primary, "SELECT pg_current_wal_flush_lsn()")
		if p.ask(p.standby, fmt.Sprintf("SELECT (coalesce(pg_last_wal_replay_lsn(), '0/0') >= '%s')::text", at)) == "true" &&
			p.ask(p.primary, "SELECT count(*)::text FROM pg_stat_replication") == "1" {
			return
		}
		if time.Now().After(late) {
			p.Fatalf("the standby lags behind\n%s", p.standby.Log())
		}
	}
}

// part cuts the standby off: it gets nothing any more.
func (p *pair) part() {
	p.Helper()
	for _, statement := range []string{"ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()"} {
		db, err := sql.Open("pgx", p.standby.URL("postgres"))
		if err == nil {
			_, err = db.Exec(statement)
		}
		if err != nil {
			p.Fatal(err)
		}
		db.Close()
	}
	for late := time.Now().Add(30 * time.Second); p.ask(p.primary, "SELECT count(*)::text FROM pg_stat_replication") != "0"; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(late) {
			p.Fatal("the standby still follows")
		}
	}
}

// failOver kills the primary and makes the standby one.
func (p *pair) failOver() {
	p.Helper()
	p.primary.Stop(p, services.Immediate)
	p.standby.Promote(p)
	p.proxy.Redirect(p.standby.Addr)
}

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
		if refused := p.gets(); refused != "" {
			s.Fatal(refused)
		}
		people = append(people, p)
	}
	s.mailed()
	return people
}

// postgresAgain is where tests look into the database after a failover.
func postgresAgain(t *testing.T, dsn string, p *pair) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = p.standby.Addr
	return u.String()
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
		if refused := s.newPerson().live(); refused != "" { // which looks at the session after its end
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
	until := time.Now().Add(time.Duration(torture.Rounds(8, 120)) * time.Second)
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
