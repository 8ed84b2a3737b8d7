package faults_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/internal/torture"
)

// Each place at which something can fail does, the first time that anybody comes
// there, then the second time, and so on until a round goes through. Nobody is
// granted anything by it, and the server goes on.
func TestFault_R37_everyPlace(t *testing.T) {
	var points []string
	for _, c := range crashes {
		if !slices.Contains([]string{"migrate: file applied", "keys: made", "keys: saved"}, c.point) { // a server that starts ends by them
			points = append(points, c.point)
		}
	}
	onEachDatabase(t, func(t *testing.T, fresh func(testing.TB) database) {
		for _, mode := range []string{"error", "panic"} {
			t.Run(mode, func(t *testing.T) {
				t.Parallel()
				for n := 1; n <= torture.Rounds(2, 1000); n++ {
					s := newSite(t, fresh(t))
					var plan []string
					for _, point := range points {
						plan = append(plan, fmt.Sprintf("%s=%s@%d", point, mode, n))
					}
					s.start("MAILKEY_FAILPOINTS=" + strings.Join(plan, ";"))
					failed := s.walk(len(points) + 2)
					s.at.Terminate(t)
					s.start() // or what checks would fail
					s.check()
					s.at.Kill()
					if failed == 0 {
						break
					}
				}
			})
		}
	})
}

// walk lets somebody live until nothing is in the way any more, in so many lives
// at most. It returns in how many something was.
func (s *site) walk(most int) (failed int) {
	s.Helper()
	somebody := s.newPerson()
	for ; failed < most; failed++ {
		if refused := somebody.live(); refused == "" {
			return failed
		}
		s.claimsRunOut()
	}
	s.Errorf("after %d failures people are still refused\n%s", failed, s.at.Stderr)
	return failed
}

// A server that cannot make its tables or keys says so and ends; the next one
// does.
func TestFault_R37_everyPlaceAtTheStart(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, fresh func(testing.TB) database) {
		for _, point := range []string{"migrate: file applied", "keys: made", "keys: saved"} {
			for _, mode := range []string{"error", "panic"} {
				s := newSite(t, fresh(t))
				p := s.launch(fmt.Sprintf("MAILKEY_FAILPOINTS=%s=%s", point, mode))
				if s.serves(p) {
					t.Errorf("%s at %q: it serves", mode, point)
				}
				if got := p.Status(t, 10*time.Second); got == 0 || !strings.Contains(p.Stderr.String(), point) {
					t.Errorf("%s at %q: exit status %d\n%s", mode, point, got, p.Stderr)
				}
				s.start()
				s.recovers()
				s.check()
			}
		}
	})
}
