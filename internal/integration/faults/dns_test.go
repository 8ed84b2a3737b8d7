package faults_test

import (
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// The name of the relay cannot be looked up, or leads elsewhere. Nobody who asks
// for a mail notices, nothing piles up, and the mail comes when the name is
// right.
func TestFault_R08_names(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]answer{
		"the server fails": func(int, dnsmessage.Type) (dnsmessage.RCode, []string, bool) {
			return dnsmessage.RCodeServerFailure, nil, false
		},
		"no such name": func(int, dnsmessage.Type) (dnsmessage.RCode, []string, bool) {
			return dnsmessage.RCodeNameError, nil, false
		},
		"no answer": func(int, dnsmessage.Type) (dnsmessage.RCode, []string, bool) { return 0, nil, true },
		"the wrong family": func(_ int, kind dnsmessage.Type) (dnsmessage.RCode, []string, bool) {
			if kind != dnsmessage.TypeAAAA {
				return dnsmessage.RCodeSuccess, nil, false
			}
			return dnsmessage.RCodeSuccess, []string{"::1"}, false
		},
		"now and then": func(n int, kind dnsmessage.Type) (dnsmessage.RCode, []string, bool) {
			if n%8 < 6 { // each lookup asks four times: two families, twice
				return dnsmessage.RCodeServerFailure, nil, false
			}
			return rightAnswer(n, kind)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSiteWithTLS(t, freshSQLite(t))
			s.start(s.trust())
			s.steady()
			s.names.says(wrong)
			var people []*person
			for range 6 {
				people = append(people, s.newPerson())
				if got := people[len(people)-1].asks(); got != ok {
					t.Errorf("who asks for a mail: %s", got)
				}
			}
			s.at.WaitFor(t, s.at.Stderr, `(`+notDelivered+`.* retry=true cause="smtpmailer: connect: )`)
			if got := s.state().Goroutines; got > s.calm.Goroutines+40 {
				t.Errorf("%d goroutines, and %d before", got, s.calm.Goroutines)
			}
			s.names.says(rightAnswer)
			s.eventually("all have their mail", 30*time.Second, func() bool {
				s.db.exec(t, "UPDATE challenges SET due_at = 1 WHERE due_at IS NOT NULL AND claimed = 0") // nobody waits to try again
				return len(s.relay.Messages()) > len(people)
			})
			for _, p := range people {
				if _, err := p.mail(0); err != nil {
					t.Fatalf("%v\n%s", err, s.at.Stderr)
				}
				if got := p.guess(p.lastCode(), true); got.code != ok {
					t.Errorf("a code: %s", got.code)
				}
			}
			s.check()
		})
	}
}
