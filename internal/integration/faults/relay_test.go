package faults_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/smtpd"
	"example.com/mailkey/internal/torture"
)

const notDelivered = `msg="a mail was not delivered"`

// The relay accepts connections and says nothing. Whoever asks for a mail does
// not notice; four connections wait for it, for ten seconds each, until it is
// left alone, and people are told so.
func TestFault_R01_tarpit(t *testing.T) {
	t.Parallel()
	s := newSite(t, freshSQLite(t))
	s.start()
	s.steady()
	n := torture.Rounds(40, 500)
	healthy := s.slowest(n)
	s.relay.Always(smtpd.Greeting, smtpd.Hang())
	stop, most := s.watchConnections()
	if slow := s.slowest(n); slow > 2*healthy+time.Second {
		t.Errorf("the slowest of %d answers took %v, and %v while the relay was well", n, slow, healthy)
	}
	s.eventually("the relay is left alone", 60*time.Second, func() bool {
		time.Sleep(500 * time.Millisecond)
		return s.newPerson().asks() == string(auth.ReasonNotSent)
	})
	s.eventually("ten attempts failed", time.Second, func() bool { return s.logged(notDelivered) >= 10 })
	stop()
	if got := most.Load(); got != 4 {
		t.Errorf("%d connections to the relay at a time, want 4", got)
	}
	s.relay.Always(smtpd.Greeting, smtpd.Pass())
	s.recovers()
	s.check()
}

// slowest lets n people ask for a mail, eight at a time, and returns how long
// the longest of their requests took.
func (s *site) slowest(n int) (longest time.Duration) {
	s.Helper()
	var most atomic.Int64
	var asks []func() string
	for range 8 {
		asks = append(asks, func() string {
			for range n / 8 {
				p := s.newPerson()
				ticket, refused := p.ticket()
				if refused != ok {
					return refused
				}
				before := time.Now()
				if got := p.send(ticket); got != ok {
					return got
				}
				took := int64(time.Since(before))
				for old := most.Load(); took > old && !most.CompareAndSwap(old, took); old = most.Load() {
				}
			}
			return ok
		})
	}
	for _, got := range together(asks...) {
		if got != ok {
			s.Errorf("somebody asks for a mail: %s", got)
		}
	}
	return time.Duration(most.Load())
}

// watchConnections looks how many there are to the relay at a time.
func (s *site) watchConnections() (stop func(), most *atomic.Int64) {
	most = new(atomic.Int64)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			most.Store(max(most.Load(), int64(s.relay.Open())))
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	return func() { close(done); <-ended }, most
}

// The relay is too slow: an answer may take ten seconds, and a mail thirty.
func TestFault_R02_slowRelay(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		slow func(*smtpd.Server)
		took time.Duration
	}{
		"a byte a second": {func(r *smtpd.Server) { r.On(smtpd.Greeting, smtpd.Drip(time.Second)) }, 10 * time.Second},
		"eight seconds an answer": {func(r *smtpd.Server) {
			for _, stage := range smtpd.Stages {
				r.Always(stage, smtpd.Wait(8*time.Second))
			}
		}, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, freshSQLite(t))
			s.start()
			s.steady()
			test.slow(s.relay)
			somebody := s.newPerson()
			began := time.Now()
			if got := somebody.asks(); got != ok {
				t.Fatal(got)
			}
			if slow := s.slowest(8); slow > 2*time.Second {
				t.Errorf("others waited %v", slow)
			}
			s.eventually("the attempt ends", 40*time.Second, func() bool { return s.logged(notDelivered) > 0 })
			for _, stage := range smtpd.Stages {
				s.relay.Always(stage, smtpd.Pass())
			}
			if took := time.Since(began); took < test.took-time.Second || took > test.took+4*time.Second {
				t.Errorf("the attempt took %v, want %v", took, test.took)
			}
			if _, err := somebody.mail(0); err != nil { // which is tried again after five
				t.Fatal(err)
			}
			if got := somebody.guess(somebody.lastCode(), true); got.code != ok {
				t.Errorf("the code: %s", got.code)
			}
			s.check()
		})
	}
}

