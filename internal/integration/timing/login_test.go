package timing_test

import (
	"testing"
	"time"

	"example.com/mailkey/internal/integration/burst"
	"example.com/mailkey/internal/integration/house"
)

func wrongGuess(device, email string) burst.Request {
	return from(device, house.Guess(email, "no code"))
}

// cycle guesses at one address after the other.
func cycle(device string, people []string) class {
	return func(i int) burst.Request { return wrongGuess(device, people[i%len(people)]) }
}

// live guesses at codes that are alive, and does not use up their guesses.
func (s *scene) live(person func(i int) string) class {
	const each = 4
	codes, guesses := 0, 0
	var device, email string
	return func(int) burst.Request {
		if guesses%each == 0 {
			device, email = s.newDevice(), person(codes)
			s.asks(device, email)
			codes++
		}
		guesses++
		return wrongGuess(device, email)
	}
}

// exhausted guesses at codes that have no guesses left.
func (s *scene) exhausted(people []string) class {
	s.Helper()
	for _, email := range people {
		s.asks("exhausted", email)
		for range 5 {
			s.Call(wrongGuess("exhausted", email))
		}
	}
	return cycle("exhausted", people)
}

// expired guesses at codes that have expired.
func (s *scene) expired(people []string) class {
	s.Helper()
	s.store.lifetime = time.Millisecond
	for _, email := range people {
		s.asks("expired", email)
	}
	s.store.lifetime = 0
	return cycle("expired", people)
}

// A wrong code is answered alike, and as fast, whatever it is that is wrong:
// whether there is an account, a disabled one or none, and whether there is a
// code, there was one, or never.
func TestAbuse_H03_C22_login(t *testing.T) {
	onEachDatabase(t, func(s *scene) {
		n := max(2*few, *samples/20)
		known, disabled := s.people(n), s.disable(s.people(n))
		s.mails.isSlow.Store(true)
		never := cycle("stranger", strangers(n))
		s.alike("no difference at all", never, cycle("stranger", strangers(n)))
		s.alike("no code: unknown, known", never, cycle("stranger", known))
		s.alike("no code: unknown, disabled", never, cycle("stranger", disabled))
		live := s.live(nobodyYet)
		s.alike("unknown: a live code, none", live, never)
		s.alike("a live code: unknown, known", live, s.live(oneOf(known)))
		s.alike("unknown: a live code, an exhausted one", live, s.exhausted(strangers(few)))
		s.alike("unknown: a live code, an expired one", live, s.expired(strangers(few)))
		s.alike("unknown: a live code, known: a used one", live, cycle("a device", known))
	})
}
