package smtpmailer

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/auth"
)

// newMailer is New for configurations that are right.
func newMailer(tb testing.TB, c Config) *Mailer {
	tb.Helper()
	if c.URL == "" {
		c.URL = "smtp://localhost:2525"
	}
	if c.From == "" {
		c.From = "Example <login@app.example>"
	}
	m, err := New(c)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// aMail is a mail that nothing is wrong with.
func aMail() auth.CodeMail {
	return auth.CodeMail{
		To:        "alice.liddell@example.org",
		Code:      "407182",
		ExpiresAt: time.Now().Add(10 * time.Minute),
		Language:  "en",
		Product:   "Example",
		Host:      "app.example",
		MessageID: "5f1c2a@app.example",
	}
}

func TestURL(t *testing.T) {
	t.Parallel()
	private := &tls.Config{ServerName: "relay.internal"}
	for _, tt := range []struct {
		name       string
		url        string
		config     *tls.Config
		addr       string
		user, pass string
		tls        string // "", "STARTTLS" or "implicit"
		serverName string
	}{
		{"port 587 by default", "smtp://mail.example.net", nil, "mail.example.net:587", "", "", "STARTTLS", "mail.example.net"},
		{"port 465 by default", "smtps://mail.example.net", nil, "mail.example.net:465", "", "", "implicit", "mail.example.net"},
		{"ports", "smtp://mail.example.net:25", nil, "mail.example.net:25", "", "", "STARTTLS", "mail.example.net"},
		{"a slash at the end", "smtp://mail.example.net/", nil, "mail.example.net:587", "", "", "STARTTLS", "mail.example.net"},
		{"credentials", "smtp://u:p@mail.example.net", nil, "mail.example.net:587", "u", "p", "STARTTLS", "mail.example.net"},
		{"percent-encoded", "smtps://login%40app.example:p%2F%3F%23%3A%25@mail.example.net", nil, "mail.example.net:465", "login@app.example", "p/?#:%", "implicit", "mail.example.net"},
		{"scheme in capitals", "SMTP://mail.example.net", nil, "mail.example.net:587", "", "", "STARTTLS", "mail.example.net"},
		{"localhost", "smtp://u:p@localhost:1025", nil, "localhost:1025", "u", "p", "", ""},
		{"LOCALHOST.", "smtp://LOCALHOST.:1025", nil, "LOCALHOST.:1025", "", "", "", ""},
		{"127.0.0.0/8", "smtp://127.8.8.8", nil, "127.8.8.8:587", "", "", "", ""},
		{"::1", "smtp://[::1]:25", nil, "[::1]:25", "", "", "", ""},
		{"mapped loopback", "smtp://[::ffff:127.0.0.1]:25", nil, "[::ffff:127.0.0.1]:25", "", "", "", ""},
		{"loopback with TLSConfig", "smtp://localhost:25", new(tls.Config), "localhost:25", "", "", "STARTTLS", "localhost"},
		{"loopback with smtps", "smtps://localhost", nil, "localhost:465", "", "", "implicit", "localhost"},
		{"name that begins like loopback", "smtp://localhost.example.net", nil, "localhost.example.net:587", "", "", "STARTTLS", "localhost.example.net"},
		{"name that begins like 127", "smtp://127.0.0.1.example.net", nil, "127.0.0.1.example.net:587", "", "", "STARTTLS", "127.0.0.1.example.net"},
		{"unspecified address", "smtp://0.0.0.0:25", nil, "0.0.0.0:25", "", "", "STARTTLS", "0.0.0.0"},
		{"server name of one's own", "smtp://10.0.0.3", private, "10.0.0.3:587", "", "", "STARTTLS", "relay.internal"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newMailer(t, Config{URL: tt.url, TLSConfig: tt.config}).relay
			kind := ""
			if r.tls != nil {
				kind = "STARTTLS"
				if got := r.tls.ServerName; got != tt.serverName {
					t.Errorf("the certificate has to be for %q, want %q", got, tt.serverName)
				}
				if r.tls.MinVersion < tls.VersionTLS12 || r.tls.InsecureSkipVerify {
					t.Errorf("weak TLS: %+v", r.tls)
				}
			}
			if r.implicitTLS {
				kind = "implicit"
			}
			if kind != tt.tls {
				t.Errorf("TLS is %q, want %q", kind, tt.tls)
			}
			if r.addr() != tt.addr || r.user != tt.user || r.password() != tt.pass {
				t.Errorf("got %s %q %q, want %s %q %q", r.addr(), r.user, r.password(), tt.addr, tt.user, tt.pass)
			}
		})
	}
}

