package faults_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/internal/integration/smtpd"
)

// A relay that does not prove who it is, or offers no encryption, gets neither
// the password nor a mail. Nobody who asks for one notices, and it comes when
// the relay is right.
func TestFault_R06_relayWithoutTLS(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]func(*smtpd.Authority) smtpd.Config{
		"no STARTTLS": func(*smtpd.Authority) smtpd.Config { return smtpd.Config{} },
		"an unknown authority": func(*smtpd.Authority) smtpd.Config {
			return smtpd.Config{Certificate: smtpd.NewAuthority(t).Certificate(t, tomorrow(), relayName)}
		},
		"an expired certificate": func(ca *smtpd.Authority) smtpd.Config {
			return smtpd.Config{Certificate: ca.Certificate(t, time.Now().Add(-time.Hour), relayName)}
		},
		"another name": func(ca *smtpd.Authority) smtpd.Config {
			return smtpd.Config{Certificate: ca.Certificate(t, tomorrow(), "other.example")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSiteWithTLS(t, freshSQLite(t))
			s.start(s.trust())
			s.steady()
			config := wrong(s.authority)
			config.User, config.Password, config.Addr = relayUser, relayPassword, s.relay.Addr()
			s.relay.Close()
			bad := smtpd.New(t, config)
			somebody := s.newPerson()
			if got := somebody.asks(); got != ok {
				t.Errorf("who asks for a mail: %s", got)
			}
			s.at.WaitFor(t, s.at.Stderr, `(`+notDelivered+`.* retry=true)`)
			if verbs := bad.Verbs(); slices.Contains(verbs, "AUTH") || slices.Contains(verbs, "MAIL") || len(bad.Messages()) > 0 {
				t.Errorf("it was told %q", verbs)
			}
			bad.Close()
			s.relay = smtpd.New(t, smtpd.Config{
				Addr: s.relay.Addr(), User: relayUser, Password: relayPassword, Certificate: s.authority.Certificate(t, tomorrow(), relayName),
			})
			s.pass(30 * time.Second)
			if _, err := somebody.mail(0); err != nil || !somebody.mails()[0].TLS {
				t.Errorf("the mail afterwards: %v\n%s", err, s.at.Stderr)
			}
			s.recovers()
			s.check()
			for _, p := range s.processes {
				if strings.Contains(p.Stderr.String(), relayPassword) {
					t.Error("I8: the password of the relay is in the log")
				}
			}
		})
	}
}
