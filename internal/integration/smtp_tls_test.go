package integration

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/auth/smtpmailer"
	"example.com/mailkey/internal/integration/smtpd"
)

func trust(ca *smtpd.Authority) *tls.Config { return &tls.Config{RootCAs: ca.Pool()} }

// Where TLS is required, and what happens when the relay does not offer it or
// shows the wrong certificate: no password, no address, no mail in clear.
func TestFault_R06_J06_TLS(t *testing.T) {
	t.Parallel()
	ca, stranger := smtpd.NewAuthority(t), smtpd.NewAuthority(t)
	tomorrow, yesterday := time.Now().Add(24*time.Hour), time.Now().Add(-time.Hour)
	good := ca.Certificate(t, tomorrow, relayName, "127.0.0.1")

	mail := []string{"AUTH", "MAIL", "RCPT", "DATA", ".", "QUIT"}
	upgraded := append([]string{"EHLO", "STARTTLS", "EHLO"}, mail...)
	plain := append([]string{"EHLO"}, mail...)
	handshakeFails := []string{"EHLO", "STARTTLS"}

	for _, tt := range []struct {
		name   string
		server smtpd.Config
		url    string // the host and scheme; HERE is the server's address
		config *tls.Config
		verbs  []string
		err    string // empty: the mail arrives
		tls    bool
	}{
		{"STARTTLS", smtpd.Config{Certificate: good}, "smtp://" + relayName, trust(ca), upgraded, "", true},
		{"TLS from the first byte", smtpd.Config{Certificate: good, ImplicitTLS: true}, "smtps://" + relayName, trust(ca), plain, "", true},
		{"a certificate for an address", smtpd.Config{Certificate: good}, "smtp://HERE", trust(ca), upgraded, "", true},
		{"loopback, plain", smtpd.Config{}, "smtp://HERE", nil, plain, "", false},

		{"STARTTLS not offered", smtpd.Config{}, "smtp://" + relayName, trust(ca), []string{"EHLO"}, "does not offer STARTTLS", false},
		{"STARTTLS not offered, no TLSConfig", smtpd.Config{}, "smtp://" + relayName, nil, []string{"EHLO"}, "does not offer STARTTLS", false},
		{"STARTTLS not offered, loopback with TLSConfig", smtpd.Config{}, "smtp://HERE", trust(ca), []string{"EHLO"}, "does not offer STARTTLS", false},

		{"an unknown authority", smtpd.Config{Certificate: stranger.Certificate(t, tomorrow, relayName)}, "smtp://" + relayName, trust(ca), handshakeFails, "unknown authority", false},
		{"a private authority without RootCAs", smtpd.Config{Certificate: good}, "smtp://" + relayName, nil, handshakeFails, "unknown authority", false},
		{"an expired certificate", smtpd.Config{Certificate: ca.Certificate(t, yesterday, relayName)}, "smtp://" + relayName, trust(ca), handshakeFails, "expired", false},
		{"another name", smtpd.Config{Certificate: ca.Certificate(t, tomorrow, "other.example.test")}, "smtp://" + relayName, trust(ca), handshakeFails, "valid for other.example.test, not " + relayName, false},
		{"another address", smtpd.Config{Certificate: ca.Certificate(t, tomorrow, "127.0.0.2")}, "smtp://HERE", trust(ca), handshakeFails, "valid for 127.0.0.2, not 127.0.0.1", false},
		{"an unknown authority, smtps", smtpd.Config{Certificate: stranger.Certificate(t, tomorrow, relayName), ImplicitTLS: true}, "smtps://" + relayName, trust(ca), nil, "unknown authority", false},
		{"an expired certificate, smtps", smtpd.Config{Certificate: ca.Certificate(t, yesterday, relayName), ImplicitTLS: true}, "smtps://" + relayName, trust(ca), nil, "expired", false},
		{"another name, smtps", smtpd.Config{Certificate: ca.Certificate(t, tomorrow, "other.example.test"), ImplicitTLS: true}, "smtps://" + relayName, trust(ca), nil, "not " + relayName, false},
		{"a server name of one's own", smtpd.Config{Certificate: ca.Certificate(t, tomorrow, "other.example.test")}, "smtp://HERE", &tls.Config{RootCAs: ca.Pool(), ServerName: "other.example.test"}, upgraded, "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.server.User, tt.server.Password = "login", "password"
			s := smtpd.New(t, tt.server)
			host := strings.ReplaceAll(tt.url, "HERE", s.Addr())
			err := smtpMailer(t, smtpmailer.Config{
				URL:         strings.Replace(host, "://", "://login:password@", 1),
				TLSConfig:   tt.config,
				DialContext: dialTo(s),
			}).SendCode(t.Context(), codeMail("alice@example.org"))

			wantVerbs(t, s, tt.verbs...)
			if tt.err != "" {
				if mailClass(err) != "retry" || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %s: %v, want retry: %s", mailClass(err), err, tt.err)
				}
				if len(s.Messages()) != 0 {
					t.Error("a mail arrived")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if m := s.Next(t, "alice@example.org"); m.TLS != tt.tls || m.User != "login" {
				t.Errorf("the mail came with TLS %v from %q", m.TLS, m.User)
			}
		})
	}
}

// A relay that answers smtps:// in plain text hears the beginning of a
// handshake and nothing else.
func TestFault_R06_PlainTextWhereTLSShouldBe(t *testing.T) {
	t.Parallel()
	s := smtpd.New(t, smtpd.Config{User: "login", Password: "password"})
	err := smtpMailer(t, smtpmailer.Config{URL: "smtps://login:password@" + s.Addr()}).
		SendCode(t.Context(), codeMail("alice@example.org"))
	if mailClass(err) != "retry" || !strings.Contains(err.Error(), "does not look like a TLS handshake") {
		t.Errorf("got %v", err)
	}
	for _, line := range s.Transcript() {
		for _, word := range []string{"EHLO", "AUTH", "MAIL", "RCPT"} {
			if strings.HasPrefix(line, word) {
				t.Errorf("the relay was told %q", line)
			}
		}
	}
}

// Only what can mean nothing but this machine is spoken to in plain text.
func TestAbuse_J06_NamesThatAreNotLoopback(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"localhost.example.test", "127.0.0.1.example.test", "10.0.0.1", "0.0.0.0", "[::]", "2130706433", "0x7f000001"} {
		s := smtpd.New(t, smtpd.Config{User: "login", Password: "password"})
		err := smtpMailer(t, smtpmailer.Config{URL: "smtp://login:password@" + host, DialContext: dialTo(s)}).
			SendCode(t.Context(), codeMail("alice@example.org"))
		if mailClass(err) != "retry" {
			t.Errorf("%s: %v", host, err)
		}
		wantVerbs(t, s, "EHLO")
	}
}
