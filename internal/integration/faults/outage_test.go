package faults_test

import (
	"fmt"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/smtpd"
)

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
	if len(answers) != 2 || answers[string(auth.ReasonNotSent)] == 0 || s.logged("the outbox is full") == 0 ||
		s.logged("the mail relay has been failing") == 0 {
		t.Errorf("who asked was told %v\n%s", answers, s.at.Stderr)
	}
	const more = 90 * time.Second
	then := func(d time.Duration) int64 { return time.Now().Add(s.ahead + more + d).UnixMilli() }
	s.db.exec(t, fmt.Sprintf(`UPDATE challenges SET expires_at = %d WHERE due_at IS NOT NULL AND expires_at =
		(SELECT max(expires_at) FROM challenges WHERE due_at IS NOT NULL)`, then(50*time.Second))) // which is too soon
	alive := s.db.number(t, fmt.Sprintf(`SELECT count(*) FROM challenges WHERE due_at IS NOT NULL AND expires_at >= %d`, then(time.Minute)))
	s.relay = smtpd.New(t, smtpd.Config{Addr: s.relay.Addr()})
	s.pass(more)
	s.db.exec(t, "UPDATE challenges SET due_at = 1 WHERE due_at IS NOT NULL") // or one may wait for half a minute more
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
	if came != alive || alive == 0 {
		t.Errorf("%d mails came, want those %d that waited and could be used for a minute", came, alive)
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