// The relay wants to be asked again, for a minute and a half: it is, after 5, 30
// and 60 seconds, and the mail comes once.
func TestFault_R03_greylisted(t *testing.T) {
	t.Parallel()
	for _, answer := range []smtpd.Action{
		smtpd.Reply(421, "4.3.2 shutting down"), smtpd.Reply(450, "4.2.1 busy"), smtpd.Reply(451, "4.7.1 greylisted\ntry later"),
	} {
		t.Run(fmt.Sprint(answer), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, freshSQLite(t))
			s.start()
			s.steady()
			somebody := s.newPerson()
			s.relay.Always(smtpd.RCPT, answer)
			if got := somebody.asks(); got != ok {
				t.Fatal(got)
			}
			for i, wait := range []time.Duration{5 * time.Second, 30 * time.Second, time.Minute} {
				s.eventually("it was tried", 10*time.Second, func() bool { return s.logged(notDelivered) == i+1 })
				if i == 2 {
					s.relay.Always(smtpd.RCPT, smtpd.Pass())
				}
				s.pass(wait)
			}
			if _, err := somebody.mail(0); err != nil {
				t.Fatalf("no mail\n%s", s.at.Stderr)
			}
			if got := somebody.guess(somebody.lastCode(), true); got.code != ok {
				t.Errorf("the code: %s", got.code)
			}
			s.recovers()
			if got := len(somebody.mails()); got != 1 {
				t.Errorf("%d mails", got)
			}
			s.check()
		})
	}
}

// The same on either database, as far as five seconds.
func TestFault_R03_greylistedForSeconds(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, fresh func(testing.TB) database) {
		s := newSite(t, fresh(t))
		s.start()
		s.steady()
		s.relay.On(smtpd.RCPT, smtpd.Reply(451, "4.7.1 greylisted"))
		began, somebody := time.Now(), s.newPerson()
		if refused := somebody.live(); refused != "" {
			t.Errorf("%s\n%s", refused, s.at.Stderr)
		}
		if took := time.Since(began); took < 5*time.Second || len(somebody.mails()) != 1 {
			t.Errorf("%d mails, after %v", len(somebody.mails()), took)
		}
		s.check()
	})
}

// The relay refuses a mail for good. Who asked for it is told nothing, it is not
// tried again, and the next one to the same address is.
func TestFault_R04_refused(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]smtpd.Action{
		"550 unknown": smtpd.Reply(550, "5.1.1 unknown"), "552 full": smtpd.Reply(552, "5.2.2 full"), "554 policy": smtpd.Reply(554, "5.7.1 policy"),
	} {
		for _, stage := range []smtpd.Stage{smtpd.RCPT, smtpd.Dot} {
			t.Run(name+" at "+string(stage), func(t *testing.T) {
				t.Parallel()
				s := newSite(t, freshSQLite(t))
				s.start()
				s.steady()
				s.relay.On(stage, refusal)
				somebody := s.newPerson()
				if got := somebody.asks(); got != ok {
					t.Errorf("who asks for it: %s", got)
				}
				s.at.WaitFor(t, s.at.Stderr, `(level=WARN `+notDelivered+`.* retry=false)`)
				s.pass(8 * time.Minute)
				s.recovers() // the outbox was worked off
				if got := s.logged(notDelivered); got != 1 || len(somebody.mails()) != 0 {
					t.Errorf("%d mails after %d attempts", len(somebody.mails()), got)
				}
				if refused := somebody.live(); refused != "" {
					t.Errorf("the next mail: %s", refused)
				}
				s.check()
			})
		}
	}
}

