package smtpmailer

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/wneessen/go-mail/smtp"

	"example.com/mailkey/auth"
)

var steps = []step{
	stepConnect, stepTLS, stepGreeting, stepEHLO, stepSTARTTLS, stepAUTH,
	stepMAIL, stepRCPT, stepDATA, stepText, stepFinalDot,
}

// class names what an error tells the delivery worker.
func class(err error) string {
	switch rejected, unknown := errors.Is(err, auth.ErrMailRejected), errors.Is(err, auth.ErrMailUnknown); {
	case errors.Is(err, auth.ErrMailDeferred) && !rejected && !unknown:
		return "deferred"
	case err == nil:
		return "sent"
	case rejected && unknown:
		return "both"
	case rejected:
		return "rejected"
	case unknown:
		return "unknown"
	}
	return "retry"
}

// What a reply, or none, means at each step.
func TestFault_R03_R04_R05_Classes(t *testing.T) {
	t.Parallel()
	reply := func(code int) error { return &textproto.Error{Code: code, Msg: "x"} }
	redact := redactor(aMail(), newMailer(t, Config{}).relay)
	mail := []step{stepMAIL, stepRCPT, stepDATA, stepFinalDot}
	dot := []step{stepFinalDot}
	rcpt := []step{stepRCPT}
	for _, tt := range []struct {
		err      error
		rejected []step
		unknown  []step
		deferred []step
	}{
		{reply(421), nil, nil, nil},
		{reply(450), nil, nil, rcpt},
		{reply(451), nil, nil, rcpt},
		{reply(452), nil, nil, rcpt},
		{reply(454), nil, nil, rcpt},
		{reply(501), mail, nil, nil},
		{reply(521), mail, nil, nil},
		{reply(550), mail, nil, nil},
		{reply(551), mail, nil, nil},
		{reply(552), mail, nil, nil},
		{reply(553), mail, nil, nil},
		{reply(554), mail, nil, nil},
		{reply(556), mail, nil, nil},
		{reply(500), nil, nil, nil},
		{reply(502), nil, nil, nil},
		{reply(503), nil, nil, nil},
		{reply(504), nil, nil, nil},
		{reply(523), nil, nil, nil},
		{reply(530), nil, nil, nil},
		{reply(534), nil, nil, nil},
		{reply(535), nil, nil, nil},
		{reply(538), nil, nil, nil},
		{fmt.Errorf("wrapped: %w", reply(550)), mail, nil, nil},
		{reply(251), nil, dot, nil}, // not what was expected: no refusal either
		{reply(354), nil, dot, nil},
		{io.EOF, nil, dot, nil},
		{io.ErrUnexpectedEOF, nil, dot, nil},
		{os.ErrDeadlineExceeded, nil, dot, rcpt},
		{net.ErrClosed, nil, dot, nil},
		{textproto.ProtocolError("short response: 55"), nil, dot, nil},
		{errTooMuch, nil, dot, nil},
		{x509.UnknownAuthorityError{}, nil, dot, nil},
	} {
		for _, at := range steps {
			want := "retry"
			if slices.Contains(tt.deferred, at) {
				want = "deferred"
			}
			if slices.Contains(tt.rejected, at) {
				want = "rejected"
			}
			if slices.Contains(tt.unknown, at) {
				want = "unknown"
			}
			got := failure(t.Context(), at, tt.err, redact)
			if class(got) != want {
				t.Errorf("%v at %s: %s, want %s", tt.err, at, class(got), want)
			}
		}
	}
}

// The end of the context is what the error says, unless the relay had answered.
func TestFailureOfContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	redact := redactor(aMail(), newMailer(t, Config{}).relay)
	if err := failure(ctx, stepRCPT, net.ErrClosed, redact); !errors.Is(err, context.Canceled) || class(err) != "retry" {
		t.Errorf("got %v", err)
	}
	if err := failure(ctx, stepFinalDot, net.ErrClosed, redact); !errors.Is(err, context.Canceled) || class(err) != "unknown" {
		t.Errorf("got %v", err)
	}
	if err := failure(ctx, stepRCPT, &textproto.Error{Code: 550, Msg: "no"}, redact); errors.Is(err, context.Canceled) || class(err) != "rejected" {
		t.Errorf("got %v", err)
	}
}

