package integration

import (
	"strings"
	"testing"

	"example.com/mailkey/auth/smtpmailer"
	"example.com/mailkey/internal/integration/smtpd"
)

func TestSMTPAuth(t *testing.T) {
	t.Parallel()
	const right, wrong = "login%40app.example:p%2Fss%20w%3Ard", "login%40app.example:S3cretS3cret"
	server := smtpd.Config{User: "login@app.example", Password: "p/ss w:rd"}
	with := func(mechanisms ...string) smtpd.Config {
		c := server
		c.Mechanisms = mechanisms
		return c
	}
	mail := []string{"MAIL", "RCPT", "DATA", ".", "QUIT"}
	for _, tt := range []struct {
		name   string
		server smtpd.Config
		login  string
		verbs  []string
		err    string // empty: the mail arrives
	}{
		{"PLAIN", server, right, append([]string{"EHLO", "AUTH"}, mail...), ""},
		{"LOGIN", with("LOGIN"), right, append([]string{"EHLO", "AUTH", "bG9naW5AYXBwLmV4YW1wbGU=", "cC9zcyB3OnJk"}, mail...), ""},
		{"PLAIN before LOGIN", with("LOGIN", "PLAIN"), right, append([]string{"EHLO", "AUTH"}, mail...), ""},
		{"no credentials, none wanted", smtpd.Config{}, "", append([]string{"EHLO"}, mail...), ""},

		{"wrong password", server, wrong, []string{"EHLO", "AUTH", "*", "QUIT"}, "AUTH: the relay answers 535"},
		{"wrong password, LOGIN", with("LOGIN"), wrong, []string{"EHLO", "AUTH", "bG9naW5AYXBwLmV4YW1wbGU=", "UzNjcmV0UzNjcmV0", "*", "QUIT"}, "AUTH: the relay answers 535"},
		{"no AUTH offered", smtpd.Config{}, right, []string{"EHLO"}, "neither PLAIN nor LOGIN"},
		{"mechanisms that we do not speak", with("CRAM-MD5", "SCRAM-SHA-256", "XOAUTH2"), right, []string{"EHLO"}, "neither PLAIN nor LOGIN"},
		{"a mechanism that looks like ours", with("PLAIN-CLIENTTOKEN"), right, []string{"EHLO"}, "neither PLAIN nor LOGIN"},
		{"no credentials, but wanted", server, "", []string{"EHLO", "MAIL", "QUIT"}, "MAIL: the relay answers 502"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := smtpd.New(t, tt.server)
			url := "smtp://" + s.Addr()
			if tt.login != "" {
				url = "smtp://" + tt.login + "@" + s.Addr()
			}
			err := smtpMailer(t, smtpmailer.Config{URL: url}).SendCode(t.Context(), codeMail("alice@example.org"))
			wantVerbs(t, s, tt.verbs...)
			if tt.err == "" {
				if err != nil {
					t.Fatal(err)
				}
				if m := s.Next(t, "alice@example.org"); m.User != tt.server.User {
					t.Errorf("the mail came from %q", m.User)
				}
				return
			}
			if mailClass(err) != "retry" || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %s: %v, want retry: %s", mailClass(err), err, tt.err)
			}
			if err != nil && (strings.Contains(err.Error(), "S3cret") || strings.Contains(err.Error(), "UzNj")) {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

// A relay that throws back what it was given does not get it into the error.
func TestAbuse_J02_RelayThatEchoes(t *testing.T) {
	t.Parallel()
	c := codeMail("alice.liddell@example.org")
	private := []string{"alice", "liddell", "example.org", c.Code, "S3cret", "AGxvZ2luAFMzY3JldA=="}
	for _, stage := range []smtpd.Stage{smtpd.Greeting, smtpd.EHLO, smtpd.AUTH, smtpd.MAIL, smtpd.RCPT, smtpd.DATA, smtpd.Dot} {
		for _, code := range []int{450, 550} {
			s := smtpd.New(t, smtpd.Config{User: "login", Password: "S3cret"})
			echo := "no <Alice.Liddell@example.org>\nalice.liddell 407182 S3CRET\x1b[2J"
			if stage == smtpd.AUTH {
				echo += " AGxvZ2luAFMzY3JldA=="
			}
			s.Always(stage, smtpd.Reply(code, echo))
			err := smtpMailer(t, smtpmailer.Config{URL: s.URL()}).SendCode(t.Context(), c)
			if err == nil {
				t.Errorf("%s: sent", stage)
				continue
			}
			for _, p := range private {
				if strings.Contains(strings.ToLower(err.Error()), strings.ToLower(p)) {
					t.Errorf("%s: the error shows %s: %v", stage, p, err)
				}
			}
			if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%s: not one printable line: %q", stage, err)
			}
		}
	}
}