// The connection to the relay is cut at each step. The mail comes all the same,
// and where nobody can know whether it had come already it may come twice: the
// same mail, with the same code.
func TestFault_R05_cut(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, fresh func(testing.TB) database) {
		for name, cut := range map[string]smtpd.Action{"before the step": smtpd.Cut(), "before its answer": smtpd.Lose()} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newSiteWithTLS(t, fresh(t))
				s.start(s.trust())
				s.steady()
				for _, stage := range smtpd.Stages {
					s.relay.On(stage, cut)
				}
				var people []func() string
				for range smtpd.Stages {
					people = append(people, s.newPerson().live)
				}
				for _, refused := range together(people...) {
					if refused != "" {
						t.Errorf("%s\n%s", refused, s.at.Stderr)
					}
				}
				if got := s.logged(notDelivered); got < len(smtpd.Stages) {
					t.Errorf("%d attempts failed, want one for each step", got)
				}
				s.mailed()
				s.check()
			})
		}
	})
}

// A relay that does not prove who it is, or offers no encryption, gets neither
// the password nor a mail. Nobody who asks for one notices, and it comes when
// the relay is right.
func TestFault_R06_relayWithoutTLS(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]func(*smtpd.Authority) smtpd.Config{
		"no STARTTLS": func(*smtpd.Authority) smtpd.Config { return smtpd.Config{} },
		"an unknown authority": func(*smtpd.Authority) smtpd.Config {
			return smtpd.Config{Certificate: smtpd.NewAuthority(t).Certificate(t, tomorrow(), relayName)}
		},
		"an expired certificate": func(ca *smtpd.Authority) smtpd.Config {
			return smtpd.Config{Certificate: ca.Certificate(t, time.Now().Add(-time.Hour), relayName)}
		},
		"another name": func(ca *smtpd.Authority) smtpd.Config {
			return smtpd.Config{Certificate: ca.Certificate(t, tomorrow(), "other.example")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSiteWithTLS(t, freshSQLite(t))
			s.start(s.trust())
			s.steady()
			config := wrong(s.authority)
			config.User, config.Password, config.Addr = relayUser, relayPassword, s.relay.Addr()
			s.relay.Close()
			bad := smtpd.New(t, config)
			somebody := s.newPerson()
			if got := somebody.asks(); got != ok {
				t.Errorf("who asks for a mail: %s", got)
			}
			s.at.WaitFor(t, s.at.Stderr, `(`+notDelivered+`.* retry=true)`)
			if verbs := bad.Verbs(); slices.Contains(verbs, "AUTH") || slices.Contains(verbs, "MAIL") || len(bad.Messages()) > 0 {
				t.Errorf("it was told %q", verbs)
			}
			bad.Close()
			s.relay = smtpd.New(t, smtpd.Config{
				Addr: s.relay.Addr(), User: relayUser, Password: relayPassword, Certificate: s.authority.Certificate(t, tomorrow(), relayName),
			})
			s.pass(30 * time.Second)
			if _, err := somebody.mail(0); err != nil || !somebody.mails()[0].TLS {
				t.Errorf("the mail afterwards: %v\n%s", err, s.at.Stderr)
			}
			s.recovers()
			s.check()
			for _, p := range s.processes {
				if strings.Contains(p.Stderr.String(), relayPassword) {
					t.Error("I8: the password of the relay is in the log")
				}
			}
		})
	}
}

