package integration

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/smtpmailer"
	"example.com/mailkey/internal/integration/smtpd"
)

// relayName is a host name that is not loopback, for relays that run here.
const relayName = "relay.example.test"

// codeMail is a mail that nothing is wrong with.
func codeMail(to string) auth.CodeMail {
	return auth.CodeMail{
		To:        to,
		Code:      "407182",
		ExpiresAt: time.Now().Add(10 * time.Minute),
		Language:  "en",
		Product:   "Example",
		Host:      "app.example",
		MessageID: "5f1c2a@app.example",
	}
}

// smtpMailer is a mailer for a URL, with the sender that these tests expect.
func smtpMailer(tb testing.TB, c smtpmailer.Config) *smtpmailer.Mailer {
	tb.Helper()
	c.From = "Exämple <login@app.example>"
	m, err := smtpmailer.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// dialTo connects to a server whatever name the URL has.
func dialTo(s *smtpd.Server) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.Addr())
	}
}

// mailClass names what an error tells the delivery worker.
func mailClass(err error) string {
	switch {
	case err == nil:
		return "sent"
	case errors.Is(err, auth.ErrMailRejected):
		return "rejected"
	case errors.Is(err, auth.ErrMailUnknown):
		return "unknown"
	case errors.Is(err, auth.ErrMailDeferred):
		return "deferred"
	}
	return "retry"
}

// wantVerbs compares what the server was told with what it should have been.
func wantVerbs(tb testing.TB, s *smtpd.Server, want ...string) {
	tb.Helper()
	if got := s.Verbs(); !slices.Equal(got, want) {
		tb.Errorf("the server was told %q, want %q", got, want)
	}
}

