package faults_test

import (
	"context"
	"syscall"
	"testing"
	"time"

	"example.com/mailkey/auth"
)

// Two instances whose clocks are 40 seconds apart work together; one that is two
// minutes off serves nobody, and harms nobody. That it serves again when its
// clock is right is tested in package auth.
func TestFault_R31_skewedClocks(t *testing.T) {
	t.Parallel()
	s := newSite(t, freshPostgres(t))
	slow := s.start("MAILKEY_CLOCK=-20s")
	fast := s.start("MAILKEY_CLOCK=20s")
	atSlow, atFast := through(t.Context(), slow), through(t.Context(), fast)
	for _, at := range [][2]context.Context{{atSlow, atFast}, {atFast, atSlow}} {
		p := s.newPerson()
		s.at = serverOf(at[0], nil)
		p.mustGet()
		login := p.guessWhile(at[1], p.lastCode(), true)
		if login.code != ok {
			t.Errorf("a code of the one at the other: %s", login.code)
		}
		if got := p.refresh(login.field("session_token")); got != ok {
			t.Errorf("a session of the one at the other: %s", got)
		}
		if got := p.logout(login.field("session_token")); got != ok {
			t.Errorf("a logout: %s", got)
		}
	}
	for _, wrong := range []string{"2m", "-2m"} {
		s.at = s.start("MAILKEY_CLOCK=" + wrong)
		s.at.WaitFor(t, s.at.Stderr, `(level=ERROR msg="out of service")`) // the first check may come after the first request
		if got := s.newPerson().asks(); got != string(auth.ReasonBusy) {
			t.Errorf("an instance that is %s off: %s, want BUSY", wrong, got)
		}
	}
	s.at = fast
	s.recovers()
	s.check()
}

// The clock of a server steps while people use it. Where the database has a
// clock, the server serves nobody until its own is right again.
func TestFault_R30_clockSteps(t *testing.T) {
	t.Parallel()
	for _, step := range []time.Duration{time.Hour, -time.Hour} {
		t.Run(step.String(), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, freshPostgres(t))
			s.start()
			s.steady()
			somebody := s.newPerson()
			token := somebody.logsIn()
			somebody.mustGet()
			s.pass(step)
			began := time.Now()
			s.eventually("an alarm", 10*time.Second, func() bool { return s.logged(`level=ERROR msg="out of service"`) > 0 })
			if took := time.Since(began); took > 8*time.Second {
				t.Errorf("it was noticed after %v", took)
			}
			for what, got := range map[string]string{
				"a captcha": s.newPerson().asks(),
				"a login":   somebody.guess(somebody.lastCode(), true).code,
				"a session": somebody.refresh(token),
			} {
				if got != string(auth.ReasonBusy) {
					t.Errorf("%s while the clock is wrong: %s, want BUSY", what, got)
				}
			}
			s.pass(-step)
			s.recovers()
			if got := somebody.guess(somebody.lastCode(), true); got.code != ok {
				t.Errorf("the code afterwards: %s", got.code)
			}
			s.check()
		})
	}
}

// Where the database has none, the time is what the server says. When its clock
// goes forward, codes end early; when it goes back, what has ended stays so, and
// what lives does so for longer. Others can log in at any time.
func TestFault_R30_clockStepsAlone(t *testing.T) {
	t.Parallel()
	for _, step := range []time.Duration{time.Hour, -time.Hour} {
		t.Run(step.String(), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, freshSQLite(t))
			s.start()
			s.pass(max(0, -step)) // it will not be before today: the mailer has a clock, too
			s.steady()
			if refused := s.newPerson().live(); refused != "" { // and leaves what has ended
				t.Fatal(refused)
			}
			somebody, token := s.signedIn()
			s.pass(step)
			if got := somebody.refresh(token); got != ok {
				t.Errorf("a session: %s", got)
			}
			want := map[bool]string{true: string(auth.ReasonCode), false: string(auth.ReasonLimit)}[step > 0]
			if got := somebody.guess(somebody.lastCode(), true).code; got != want {
				t.Errorf("a code: %s, want %s", got, want)
			}
			s.recovers()
			s.check()
		})
	}
}

// The machine sleeps for half an hour. Codes have ended, sessions go on.
func TestFault_R30_suspended(t *testing.T) {
	t.Parallel()
	s := newSite(t, freshSQLite(t))
	s.start()
	s.steady()
	somebody, token := s.signedIn()
	ticket, refused := somebody.ticket()
	if refused != ok {
		t.Fatal(refused)
	}
	s.signal(syscall.SIGSTOP)
	time.Sleep(500 * time.Millisecond) // whatever is on its way waits in its sockets
	s.signal(syscall.SIGCONT)
	s.pass(30 * time.Minute)
	if got := somebody.send(ticket); got != string(auth.ReasonCaptcha) {
		t.Errorf("a captcha_token: %s", got)
	}
	if got := somebody.guess(somebody.lastCode(), true).code; got != string(auth.ReasonCode) {
		t.Errorf("a code: %s", got)
	}
	if got := somebody.refresh(token); got != ok {
		t.Errorf("a session: %s", got)
	}
	s.recovers()
	s.check()
}
