package integration

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/auth/smtpmailer"
	"example.com/mailkey/internal/integration/smtpd"
)

// faultyRelay is a relay with everything that can fail: STARTTLS, AUTH, a mail.
func faultyRelay(t *testing.T) (*smtpd.Server, *smtpmailer.Mailer) {
	ca := smtpd.NewAuthority(t)
	s := smtpd.New(t, smtpd.Config{
		Certificate: ca.Certificate(t, time.Now().Add(time.Hour), "127.0.0.1"),
		User:        "login", Password: "password",
	})
	return s, smtpMailer(t, smtpmailer.Config{URL: s.URL(), TLSConfig: trust(ca)})
}

// One mail at each stage of which one thing goes wrong. What the error means
// must be right, and once the relay is well the same mail must go through.
func TestFault_R03_R04_R05_EachStage(t *testing.T) {
	t.Parallel()
	all := func(class string) map[smtpd.Stage]string {
		m := map[smtpd.Stage]string{}
		for _, stage := range smtpd.Stages {
			m[stage] = class
		}
		return m
	}
	mailOnly := func(class string) map[smtpd.Stage]string {
		m := all("retry")
		for _, stage := range []smtpd.Stage{smtpd.MAIL, smtpd.RCPT, smtpd.DATA, smtpd.Dot} {
			m[stage] = class
		}
		return m
	}
	later := all("retry")
	later[smtpd.RCPT] = "deferred"
	dotOnly := all("retry")
	dotOnly[smtpd.Dot] = "unknown"

	for _, tt := range []struct {
		name   string
		action smtpd.Action
		class  map[smtpd.Stage]string
	}{
		{"421", smtpd.Reply(421, "4.3.2 shutting down"), all("retry")},
		{"450", smtpd.Reply(450, "4.2.1 mailbox busy"), later},
		{"451", smtpd.Reply(451, "4.7.1 greylisted\ntry later"), later},
		{"452", smtpd.Reply(452, "4.5.3 too many"), later},
		{"550", smtpd.Reply(550, "5.1.1 unknown"), mailOnly("rejected")},
		{"552", smtpd.Reply(552, "5.2.2 full"), mailOnly("rejected")},
		{"554", smtpd.Reply(554, "5.7.1 policy"), mailOnly("rejected")},
		{"502", smtpd.Reply(502, "5.5.1 not implemented"), all("retry")},
		{"530", smtpd.Reply(530, "5.7.0 authenticate first"), all("retry")},
		{"535", smtpd.Reply(535, "5.7.8 credentials"), all("retry")},
		{"an answer that is none", smtpd.Reply(99, ""), dotOnly},
		{"an answer to something else", smtpd.Reply(299, "ok"), dotOnly},
		{"cut", smtpd.Cut(), dotOnly},
		{"cut before the answer", smtpd.Lose(), dotOnly},
	} {
		for _, stage := range smtpd.Stages {
			t.Run(tt.name+" at "+string(stage), func(t *testing.T) {
				t.Parallel()
				s, mailer := faultyRelay(t)
				s.On(stage, tt.action)
				c := codeMail("alice@example.org")
				err := mailer.SendCode(t.Context(), c)
				if got := mailClass(err); got != tt.class[stage] {
					t.Errorf("%s: %v, want %s", got, err, tt.class[stage])
				}
				lost := tt.name == "cut before the answer" && stage == smtpd.Dot
				if got := len(s.Messages()); got != 0 && !lost {
					t.Errorf("%d mails arrived", got)
				}
				if rcpt := countVerb(s, "RCPT"); rcpt > 1 {
					t.Errorf("%d RCPT", rcpt)
				}

				if err := mailer.SendCode(t.Context(), c); err != nil {
					t.Errorf("the next attempt: %v", err)
				}
				if m := s.Next(t, c.To); m.Code(t) != c.Code || !m.TLS {
					t.Errorf("got %s", m.Raw)
				}
			})
		}
	}
}

func countVerb(s *smtpd.Server, verb string) (n int) {
	for _, v := range s.Verbs() {
		if v == verb {
			n++
		}
	}
	return n
}

