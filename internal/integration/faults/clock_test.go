package faults_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
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
		if refused := p.gets(); refused != "" {
			t.Fatal(refused)
		}
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
			if refused := somebody.gets(); refused != "" {
				t.Fatal(refused)
			}
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

// Neither a time zone, nor the change to and from summer time, nor a leap second
// (which clocks show as a second that they repeat), nor the end of 32 bits means
// anything: there are but counts of milliseconds and seconds.
func TestFault_R32_times(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, zone, at string }{
		{"2038", "UTC", "2038-01-19T03:14:07Z"},
		{"2106", "Asia/Kathmandu", "2106-02-07T06:28:15Z"},
		{"summer time begins", "America/New_York", "2027-03-14T06:59:59Z"},
		{"summer time ends", "America/New_York", "2027-11-07T05:59:59Z"},
		{"half an hour of it", "Australia/Lord_Howe", "2027-04-03T14:59:59Z"},
		{"a leap second", "UTC", "2028-12-31T23:59:59Z"},
		{"a leap day", "Pacific/Kiritimati", "2028-02-28T23:59:59Z"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			at, err := time.Parse(time.RFC3339, test.at)
			if err != nil {
				t.Fatal(err)
			}
			s := newSite(t, freshSQLite(t))
			s.start("TZ=" + test.zone)
			s.livesAt(at.Add(-500 * time.Millisecond)) // and beyond
			if test.name == "a leap second" {
				s.livesAt(at)
			}
			s.livesAt(at.Add(time.Hour))
			s.steady()
			s.check()
		})
	}
	t.Run("the zone of the database", func(t *testing.T) {
		t.Parallel()
		db := freshPostgres(t)
		db.args[1] += "&timezone=Asia/Kathmandu"
		s := newSite(t, db)
		s.start("TZ=America/New_York")
		s.livesAt(time.Now())
		s.steady()
		s.check()
	})
}

// livesAt lets somebody live at a time, and looks at the times in between.
func (s *site) livesAt(at time.Time) {
	s.Helper()
	if ahead := time.Until(at); ahead.Abs() > time.Second {
		s.ahead = 0
		s.pass(ahead)
	}
	p := s.newPerson()
	if refused := p.gets(); refused != "" {
		s.Fatalf("%s\n%s", refused, s.at.Stderr)
	}
	login := p.guess(p.lastCode(), true)
	claims, _ := base64.RawURLEncoding.DecodeString(strings.Split(login.field("id_token")+"..", ".")[1])
	var times struct{ Exp, Iat, Nbf int64 }
	if err := json.Unmarshal(claims, &times); err != nil {
		s.Fatalf("%s: %v", login.code, err)
	}
	ends := s.db.number(s, fmt.Sprintf("SELECT expires_at FROM sessions JOIN users ON users.id = user_id WHERE email = '%s'", p.email))
	for what, got := range map[string]time.Duration{
		"iat":                    time.Unix(times.Iat, 0).Sub(at),
		"exp":                    time.Unix(times.Exp, 0).Sub(at) - 5*time.Minute,
		"nbf":                    time.Unix(times.Nbf, 0).Sub(at),
		"the end of the session": time.UnixMilli(int64(ends)).Sub(at) - 5*24*time.Hour,
	} {
		if got.Abs() > 20*time.Second {
			s.Errorf("at %v: %s is wrong by %v", at, what, got)
		}
	}
	if refused := s.newPerson().live(); refused != "" {
		s.Errorf("at %v: %s", at, refused)
	}
}
