package faults_test

import (
	"strings"
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
	if refused := p.gets(); refused != "" {
		s.Fatal(refused)
	}
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

// A panic in a handler, a transaction, a delivery, the sweep or a function of
// the host ends none of them: it is in the log, whoever was in its way is told
// BUSY, and the process goes on. [TestFault_walk] has one at each place.
func TestFault_R37_panics(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, fresh func(testing.TB) database) {
		for name, point := range map[string]string{
			"a handler":              "login: compared",
			"a transaction":          "redeem: counted",
			"a worker":               "mail: claimed",
			"the Mailer of the host": "host: SendCode",
			"a hook":                 "host: OnLogin",
			"the sweep":              "sweep: part done",
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, fresh(t))
				p := s.start("MAILKEY_FAILPOINTS=" + point + "=panic@2")
				if name == "the sweep" { // a few a minute
					p.WaitFor(t, p.Stderr, `(panic in the background.*`+point+`)`)
				}
				for range 3 {
					switch got := s.newPerson().live(); {
					case got == "", strings.HasSuffix(got, string(auth.ReasonBusy)), got == errNoMail.Error():
					default:
						t.Error(got)
					}
				}
				if !strings.Contains(p.Stderr.String(), "failpoint: "+point) {
					t.Errorf("no panic at %q\n%s", point, p.Stderr)
				}
				s.claimsRunOut()
				s.mailed()
				s.recovers()
				s.check()
				p.Terminate(t)
			})
		}
	})
}
