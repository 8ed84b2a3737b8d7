package faults_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/torture"
)

// People go away in the middle of their requests. What they guessed is counted,
// no connection is left in a state that others notice, and they can go on.
func TestFault_R24_peopleGoAway(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, fresh func(testing.TB) database) {
		s := newSite(t, fresh(t))
		s.start()
		s.steady()
		rounds := torture.Rounds(30, 500) // of four people who go away five times
		leave := func(seed uint64) func() string {
			random := rand.New(rand.NewPCG(24, seed))
			return func() string {
				for range rounds {
					if wrong := s.newPerson().leaves(random); wrong != "" {
						return wrong
					}
				}
				return ""
			}
		}
		for _, wrong := range together(leave(1), leave(2), leave(3), leave(4)) {
			if wrong != "" {
				t.Errorf("%s\n%s", wrong, s.at.Stderr)
			}
		}
		s.recovers()
		s.check()
	})
}

// leaves makes wrong guesses, and a right one, and waits for no answer. It
// returns what is wrong with what comes of it.
func (p *person) leaves(random *rand.Rand) (wrong string) {
	p.Helper()
	if refused := p.gets(); refused != "" {
		return refused
	}
	hurry := func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(p.Context(), time.Duration(random.Int64N(int64(15*time.Millisecond))))
	}
	for range 4 {
		ctx, cancel := hurry()
		p.guessWhile(ctx, other(p.lastCode()), false)
		cancel()
	}
	ctx, cancel := hurry()
	p.guessWhile(ctx, p.lastCode(), true)
	cancel()
	got := p.guess(p.lastCode(), true).code
	switch answers := p.logins[p.lastCode()]; {
	case got == ok && count(answers, ok) == 1:
	case got == string(auth.ReasonCode) && slices.Contains(answers, ok) || slices.Contains(answers, lost):
	default:
		return "the right code after all that: " + got
	}
	return ""
}