func TestSMTPMail(t *testing.T) {
	t.Parallel()
	s := smtpd.New(t, smtpd.Config{})
	c := codeMail("alice@example.org")
	if err := smtpMailer(t, smtpmailer.Config{URL: s.URL()}).SendCode(t.Context(), c); err != nil {
		t.Fatal(err)
	}

	want := []string{
		"EHLO app.example",
		"MAIL FROM:<login@app.example> BODY=8BITMIME",
		"RCPT TO:<alice@example.org>",
		"DATA",
		".",
		"QUIT",
	}
	if got := s.Transcript(); !slices.Equal(got, want) {
		t.Errorf("transcript is\n%q, want\n%q", got, want)
	}

	m := s.Next(t, c.To)
	if m.From != "login@app.example" || !slices.Equal(m.To, []string{"alice@example.org"}) {
		t.Errorf("envelope is %q, %q", m.From, m.To)
	}
	header, parts := m.Parse(t)
	for name, want := range map[string]string{
		"From":           "=?utf-8?q?Ex=C3=A4mple?= <login@app.example>",
		"To":             "<alice@example.org>",
		"Subject":        "Example sign-in code",
		"Message-Id":     "<5f1c2a@app.example>",
		"Auto-Submitted": "auto-generated",
		"Mime-Version":   "1.0",
	} {
		if got := header[name]; !slices.Equal(got, []string{want}) {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if date, err := header.Date(); err != nil || time.Since(date).Abs() > time.Minute || !strings.HasSuffix(header.Get("Date"), "+0000") {
		t.Errorf("Date is %q", header.Get("Date"))
	}
	if len(header) != 8 { // those, Date and Content-Type
		t.Errorf("headers are %v", header)
	}

	if len(parts) != 2 || parts[0].Type != "text/plain" || parts[1].Type != "text/html" {
		t.Fatalf("parts are %v", parts)
	}
	for _, p := range parts {
		if want := map[string]string{"charset": "UTF-8"}; !reflect.DeepEqual(p.Params, want) {
			t.Errorf("%s has the parameters %v, want %v", p.Type, p.Params, want)
		}
		if !strings.Contains(p.Body, c.Code) || !strings.Contains(p.Body, "10 minutes") {
			t.Errorf("%s is %s", p.Type, p.Body)
		}
	}
	if got := m.Code(t); got != c.Code {
		t.Errorf("code is %q", got)
	}
	for i, line := range strings.Split(string(m.Raw), "\r\n") {
		if len(line) > 78 || strings.ContainsAny(line, "\r\n") || strings.ContainsFunc(line, func(r rune) bool { return r > '~' }) {
			t.Errorf("line %d is %q", i, line)
		}
	}
}

func TestSMTPChinese(t *testing.T) {
	t.Parallel()
	s := smtpd.New(t, smtpd.Config{})
	c := codeMail("alice@example.org")
	c.Language, c.Product = "zh-CN", "示例"
	if err := smtpMailer(t, smtpmailer.Config{URL: s.URL()}).SendCode(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	m := s.Next(t, c.To)
	if text := m.Text(t); !strings.Contains(text, "登录 示例") || m.Code(t) != c.Code {
		t.Errorf("text is %s", text)
	}
	if text := m.HTML(t); !strings.Contains(text, `<html lang="zh-Hans">`) || !strings.Contains(text, "登录 示例") {
		t.Errorf("HTML is %s", text)
	}
}

// The same mail has the same Message-ID at each attempt.
func TestFault_R05_SameMessageID(t *testing.T) {
	t.Parallel()
	s := smtpd.New(t, smtpd.Config{})
	s.On(smtpd.Dot, smtpd.Lose())
	mailer := smtpMailer(t, smtpmailer.Config{URL: s.URL()})
	c := codeMail("alice@example.org")
	if err := mailer.SendCode(t.Context(), c); mailClass(err) != "unknown" {
		t.Fatalf("got %v", err)
	}
	if err := mailer.SendCode(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	first, second := s.Next(t, c.To), s.Next(t, c.To)
	a, _ := first.Parse(t)
	b, _ := second.Parse(t)
	if a.Get("Message-Id") != b.Get("Message-Id") || first.Code(t) != second.Code(t) {
		t.Errorf("%v and %v differ", a, b)
	}
}

func TestSMTPParallel(t *testing.T) {
	t.Parallel()
	ca := smtpd.NewAuthority(t)
	s := smtpd.New(t, smtpd.Config{
		Certificate: ca.Certificate(t, time.Now().Add(time.Hour), "127.0.0.1"),
		User:        "login", Password: "password",
	})
	mailer := smtpMailer(t, smtpmailer.Config{URL: s.URL(), TLSConfig: trust(ca)})
	const n = 20
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			c := codeMail(fmt.Sprintf("user%d@example.org", i))
			c.Code = fmt.Sprintf("%06d", i)
			c.MessageID = fmt.Sprintf("%d@app.example", i)
			if err := mailer.SendCode(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for i := range n {
		m := s.Next(t, fmt.Sprintf("user%d@example.org", i))
		header, _ := m.Parse(t)
		if m.Code(t) != fmt.Sprintf("%06d", i) || header.Get("Message-Id") != fmt.Sprintf("<%d@app.example>", i) || len(m.To) != 1 {
			t.Errorf("mail %d holds another one's code: %s", i, m.Raw)
		}
	}
	if got := len(s.Messages()); got != n {
		t.Errorf("%d mails, want %d", got, n)
	}
}

// An address that could be a command never reaches the relay.
func TestAbuse_B04_B05_OneRecipient(t *testing.T) {
	t.Parallel()
	s := smtpd.New(t, smtpd.Config{})
	mailer := smtpMailer(t, smtpmailer.Config{URL: s.URL()})
	for _, to := range []string{
		"a@b.example>\r\nRCPT TO:<c@d.example",
		"a@b.example> NOTIFY=SUCCESS ORCPT=rfc822;c@d.example",
		`"a> NOTIFY=NEVER"@b.example`,
		"a@b.example,c@d.example",
		"a@b.example\r\nBcc: c@d.example",
	} {
		if err := mailer.SendCode(t.Context(), codeMail(to)); mailClass(err) != "rejected" {
			t.Errorf("%q: %v", to, err)
		}
	}
	if s.Dialed() != 0 {
		t.Errorf("the relay was told %q", s.Transcript())
	}
	if err := mailer.SendCode(t.Context(), codeMail("o'hara+x@b.example")); err != nil {
		t.Fatal(err)
	}
	if got := slices.DeleteFunc(s.Transcript(), func(line string) bool { return !strings.HasPrefix(line, "RCPT") }); !slices.Equal(got, []string{"RCPT TO:<o'hara+x@b.example>"}) {
		t.Errorf("recipients are %q", got)
	}
}