// The relay is gone for a quarter of an hour in which people keep asking. What
// waits for it is bounded, and the others are told that it does not work. When
// it is back those get their mails who can still use them.
func TestFault_R07_relayGone(t *testing.T) {
	t.Parallel()
	s := newSite(t, freshSQLite(t).with("-pending", "5"))
	s.start()
	s.steady()
	s.relay.Close()
	var accepted []*person
	answers := make(map[string]int)
	ask := func() {
		for range 3 {
			p := s.newPerson()
			got := p.asks()
			if answers[got]++; got == ok {
				accepted = append(accepted, p)
			}
		}
		if got := s.db.number(t, `SELECT count(*) FROM challenges WHERE due_at IS NOT NULL`); got > 5 {
			t.Errorf("%d mails wait", got)
		}
	}
	for range 2 { // before it is known that the relay fails
		ask()
	}
	for range 15 {
		s.pass(time.Minute)
		ask()
		time.Sleep(1100 * time.Millisecond) // the worker looks every second
	}
	if len(answers) != 2 || answers[string(auth.ReasonNotSent)] == 0 || s.logged("5 mails are waiting in the outbox") == 0 ||
		s.logged("the mail relay has been failing") == 0 {
		t.Errorf("who asked was told %v\n%s", answers, s.at.Stderr)
	}
	alive := s.db.number(t, fmt.Sprintf(`SELECT count(*) FROM challenges WHERE due_at IS NOT NULL AND expires_at >= %d`,
		time.Now().Add(s.ahead+5*time.Minute).UnixMilli()))
	s.relay = smtpd.New(t, smtpd.Config{Addr: s.relay.Addr()})
	s.pass(2 * time.Minute)
	s.recovers()
	s.mailed()
	came := 0
	for _, p := range accepted {
		if len(p.mails()) == 0 {
			continue
		}
		came++
		if _, err := p.mail(0); err != nil {
			t.Fatal(err)
		}
		if got := p.guess(p.lastCode(), true); got.code != ok {
			t.Errorf("a code that came: %s", got.code)
		}
	}
	t.Logf("of %d who were told that a mail is coming %d got one", len(accepted), came)
	if came < alive || came > 5 || alive == 0 {
		t.Errorf("%d mails came, want those %d that waited and could be used", came, alive)
	}
	s.check()
}

// The relay takes twenty mails in a minute. All that were accepted get through
// while their codes live, and it is not asked much more often than that.
func TestFault_R09_throttled(t *testing.T) {
	t.Parallel()
	s := newSite(t, freshSQLite(t))
	s.start()
	s.steady()
	const each = 20
	var minute []smtpd.Action
	for range each {
		minute = append(minute, smtpd.Pass())
	}
	s.relay.On(smtpd.MAIL, minute...)
	s.relay.Always(smtpd.MAIL, smtpd.Reply(452, "4.5.3 too many mails, come again in a minute"))
	var accepted []*person
	for range 60 {
		p := s.newPerson()
		switch got := p.asks(); got {
		case ok:
			accepted = append(accepted, p)
		case string(auth.ReasonNotSent):
		default:
			t.Errorf("while it throttles: %s", got)
		}
	}
	before := s.logged(notDelivered)
	minutes := 0
	missing := func() (n int) {
		for _, p := range accepted {
			if len(p.mails()) == 0 {
				n++
			}
		}
		return n
	}
	for ; missing() > 0 && minutes < 8; minutes++ {
		was := missing()
		s.relay.On(smtpd.MAIL, minute...)
		s.pass(time.Minute)
		if minutes == 0 { // those of 5 and 30 seconds are due
			s.eventually("some get through", 20*time.Second, func() bool { return missing() <= max(0, was-each) || missing() == 0 })
		} else {
			time.Sleep(1500 * time.Millisecond) // the worker looks every second
		}
	}
	refused := s.logged(notDelivered)
	t.Logf("%d of 60 were accepted, all got their mail within %d minutes; %d refusals at once, %d later", len(accepted), minutes, before, refused-before)
	if missing() > 0 || len(accepted) <= each {
		t.Errorf("%d of %d did not get their mail\n%s", missing(), len(accepted), s.at.Stderr)
	}
	if most := (minutes + 1) * (10 + 4); refused > most {
		t.Errorf("the relay had to refuse %d times in %d minutes, want %d at most", refused, minutes, most)
	}
	s.relay.Always(smtpd.MAIL, smtpd.Pass())
	s.pass(15 * time.Second)
	s.recovers()
	s.check()
}
