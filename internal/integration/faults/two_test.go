package faults_test

import (
	"context"
	"testing"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/program"
	"example.com/mailkey/internal/torture"
)

// Two processes on one file: slow, and right. What one counted counts for the
// other, and of those who use something at once one does.
func TestFault_R16_twoProcessesOnOneFile(t *testing.T) {
	t.Parallel()
	s := newSite(t, freshSQLite(t))
	servers := []*program.Process{s.start(), s.start()}
	at := func(n int) context.Context { return through(t.Context(), servers[n%2]) }
	for range torture.Rounds(3, 100) {
		somebody := s.newPerson()
		somebody.mustGet()
		// Eight wrong guesses at once, four at each: five are counted. The right
		// code comes too late.
		var guesses []func() string
		for n := range 8 {
			guesses = append(guesses, func() string {
				return somebody.guessWhile(at(n), other(somebody.lastCode()), false).code
			})
		}
		together(guesses...)
		if got := somebody.guess(somebody.lastCode(), true).code; got != string(auth.ReasonCode) {
			t.Errorf("the right code after eight wrong ones: %s", got)
		}
		// Eight right ones at once: one is let in.
		lucky := s.newPerson()
		lucky.mustGet()
		var logins []func() string
		for n := range 8 {
			logins = append(logins, func() string { return lucky.guessWhile(at(n), lucky.lastCode(), true).code })
		}
		if got := together(logins...); count(got, ok) != 1 || count(got, string(auth.ReasonCode)) != 7 {
			t.Errorf("eight logins with one code: %v", got)
		}
	}
	s.check()
}
