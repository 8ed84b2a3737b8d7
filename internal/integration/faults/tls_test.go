package faults_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/internal/integration/smtpd"
)

const (
	relayName     = "relay.faults.example"
	relayUser     = "login"
	relayPassword = "relay-canary-7c1f"
)

// newSiteWithTLS is a site whose relay has a name, a certificate and a password.
func newSiteWithTLS(t *testing.T, db database) *site {
	t.Helper()
	ca := smtpd.NewAuthority(t)
	s := newSiteWith(t, db, smtpd.New(t, smtpd.Config{
		User: relayUser, Password: relayPassword, Certificate: ca.Certificate(t, tomorrow(), relayName),
	}))
	s.authority, s.names = ca, startNames(t)
	s.relayURL = strings.Replace(s.relay.URL(), "127.0.0.1", relayName, 1)
	s.db = s.db.with("-dns", s.names.addr)
	return s
}

func tomorrow() time.Time { return time.Now().Add(24 * time.Hour) }

// trust is the environment of a server that trusts the authority of the relay.
func (s *site) trust() (env string) {
	s.Helper()
	file := filepath.Join(s.TempDir(), "ca.pem")
	if err := os.WriteFile(file, s.authority.PEM(), 0o600); err != nil {
		s.Fatal(err)
	}
	return "SSL_CERT_FILE=" + file
}
