package smtpmailer

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"example.com/mailkey/auth"
)

// replyLimit bounds what a relay may say during one mail, certificates
// included: the library reads lines of any length, and before TLS anyone on
// the path can write them.
const replyLimit = 256 << 10

var (
	errNoSTARTTLS  = errors.New("the relay does not offer STARTTLS, and nothing is sent without encryption")
	errNotLoopback = errors.New("the relay is not on this machine, and nothing is sent there without encryption")
	errNoAuth      = errors.New("the relay offers neither PLAIN nor LOGIN")
	errTooMuch     = errors.New("the relay says too much")
)

// A dialogue is one connection, with one mail to hand over.
type dialogue struct {
	*relay
	conn   net.Conn
	client *smtp.Client
	body   io.WriteCloser
}

// deliver goes through the steps of the protocol itself. The library's Client
// type would take one call, but it ignores ctx once it is connected, reports a
// mail as failed when the RSET after it fails, and names the machine in EHLO.
func (m *Mailer) deliver(ctx context.Context, c auth.CodeMail, text []byte) error {
	redact := redactor(c, m.relay)
	conn, err := m.connect(ctx)
	if err != nil {
		return failure(ctx, stepConnect, err, redact)
	}
	defer conn.Close()
	// Each step has a deadline of its own; the end of ctx closes the connection
	// under whichever is waiting.
	defer context.AfterFunc(ctx, func() { conn.Close() })()

	link := &link{Conn: conn, left: replyLimit}
	d := &dialogue{relay: m.relay, conn: link}
	for _, s := range []struct {
		step step
		do   func() error
	}{
		{stepTLS, d.handshake},
		{stepGreeting, d.greet},
		{stepEHLO, func() error { return d.client.Hello(m.hello) }},
		{stepSTARTTLS, d.startTLS},
		{stepAUTH, d.auth},
		{stepMAIL, func() error { return d.client.Mail("<" + m.from.Address + ">") }},
		{stepRCPT, func() error { return d.client.Rcpt("<" + c.To + ">") }},
		{stepDATA, func() (err error) { d.body, err = d.client.Data(); return err }},
		{stepText, func() error { _, err := d.body.Write(text); return err }},
		{stepFinalDot, func() error { return d.body.Close() }},
	} {
		_ = d.conn.SetDeadline(time.Now().Add(commandTimeout))
		err := s.do()
		if err == nil {
			err = link.err
		}
		if err != nil {
			if isReply(err) {
				defer d.quit()
			}
			return failure(ctx, s.step, err, redact)
		}
	}
	d.quit()
	return nil
}

func (m *Mailer) connect(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := m.dial(ctx, "tcp", m.relay.addr())
	if err != nil {
		return nil, err
	}
	// The name was checked in New; a resolver may say otherwise.
	if m.relay.tls == nil && !isLoopbackAddr(conn.RemoteAddr()) {
		conn.Close()
		return nil, errNotLoopback
	}
	return conn, nil
}

func isLoopbackAddr(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

func (d *dialogue) handshake() error {
	if !d.implicitTLS {
		return nil
	}
	conn := tls.Client(d.conn, d.tls)
	d.conn = conn
	return conn.Handshake()
}

func (d *dialogue) greet() (err error) {
	d.client, err = smtp.NewClient(d.conn, d.host)
	if err != nil {
		return err
	}
	// Our addresses are ASCII, and a mail that asks for SMTPUTF8 bounces at the
	// first hop without it.
	d.client.SkipSMTPUTF8(true)
	return nil
}

func (d *dialogue) startTLS() error {
	if d.implicitTLS || d.tls == nil {
		return nil
	}
	if offered, _ := d.client.Extension("STARTTLS"); !offered {
		return errNoSTARTTLS
	}
	return d.client.StartTLS(d.tls)
}

func (d *dialogue) auth() error {
	if d.user == "" {
		return nil
	}
	_, offered := d.client.Extension("AUTH")
	mechanisms := strings.Fields(strings.ToUpper(offered))
	plainText := d.tls == nil
	switch {
	case slices.Contains(mechanisms, "PLAIN"):
		return d.client.Auth(smtp.PlainAuth("", d.user, d.password(), d.host, plainText))
	case slices.Contains(mechanisms, "LOGIN"):
		return d.client.Auth(smtp.LoginAuth(d.user, d.password(), d.host, plainText))
	}
	return errNoAuth
}

// quit takes leave. The fate of the mail is known: nothing depends on it.
func (d *dialogue) quit() {
	if d.client != nil {
		_ = d.conn.SetDeadline(time.Now().Add(quitTimeout))
		_ = d.client.Quit()
	}
}

// link is the connection as the library sees it. It fails after left bytes have
// been read, and it remembers that it failed: a reader of lines takes what came
// before a timeout or a cut for a whole line.
type link struct {
	net.Conn
	left int
	err  error
}

func (l *link) Read(p []byte) (n int, err error) {
	if l.left <= 0 {
		l.err = errTooMuch
		return 0, l.err
	}
	n, err = l.Conn.Read(p[:min(len(p), l.left)])
	l.left -= n
	if err != nil {
		l.err = err
	}
	return n, err
}
