package timing_test

import (
	"crypto/rand"
	"fmt"
	"sync"
	"testing"
	"time"

	"example.com/mailkey/internal/integration/burst"
	"example.com/mailkey/internal/integration/house"
)

// send asks for a code for one address after the other, from a device of its
// own each time. The captchas before it are solved for many at once, which takes
// a fraction of the time.
func (s *scene) send(person func(i int) string) class {
	ahead := 256
	if *samples == 0 {
		ahead = few
	}
	var ready []burst.Request
	return func(i int) burst.Request {
		if len(ready) == 0 {
			ready = make([]burst.Request, ahead)
			next, all := make(chan int, ahead), sync.WaitGroup{}
			for k := range ready {
				next <- k
			}
			close(next)
			for range 16 {
				all.Go(func() {
					for k := range next {
						device, email := fmt.Sprint(rand.Text(), k), person(i+k)
						ready[k] = from(device, house.Send(email, s.ticket(device, email)))
					}
				})
			}
			if all.Wait(); s.Failed() {
				s.FailNow() // whoever failed has ended alone
			}
		}
		request := ready[0]
		ready = ready[1:]
		s.makeRoom()
		return request
	}
}

func oneOf(people []string) func(i int) string {
	return func(i int) string { return people[i%len(people)] }
}

// addresses is how many to ask for in turn: some six times each, which is what
// strangers may in a day.
func addresses() int { return max(2*few, *samples/6) }

func nobodyYet(int) string { return house.Person() }

// Asking for a code takes as long for an address with an account, a disabled
// one or none, while the mail server takes two seconds for every mail. What is
// compared has had as many mails.
func TestAbuse_B17_H02_H09_send(t *testing.T) {
	onEachDatabase(t, func(s *scene) {
		n := addresses()
		unknown := func() []string { return s.mail(strangers(n), 0) }
		known, disabled := s.people(mine, n), s.disable(s.people(mine, n))
		first, second, third := unknown(), unknown(), unknown()
		s.mails.isSlow.Store(true)
		s.compare("unknown, known", alike, s.send(oneOf(first)), s.send(oneOf(known)))
		s.compare("unknown, disabled", alike, s.send(oneOf(second)), s.send(oneOf(disabled)))

		// The more mails, the longer the document to read and to write.
		s.compare("unknown, never heard of", either, s.send(oneOf(third)), s.send(nobodyYet))
	})
}

// What takes a little longer is noticed, or the tests above prove nothing.
func TestPositiveControl(t *testing.T) {
	onEachDatabase(t, func(s *scene) {
		n := addresses()
		known, unknown := s.people(mine, n), s.mail(strangers(n), 0)
		s.mails.isSlow.Store(true)
		longer := func(by time.Duration, want outcome) {
			s.store.known = by
			s.compare("longer by "+by.String(), want, s.send(oneOf(unknown)), s.send(oneOf(known)))
		}
		if *samples == 0 {
			longer(50*time.Millisecond, different)
			return
		}
		longer(2*time.Millisecond, different)
		longer(50*time.Microsecond, control)
	})
}
