package timing_test

import (
	"fmt"
	"testing"
	"time"

	"example.com/mailkey/internal/integration/burst"
	"example.com/mailkey/internal/integration/house"
)

// mine is the device that guesses.
const mine = "a device"

func wrongGuess(device, email string) burst.Request {
	return from(device, house.Guess(email, "no code"))
}

// guessesAt guesses at one address after the other, each of which was guessed at
// before: whoever comes for the first time is counted in a new row.
func (s *scene) guessesAt(people []string) class {
	s.Helper()
	for _, email := range people {
		s.Call(wrongGuess(mine, email))
	}
	return func(i int) burst.Request { return wrongGuess(mine, people[i%len(people)]) }
}

// tried makes addresses alike: each has had a mail and a wrong guess, from
// somewhere else.
func (s *scene) tried(people []string) []string {
	s.Helper()
	for _, email := range people {
		s.asks("elsewhere", email)
		s.Call(wrongGuess("elsewhere", email))
	}
	return people
}

// mail has a code mailed to each, which lives for so long; 0: as long as ever.
func (s *scene) mail(people []string, lifetime time.Duration) []string {
	s.Helper()
	s.store.lifetime = lifetime
	for _, email := range people {
		s.asks(mine, email)
	}
	s.store.lifetime = 0
	return people
}

// exhaust takes all guesses away from all codes there are; created_at of decoys is 0.
func (s *scene) exhaust() {
	s.Helper()
	if _, err := s.Rows.ExecContext(s.Context(), fmt.Sprint("UPDATE challenges SET guesses = ", unlimited, " WHERE created_at > 0")); err != nil {
		s.Fatal(err)
	}
}

// A wrong code is answered alike, and as fast, whatever it is that is wrong:
// whether there is an account, a disabled one or none, and whether there is a
// code, there was one, or never. What is compared was never heard of, or has had
// as many mails.
func TestAbuse_H03_C22_login(t *testing.T) {
	onEachDatabase(t, func(s *scene) {
		n := max(few, *samples/50)
		newcomers := func() []string { return s.tried(strangers(n)) }
		people := func(device string) []string { return s.people(device, n) }

		never, nothing := s.guessesAt(strangers(n)), s.guessesAt(strangers(n))
		hasAccount, isDisabled := s.guessesAt(people("elsewhere")), s.guessesAt(s.disable(people("elsewhere")))
		used, exhausted := s.guessesAt(s.tried(people(mine))), s.mail(newcomers(), time.Hour)
		s.exhaust()
		live, others := s.guessesAt(s.mail(newcomers(), time.Hour)), s.guessesAt(s.tried(newcomers()))
		expired := s.guessesAt(s.mail(newcomers(), time.Millisecond))
		unknownLive := s.guessesAt(s.mail(s.tried(newcomers()), time.Hour))
		knownLive := s.guessesAt(s.mail(s.tried(people("elsewhere")), time.Hour))
		s.mails.isSlow.Store(true)

		s.compare("no difference at all", alike, never, nothing)
		s.compare("no code: unknown, known", alike, never, hasAccount)
		s.compare("no code: unknown, disabled", alike, never, isDisabled)
		s.compare("a live code: unknown, known", alike, unknownLive, knownLive)
		s.compare("unknown: a live code, somebody else's", alike, live, others)
		s.compare("unknown: a live code, an exhausted one", alike, live, s.guessesAt(exhausted))
		s.compare("unknown: a live code, an expired one", alike, live, expired)
		s.compare("unknown: a live code, known: a used one", alike, live, used)

		// An address with more to remember has a longer document to read.
		s.compare("unknown: a live code, never heard of", either, live, never)
		s.store.live = 20 * time.Microsecond
		s.compare("a live code takes 20 µs longer", control, others, live)
	})
}