func TestAbuse_J01_ErrorTexts(t *testing.T) {
	t.Parallel()
	mailer := newMailer(t, Config{URL: "smtp://apikey:S3cret-pass@localhost"})
	redact := redactor(aMail(), mailer.relay)
	for _, tt := range []struct {
		at   step
		err  error
		want string
	}{
		{stepRCPT, &textproto.Error{Code: 550, Msg: "5.1.1 <alice.liddell@example.org>: unknown"}, "smtpmailer: RCPT: the relay answers 550 5.1.1 [...] unknown"},
		{stepRCPT, &textproto.Error{Code: 550, Msg: "5.1.1 Alice.Liddell unknown\n5.1.1 ALICE.LIDDELL @ EXAMPLE.ORG"}, "smtpmailer: RCPT: the relay answers 550 5.1.1 [...] unknown 5.1.1 [...] [...] EXAMPLE.ORG"},
		{stepRCPT, &textproto.Error{Code: 450, Msg: "prvs=alice.liddell=example.org@relay.example"}, "smtpmailer: RCPT: the relay answers 450 [...]"},
		{stepFinalDot, &textproto.Error{Code: 554, Msg: "spam: 'code 407182'"}, "smtpmailer: final dot: the relay answers 554 spam: 'code [...]'"},
		{stepMAIL, &textproto.Error{Code: 530, Msg: "no s3cret-pass for apikey"}, "smtpmailer: MAIL: the relay answers 530 no [...] for [...]"},
		{stepAUTH, &textproto.Error{Code: 535, Msg: "5.7.8 AGFwaWtleQBTM2NyZXQtcGFzcw=="}, "smtpmailer: AUTH: the relay answers 535"},
		{stepAUTH, fmt.Errorf("%w: QUd", smtp.ErrUnexpectedServerResponse), "smtpmailer: AUTH: the exchange broke off"},
		{stepAUTH, textproto.ProtocolError("short response: QUd"), "smtpmailer: AUTH: the exchange broke off"},
		{stepAUTH, errNoAuth, "smtpmailer: AUTH: the relay offers neither PLAIN nor LOGIN"},
		{stepEHLO, &textproto.Error{Code: 554, Msg: "a\r\n\x1b[31mb\x00c\u2028d\u00e9\xff e"}, "smtpmailer: EHLO: the relay answers 554 a [31mb c d e"},
		{stepEHLO, &textproto.Error{Code: 554, Msg: strings.Repeat("x", 5000)}, "smtpmailer: EHLO: the relay answers 554 " + strings.Repeat("x", 160)},
		{stepEHLO, &textproto.Error{Code: 554}, "smtpmailer: EHLO: the relay answers 554"},
		{stepRCPT, textproto.ProtocolError("short response: alice.liddell@example.org"), "smtpmailer: RCPT: short response: [...]"},
		{stepRCPT, io.EOF, "smtpmailer: RCPT: EOF"},
		{stepRCPT, os.ErrDeadlineExceeded, "smtpmailer: RCPT: no answer within 10s"},
		{stepSTARTTLS, errNoSTARTTLS, "smtpmailer: STARTTLS: the relay does not offer STARTTLS, and nothing is sent without encryption"},
	} {
		got := failure(t.Context(), tt.at, tt.err, redact).Error()
		for _, prefix := range []error{auth.ErrMailRejected, auth.ErrMailUnknown, auth.ErrMailDeferred} {
			got = strings.TrimPrefix(got, prefix.Error()+": ")
		}
		if got != tt.want {
			t.Errorf("got  %q\nwant %q", got, tt.want)
		}
	}
}

// No reply gets a line break, an address or a code into a log.
func FuzzRedactor(f *testing.F) {
	f.Add("5.1.1 <alice.liddell@example.org> unknown")
	f.Add("407182\r\nlevel=INFO")
	redact := redactor(aMail(), newMailer(f, Config{URL: "smtp://apikey:S3cret-pass@localhost"}).relay)
	f.Fuzz(func(t *testing.T, reply string) {
		got := redact(reply)
		if len(got) > redactedLimit {
			t.Errorf("%d bytes", len(got))
		}
		if strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("not printable: %q", got)
		}
		for _, secret := range []string{"alice.liddell", "407182", "apikey", "s3cret-pass", "@"} {
			if strings.Contains(strings.ToLower(got), secret) {
				t.Errorf("%q lets %q through: %q", reply, secret, got)
			}
		}
	})
}
