package faults_test

import (
	"testing"
	"time"

	"example.com/mailkey/internal/integration/smtpd"
)

const notDelivered = `msg="a mail was not delivered"`

// The relay wants to be asked again, for a minute and a half: it is, after 5, 30
// and 60 seconds, and the mail comes once.
func TestFault_R03_greylisted(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]smtpd.Action{
		"421": smtpd.Reply(421, "4.3.2 shutting down"), "450": smtpd.Reply(450, "4.2.1 busy"), "451": smtpd.Reply(451, "4.7.1 greylisted\ntry later"),
	} {
		t.Run(name, func(t *testing.T) {
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
	s := newSite(t, freshSQLite(t))
	s.start()
	s.steady()
	attempts := 0
	for name, refusal := range map[string]smtpd.Action{
		"550 unknown": smtpd.Reply(550, "5.1.1 unknown"), "552 full": smtpd.Reply(552, "5.2.2 full"), "554 policy": smtpd.Reply(554, "5.7.1 policy"),
	} {
		for _, stage := range []smtpd.Stage{smtpd.RCPT, smtpd.Dot} {
			s.relay.On(stage, refusal)
			somebody := s.newPerson()
			if got := somebody.asks(); got != ok {
				t.Errorf("who asks for it: %s", got)
			}
			attempts++
			s.eventually("it is refused", 10*time.Second, func() bool { return s.logged(notDelivered) == attempts })
			s.pass(8 * time.Minute)
			s.recovers() // the outbox was worked off
			if got := s.logged(notDelivered); got != attempts || len(somebody.mails()) != 0 {
				t.Errorf("%s at %s: %d mails after %d attempts", name, stage, len(somebody.mails()), 1+got-attempts)
			}
			if refused := somebody.live(); refused != "" {
				t.Errorf("the next mail: %s", refused)
			}
		}
	}
	if got := s.logged("retry=false"); got != attempts {
		t.Errorf("%d of %d were given up", got, attempts)
	}
	s.check()
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
				s.relay.On(smtpd.Dot, smtpd.Lose())
				patient := s.newPerson() // whose first copy is not used, so that a second one comes
				if got := patient.asks(); got != ok {
					t.Error(got)
				}
				s.eventually("there are two copies", 15*time.Second, func() bool { return len(patient.mails()) == 2 })
				if _, err := patient.mail(1); err != nil {
					t.Fatal(err)
				}
				if got := patient.guess(patient.lastCode(), true); got.code != ok {
					t.Errorf("the code of the second copy: %s", got.code)
				}
				s.mailed()
				s.check()
			})
		}
	})
}