// After an answer that ends it, the client takes leave.
func TestSMTPQuitsAfterRefusal(t *testing.T) {
	t.Parallel()
	s := smtpd.New(t, smtpd.Config{})
	s.On(smtpd.RCPT, smtpd.Reply(550, "5.1.1 unknown"))
	err := smtpMailer(t, smtpmailer.Config{URL: s.URL()}).SendCode(t.Context(), codeMail("alice@example.org"))
	if want := "mail rejected: smtpmailer: RCPT: the relay answers 550 5.1.1 unknown"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	wantVerbs(t, s, "EHLO", "MAIL", "RCPT", "QUIT")
}

// A relay that accepted the mail has accepted it, whatever it does then.
func TestSMTPQuitDoesNotMatter(t *testing.T) {
	t.Parallel()
	for name, action := range map[string]smtpd.Action{
		"421": smtpd.Reply(421, "busy"), "cut": smtpd.Cut(), "lost": smtpd.Lose(),
	} {
		s, mailer := faultyRelay(t)
		s.On(smtpd.QUIT, action)
		if err := mailer.SendCode(t.Context(), codeMail("alice@example.org")); err != nil || len(s.Messages()) != 1 {
			t.Errorf("%s: %v, %d mails", name, err, len(s.Messages()))
		}
	}
}

// The end of the context ends any wait, and the connection. The limits of
// commands and mails, 10 and 30 seconds, are tested in smtpmailer, where time
// is fake.
func TestFault_R01_R02_ContextEndsEveryWait(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		action smtpd.Action
	}{
		{"silence", smtpd.Hang()},
		{"a byte a second", smtpd.Drip(time.Second)},
	} {
		for _, stage := range smtpd.Stages {
			t.Run(tt.name+" at "+string(stage), func(t *testing.T) {
				t.Parallel()
				s, mailer := faultyRelay(t)
				s.On(stage, tt.action)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var ended time.Time
				go func() {
					<-s.Reached(stage)
					ended = time.Now()
					cancel()
				}()
				err := mailer.SendCode(ctx, codeMail("alice@example.org"))
				if took := time.Since(ended); took > 3*time.Second {
					t.Errorf("took %v after the end of the context", took)
				}
				want := "retry"
				if stage == smtpd.Dot {
					want = "unknown"
				}
				if mailClass(err) != want || !errors.Is(err, context.Canceled) {
					t.Errorf("got %s: %v, want %s", mailClass(err), err, want)
				}
			})
		}
	}
}

// So does its deadline, which the worker sets.
func TestFault_R01_Deadline(t *testing.T) {
	t.Parallel()
	s := smtpd.New(t, smtpd.Config{})
	s.Always(smtpd.Greeting, smtpd.Hang())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := smtpMailer(t, smtpmailer.Config{URL: s.URL()}).SendCode(ctx, codeMail("alice@example.org"))
	if mailClass(err) != "retry" || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestSMTPCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := smtpd.New(t, smtpd.Config{})
	err := smtpMailer(t, smtpmailer.Config{URL: s.URL()}).SendCode(ctx, codeMail("alice@example.org"))
	if mailClass(err) != "retry" || !errors.Is(err, context.Canceled) || len(s.Transcript()) != 0 {
		t.Errorf("got %v after %q", err, s.Transcript())
	}
}

// A relay that is down, and one whose name does not resolve. Not in parallel:
// another server could be given the port.
func TestFault_R07_R08_NoRelay(t *testing.T) {
	s := smtpd.New(t, smtpd.Config{})
	mailer := smtpMailer(t, smtpmailer.Config{URL: s.URL()})
	s.Close()
	err := mailer.SendCode(t.Context(), codeMail("alice@example.org"))
	if mailClass(err) != "retry" || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %v", err)
	}
	again := smtpd.New(t, smtpd.Config{Addr: s.Addr()})
	if err := mailer.SendCode(t.Context(), codeMail("alice@example.org")); err != nil || len(again.Messages()) != 1 {
		t.Errorf("after it is back: %v", err)
	}

	err = smtpMailer(t, smtpmailer.Config{URL: "smtp://relay.invalid"}).SendCode(t.Context(), codeMail("alice@example.org"))
	if mailClass(err) != "retry" || !strings.Contains(err.Error(), "connect: ") {
		t.Errorf("got %v", err)
	}
}
