package faults_test

import (
	"context"
	"testing"

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