// Whatever is wrong, the error is a sentence that names the field, and never
// repeats what may be the password.
func TestNewMistakes(t *testing.T) {
	t.Parallel()
	const secret = "S3cretS3cret"
	for _, tt := range []struct {
		name string
		c    Config
		want []string
	}{
		{"nothing", Config{}, []string{"URL is required", "From is required"}},
		{"no scheme", Config{URL: "login:" + secret + "@mail.example.net"}, []string{"URL must start with smtp://"}},
		{"password as the scheme", Config{URL: secret + ":587"}, []string{"URL must start with smtp://"}},
		{"another scheme", Config{URL: "https://u:" + secret + "@mail.example.net"}, []string{"URL must start with smtp://"}},
		{"slash in the password", Config{URL: "smtp://u:" + secret + "/x@mail.example.net"}, []string{"percent-encode"}},
		{"digits and a slash in the password", Config{URL: "smtp://u:12/" + secret + "@mail.example.net"}, []string{"percent-encode"}},
		{"hash in the password", Config{URL: "smtp://u:12#" + secret + "@mail.example.net"}, []string{"percent-encode"}},
		{"question mark in the password", Config{URL: "smtp://u:12?" + secret + "@mail.example.net"}, []string{"percent-encode"}},
		{"percent in the password", Config{URL: "smtp://u:" + secret + "%zz@mail.example.net"}, []string{"percent-encode"}},
		{"space in the password", Config{URL: "smtp://u:" + secret + " x@mail.example.net"}, []string{"percent-encode"}},
		{"control character", Config{URL: "smtp://u:" + secret + "\n@mail.example.net"}, []string{"percent-encode"}},
		{"line break, encoded", Config{URL: "smtp://u:" + secret + "%0d%0aRSET@mail.example.net"}, []string{"line break"}},
		{"NUL, encoded", Config{URL: "smtp://u%00x:" + secret + "@mail.example.net"}, []string{"NUL"}},
		{"no host", Config{URL: "smtp://u:" + secret + "@:587"}, []string{"must name a host"}},
		{"port 0", Config{URL: "smtp://u:" + secret + "@mail.example.net:0"}, []string{"port between"}},
		{"port 65536", Config{URL: "smtp://u:" + secret + "@mail.example.net:65536"}, []string{"port between"}},
		{"a path", Config{URL: "smtp://u:" + secret + "@mail.example.net/relay"}, []string{"end after the port"}},
		{"a user alone", Config{URL: "smtp://u@mail.example.net"}, []string{"both a user and a password"}},
		{"a password alone", Config{URL: "smtp://:" + secret + "@mail.example.net"}, []string{"both a user and a password"}},
		{"several", Config{URL: "ftp://u@:0/x"}, []string{"start with", "name a host", "port between", "end after", "both a user", "From is"}},
		{"no verification", Config{URL: "smtps://h", TLSConfig: &tls.Config{InsecureSkipVerify: true}}, []string{"InsecureSkipVerify"}},
		{"From without a domain", Config{URL: "smtps://h", From: "login"}, []string{"From must be"}},
		{"two senders", Config{URL: "smtps://h", From: "a@app.example, b@app.example"}, []string{"From must be"}},
		{"From quoted", Config{URL: "smtps://h", From: `"a b"@app.example`}, []string{"From must be"}},
		{"From not ASCII", Config{URL: "smtps://h", From: "login@münchen.example"}, []string{"From must be"}},
		{"From with a line break", Config{URL: "smtps://h", From: "login@app.example\r\nBcc: x@y.example"}, []string{"From must be"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, err := New(tt.c)
			if err == nil || m != nil {
				t.Fatalf("New returned %v, %v", m, err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("missing %q in:\n%v", want, err)
				}
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error shows the password:\n%v", err)
			}
		})
	}
}

func TestAbuse_J02_NoPasswordInPrints(t *testing.T) {
	t.Parallel()
	config := Config{URL: "smtp://login:S3cretS3cret@mail.example.net", From: "login@app.example"}
	mailer := newMailer(t, config)
	var out bytes.Buffer
	for _, v := range []any{config, &config, mailer, *mailer, struct {
		C Config
		M auth.Mailer
	}{config, mailer}} {
		fmt.Fprintf(&out, "%v %+v %#v %s %q\n", v, v, v, v, v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
	}
	if strings.Contains(out.String(), "S3cret") {
		t.Errorf("the password is printed:\n%s", &out)
	}
}
