// Package smtpmailer is the [auth.Mailer] that hands codes to a mail relay.
//
// One URL and one sender are enough:
//
//	mailer, err := smtpmailer.New(smtpmailer.Config{
//		URL:  "smtp://login:password@smtp.example.net:587",
//		From: "Example <login@app.example>",
//	})
//
// and auth.Config.Mailer = mailer. The mail is a short text and the same as
// HTML, in English or Chinese; [Config.Templates] replaces them or adds
// languages, and [Mailer.Message] shows the result without sending it.
//
// # What a relay must offer
//
// TLS with a certificate that verifies: from the first byte with smtps://, by
// STARTTLS with smtp://. A relay that does not offer it gets neither the
// password nor a mail. The one exception is a relay on this machine: an
// smtp:// URL whose host is localhost, 127.0.0.0/8 or ::1 is spoken to in
// plain text, unless [Config.TLSConfig] is set, which makes STARTTLS
// compulsory there too. Nothing is ever used "when offered": whoever can
// change what a relay offers must not be able to switch encryption off.
//
// With a user in the URL the relay must offer AUTH PLAIN or AUTH LOGIN.
// SCRAM is left out: the relay would choose how long we compute, and no
// deadline ends that.
//
// # How an attempt ends
//
// Each mail has a connection of its own. Dialing may take 5 seconds, each
// command 10, the whole mail 30, and none of them outlives the context.
//
// An error wraps [auth.ErrMailRejected] when the relay refuses this mail for
// good (5xx to MAIL, RCPT, DATA or the text), [auth.ErrMailDeferred] when it
// refuses the recipient for now (4xx to RCPT), [auth.ErrMailUnknown] when the text
// was sent and no answer came, and none of them when trying again may help: other
// 4xx, a relay that is down, and whatever is a matter of configuration, like a
// wrong password. The text of an error holds neither the address nor the code nor
// the password.
package smtpmailer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"time"

	"example.com/mailkey/auth"
)

// The longest waits of one SendCode.
const (
	dialTimeout    = 5 * time.Second
	commandTimeout = 10 * time.Second
	messageTimeout = 30 * time.Second
	quitTimeout    = time.Second // the mail's fate is known by then
)

// Config says through which relay mails go, and what they look like.
type Config struct {
	// URL names the relay: smtp://user:password@host:587 for STARTTLS,
	// smtps://user:password@host:465 for TLS from the first byte. User and
	// password are percent-encoded; without them there is no AUTH. The ports
	// shown are the defaults. Required.
	URL string

	// From is the sender, as "Name <login@app.example>" or a bare address. The
	// address is the envelope sender too, and its domain is the name in EHLO.
	// Required.
	From string

	// Templates replace the built-in texts of a language ("en", "zh") or add
	// one. A mail takes the template of its language, else that of the
	// language without its last subtags (zh-Hant-TW, zh-Hant, zh), else en.
	// Default: the built-in ones.
	Templates map[string]Template

	// TLSConfig is for private certificate authorities (RootCAs), client
	// certificates and relays whose certificate bears another name
	// (ServerName). It cannot switch verification off. Default: the system's
	// authorities, and the host of URL as the name.
	TLSConfig *tls.Config

	// DialContext opens the connection, for example through a proxy. Default:
	// that of a net.Dialer.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Format prints a Config without its URL, which holds a password.
func (c Config) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "smtpmailer.Config{From: %q, …}", c.From)
}

// Mailer implements [auth.Mailer]. It is safe for concurrent use.
type Mailer struct {
	relay     *relay
	from      *mail.Address
	hello     string
	templates map[string]*compiled
	dial      func(ctx context.Context, network, addr string) (net.Conn, error)
}

var _ auth.Mailer = (*Mailer)(nil)

// New checks the configuration and every template, and returns all mistakes
// joined. It connects to nothing.
func New(c Config) (*Mailer, error) {
	relay, relayErr := parseRelay(c.URL, c.TLSConfig)
	from, fromErr := parseFrom(c.From)
	templates, templatesErr := compileAll(c.Templates)
	if err := errors.Join(relayErr, fromErr, templatesErr); err != nil {
		return nil, err
	}
	m := &Mailer{
		relay:     relay,
		from:      from,
		hello:     domainOf(from.Address),
		templates: templates,
		dial:      c.DialContext,
	}
	if m.dial == nil {
		m.dial = new(net.Dialer).DialContext
	}
	return m, nil
}

// SendCode hands one mail to the relay.
func (m *Mailer) SendCode(ctx context.Context, c auth.CodeMail) error {
	text, err := m.Message(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, messageTimeout)
	defer cancel()
	return m.deliver(ctx, c, text)
}

// Message returns the mail that SendCode would send now, headers and all.
func (m *Mailer) Message(c auth.CodeMail) ([]byte, error) {
	now := time.Now()
	if err := check(c, now); err != nil {
		return nil, fmt.Errorf("smtpmailer: %w", err)
	}
	text, err := m.compose(c, now)
	if err != nil {
		return nil, fmt.Errorf("smtpmailer: compose: %w", err)
	}
	return text, nil
}
