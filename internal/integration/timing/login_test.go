package timing_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"testing"
	"time"

	"example.com/mailkey/internal/integration/burst"
	"example.com/mailkey/internal/integration/house"
	"example.com/mailkey/storage"
)

// mine is the device that guesses.
const mine = "a device"

func wrongGuess(device, email string) burst.Request {
	return from(device, house.Guess(email, "no code"))
}

// kind makes an address of a kind.
type kind func() []string

// guesses compares wrong guesses at two kinds of addresses. All that is stored
// of them is new and made by turns: what was made, or used, before something
// else is found some microseconds sooner or later.
func (s *scene) guesses(name string, want outcome, a, b kind) {
	s.Helper()
	var people [2][]string
	for range max(few, *samples/50) {
		for i, another := range []kind{a, b} {
			one := another()
			s.Call(wrongGuess(mine, one[0])) // whoever comes for the first time is counted in a new row
			people[i] = append(people[i], one...)
		}
	}
	s.mails.isSlow.Store(true)
	defer s.mails.isSlow.Store(false)
	at := func(person func(i int) string) class {
		return func(i int) burst.Request { return wrongGuess(mine, person(i)) }
	}
	s.compare(name, want, at(oneOf(people[0])), at(oneOf(people[1])))
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

// exhaust takes all guesses away from the codes that were mailed since.
func (s *scene) exhaust(since time.Time) {
	s.Helper()
	if _, err := s.Rows.ExecContext(s.Context(), fmt.Sprint("UPDATE challenges SET guesses = ", unlimited, " WHERE created_at >= ", since.UnixMilli())); err != nil {
		s.Fatal(err)
	}
}

// crowd has many, whom no limit stops, guess at addresses that nobody heard of,
// until it is told to stop.
func (s *scene) crowd() (stop func()) {
	s.Helper()
	ctx, cancel := context.WithCancel(s.Context())
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			for ctx.Err() == nil {
				key := make([]byte, 64) // an address's, and what makes it a device's
				rand.Read(key)
				g := storage.Guess{Address: key[:32], Binding: key, Device: []byte(mine), ChallengeID: []byte("none")}
				if _, err := s.store.Redeem(ctx, g, storage.AddressLimits{}, time.Now()); err != nil && ctx.Err() == nil {
					s.Error(err)
					return
				}
			}
		})
	}
	return func() {
		cancel()
		all.Wait()
	}
}

// A wrong code is answered alike, and as fast, whatever it is that is wrong:
// whether there is an account, a disabled one or none, and whether there is a
// code, there was one, or never. What is compared was never heard of, or has had
// as many mails.
func TestAbuse_H03_C22_login(t *testing.T) {
	onEachDatabase(t, func(s *scene) {
		never := func() []string { return strangers(1) }
		known := func() []string { return s.people("elsewhere", 1) }
		disabled := func() []string { return s.disable(known()) }
		others := func() []string { return s.tried(never()) }
		live := func() []string { return s.mail(others(), time.Hour) }
		knownLive := func() []string { return s.mail(s.tried(known()), time.Hour) }
		expired := func() []string { return s.mail(others(), time.Millisecond) }
		used := func() []string { return s.tried(s.people(mine, 1)) }
		exhausted := func() []string {
			people := others()
			defer s.exhaust(time.Now())
			return s.mail(people, time.Hour)
		}

		s.guesses("no difference at all", alike, never, never)
		s.guesses("no code: unknown, known", alike, never, known)
		s.guesses("no code: unknown, disabled", alike, never, disabled)
		s.guesses("a live code: unknown, known", alike, live, knownLive)
		s.guesses("unknown: a live code, somebody else's", alike, live, others)
		s.guesses("unknown: a live code, an exhausted one", alike, live, exhausted)
		s.guesses("unknown: a live code, an expired one", alike, live, expired)
		s.guesses("unknown: a live code, known: a used one", alike, live, used)

		// An address with more to remember has a longer document to read.
		s.guesses("unknown: a live code, never heard of", either, live, never)

		// Guesses at nothing can wait for each other.
		s.crowded = true
		s.guesses("in a crowd: unknown: no code, never heard of", either, others, never)
		s.guesses("in a crowd: unknown: a live code, never heard of", either, live, never)
		s.crowded = false

		s.store.live = 20 * time.Microsecond
		s.guesses("a live code takes 20 µs longer", control, others, live)
	})
}
