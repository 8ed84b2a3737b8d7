package faults_test

import (
	"testing"
	"time"

	"example.com/mailkey/auth"
)

// A function of the host fails, panics, takes too long or returns nonsense. The
// login is refused for now, within the two seconds that it has, nothing was
// granted, and the code works when the host does.
func TestFault_R38_functionsOfTheHost(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, fresh func(testing.TB) database) {
		s := newSite(t, fresh(t))
		s.start()
		s.steady()
		for _, point := range []string{"AllowRegistration", "OnFirstLogin", "OnLogin", "ExtraClaims"} {
			for _, mode := range []string{"error", "panic", "sleep 3s"} {
				s.hostFails("host: " + point + "=" + mode)
			}
		}
		s.hostFails("host: nonsense=error")
		s.check()
	})
}

func (s *site) hostFails(plan string) {
	s.Helper()
	p := s.newPerson()
	p.mustGet()
	s.fail(plan)
	if got := p.guess(p.lastCode(), true); got.code != string(auth.ReasonBusy) || got.took > 4*time.Second {
		s.Errorf("%s: %s after %v, want BUSY within two seconds", plan, got.code, got.took)
	}
	if got := s.sessions()[p.email]; got != 0 {
		s.Errorf("%s: %d sessions", plan, got)
	}
	s.fail("")
	if got := p.guess(p.lastCode(), true); got.code != ok {
		s.Errorf("%s, and the code afterwards: %s", plan, got.code)
	}
}

// A panic in a handler, a transaction, a function of the host, a delivery or the
// sweep ends none of them: it is in the log, whoever was in its way is told
// BUSY, and the process goes on. [TestFault_R37_everyPlace] has one at each place.
func TestFault_R37_panics(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, fresh func(testing.TB) database) {
		s := newSite(t, fresh(t))
		p := s.start("MAILKEY_FAILPOINTS=sweep: part done=panic@2") // there is one at the start
		p.WaitFor(t, p.Stderr, `(panic in the background.*sweep: part done)`)
		s.steady()
		for _, point := range []string{"login: compared", "redeem: counted", "host: OnLogin"} {
			s.hostFails(point + "=panic")
		}
		for _, point := range []string{"mail: claimed", "host: SendCode"} {
			somebody := s.newPerson()
			s.fail(point + "=panic@1")
			if got := somebody.asks(); got != ok {
				t.Errorf("%s: a mail: %s", point, got)
			}
			s.eventually("it panics", 10*time.Second, func() bool { return s.logged("failpoint: "+point) > 0 })
			s.claimsRunOut()
			if _, err := somebody.mail(0); err != nil {
				t.Fatalf("%s: %v\n%s", point, err, s.at.Stderr)
			}
			if got := somebody.guess(somebody.lastCode(), true); got.code != ok {
				t.Errorf("%s: the code: %s", point, got.code)
			}
		}
		s.check()
		p.Terminate(t)
	})
}
