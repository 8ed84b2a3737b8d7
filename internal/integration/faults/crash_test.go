package faults_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"example.com/mailkey/internal/integration/smtpd"
	"example.com/mailkey/internal/torture"
)

// crash is a place at which the process is killed, as by a power cut.
type crash struct {
	name  string
	point string // the failpoint
	hits  int    // how often two people who live come there at least, or a server that starts
	used  bool   // there has been life before, an hour ago if the database has no clock of its own
}

var crashes = []crash{
	{name: "during the migration", point: "migrate: file applied", hits: 1},
	{name: "before the keys are stored", point: "keys: made", hits: 1},
	{name: "after the keys were stored", point: "keys: saved", hits: 1},
	{name: "after the captcha was spent", point: "captcha: spent", hits: 2},
	{name: "after the captcha_token was spent", point: "send: ticket spent", hits: 2},
	{name: "before the code is stored", point: "send: address saved", hits: 2},
	{name: "after the code was stored", point: "send: challenge stored", hits: 2},
	{name: "before the answer to a send", point: "send: accepted", hits: 2},
	{name: "before the mail", point: "mail: claimed", hits: 2},
	{name: "after the final dot of the mail", point: "mail: delivered", hits: 2},
	{name: "after a guess was compared", point: "login: compared", hits: 4},
	{name: "after a guess was counted", point: "redeem: counted", hits: 4},
	{name: "between the code and the session", point: "redeem: user found", hits: 2},
	{name: "after the session was stored", point: "redeem: session stored", hits: 2},
	{name: "before the answer to a guess", point: "login: redeemed", hits: 4},
	{name: "before the answer to a logout", point: "logout: ended", hits: 2},
	{name: "during the sweep", point: "sweep: part done", hits: 8, used: true},
}

// Wherever the process is killed: after a clean start nothing that was used is
// accepted again, nothing that was promised is lost, and people log in, those
// in whose way the crash was included.
func TestFault_R10_killed(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, fresh func(testing.TB) database) {
		for i, c := range crashes {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				random := rand.New(rand.NewPCG(10, uint64(i)))
				for range torture.Rounds(1, 200) {
					c.happens(newSite(t, fresh(t)), 1+random.IntN(c.hits))
				}
			})
		}
	})
}

// happens lets two people live until the server comes to the place for the n-th
// time, and again after it was started anew.
func (c crash) happens(s *site, n int) {
	s.Helper()
	var clock []string
	if c.used {
		p := s.start()
		s.newPerson().live()
		p.Kill()
		if s.db.file != "" {
			clock = []string{"MAILKEY_CLOCK=1h"}
		}
	}
	first, second := s.newPerson(), s.newPerson()
	p := s.launch(append(clock, fmt.Sprintf("MAILKEY_FAILPOINTS=%s=kill@%d", c.point, n))...)
	if s.serves(p) {
		together(first.live, second.live)
	}
	select {
	case <-p.Ended():
	case <-time.After(20 * time.Second):
		s.Fatalf("the server did not come to %q for the %d. time\n%s", c.point, n, p.Stderr)
	}
	s.start(clock...)
	s.claimsRunOut()
	for _, refused := range together(first.livesAgain, second.livesAgain) {
		if refused != "" {
			s.Errorf("after the crash: %s\n%s", refused, s.at.Stderr)
		}
	}
	s.check()
	s.at.Kill()
}

// claimsRunOut lets 45 seconds pass for the mails that a dead worker had.
func (s *site) claimsRunOut() {
	s.Helper()
	s.db.exec(s, "UPDATE challenges SET due_at = 1 WHERE claimed > 0 AND due_at IS NOT NULL")
}

// The process is killed when a mail was sent but for its final dot.
func TestFault_R10_killedBeforeTheFinalDot(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, fresh func(testing.TB) database) {
		for range torture.Rounds(1, 200) {
			s := newSite(t, fresh(t))
			s.relay.On(smtpd.Dot, smtpd.Hang())
			p, somebody := s.start(), s.newPerson()
			if got := somebody.asks(); got != ok {
				t.Fatal(got)
			}
			select {
			case <-s.relay.Reached(smtpd.Dot):
			case <-time.After(10 * time.Second):
				t.Fatalf("no mail\n%s", p.Stderr)
			}
			p.Kill()
			s.start()
			s.claimsRunOut()
			if refused := somebody.livesAgain(); refused != "" {
				t.Errorf("after the crash: %s\n%s", refused, s.at.Stderr)
			}
			s.check()
			s.at.Kill()
		}
	})
}
