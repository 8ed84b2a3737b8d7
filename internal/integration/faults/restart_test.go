package faults_test

import (
	"os"
	"sync/atomic"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/services"
	"example.com/mailkey/internal/torture"
)

// PostgreSQL ends and comes back, again and again, while people log in. Who was
// in its way is told BUSY, nobody is let in twice, and the pool is as before.
func TestFault_R18_restarts(t *testing.T) {
	t.Parallel()
	postgres := services.StartPostgres(t)
	s := newSite(t, postgresAt(postgres.URL("postgres")))
	s.start()
	s.steady()

	var stop atomic.Bool
	var well, busy atomic.Int64
	people := func() string {
		for !stop.Load() {
			switch got := s.newPerson().live(); got {
			case "":
				well.Add(1)
			case "send: " + string(auth.ReasonBusy), "login: " + string(auth.ReasonBusy), "refresh: " + string(auth.ReasonBusy),
				"logout: " + string(auth.ReasonBusy), "a wrong guess: " + string(auth.ReasonBusy), "after the logout: " + string(auth.ReasonBusy):
				busy.Add(1)
			case "send: " + string(auth.ReasonCaptcha), errNoMail.Error():
				// A ticket that was lost with the server, which does not keep
				// those that were not used yet; a mail that waits for its retry.
			default:
				t.Errorf("while it restarts: %s", got)
			}
		}
		return ""
	}
	restarts := func() string {
		defer stop.Store(true)
		until := time.Now().Add(time.Duration(torture.Rounds(0, 300)) * time.Second)
		for n := 0; n < 3 || time.Now().Before(until); n++ {
			postgres.Stop(t, []os.Signal{services.Immediate, services.Fast}[n%2])
			time.Sleep(500 * time.Millisecond) // connection refused
			postgres.Start(t)
			time.Sleep(500 * time.Millisecond) // some get through
		}
		return ""
	}
	together(people, people, people, restarts)
	s.recovers()
	t.Logf("%d logged in, %d were told BUSY", well.Load(), busy.Load())
	if busy.Load() == 0 {
		t.Error("nobody noticed")
	}
	s.check()
}
