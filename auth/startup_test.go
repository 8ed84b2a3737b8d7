package auth_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/smtpmailer"
	"example.com/mailkey/captcha"
	"example.com/mailkey/storage/memory"
	"example.com/mailkey/storage/sqlite"
)

// starts calls New with a configuration that is fine but for change.
func starts(change func(*auth.Config)) func(string) error {
	return func(string) error {
		config := auth.Config{
			Store: memory.New(), Mailer: &mailbox{}, Secret: testSecret, Issuer: "https://app.example", Clients: []auth.Client{{ID: "app"}},
			SigningAlgorithm: auth.ES256, Logger: slog.New(slog.DiscardHandler),
		}
		change(&config)
		_, err := auth.New(config)
		return err
	}
}

// opens opens a database that something was done to before.
func opens(spoil func(path string) error) func(string) error {
	return func(dir string) error {
		path := filepath.Join(dir, "test.db")
		for _, before := range []func(string) error{func(string) error { return nil }, spoil} {
			if err := before(path); err != nil {
				return errors.New("not spoilt: " + err.Error())
			}
			store, err := sqlite.Open(context.Background(), path)
			if err == nil {
				err = store.Close()
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
}

func relays(c smtpmailer.Config) func(string) error {
	return func(string) error {
		c.From = "login@app.example"
		_, err := smtpmailer.New(c)
		return err
	}
}

// What is unsafe does not start, and says in one sentence what it is. What is
// refused by the example alone, such as mail in the terminal for strangers, is
// in a table of its own beside it.
func TestAbuse_G15_J05_J06_StartUp(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		start func(dir string) error
		want  string // empty: it starts
	}{
		{"nothing wrong", starts(func(*auth.Config) {}), ""},
		{"no secret", starts(func(c *auth.Config) { c.Secret = nil }), "Secret: has 0 bytes, fewer than 32"},
		{"a short secret", starts(func(c *auth.Config) { c.Secret = c.Secret[:31] }), "Secret: has 31 bytes, fewer than 32"},
		{"an example secret", starts(func(c *auth.Config) { c.Secret = auth.Secret("change-this-to-thirty-two-random-bytes") }), "Secret: is not random"},
		{"a word for a secret", starts(func(c *auth.Config) { c.Secret = auth.Secret(strings.Repeat("0123456789abcdef", 4)) }), "Secret: is not random"},
		{"a short previous secret", starts(func(c *auth.Config) { c.PreviousSecrets = []auth.Secret{c.Secret[:16]} }), "PreviousSecrets[0]: has 16 bytes"},
		{"the secret of another database", starts(func(c *auth.Config) {
			_, _ = auth.New(*c)
			c.Secret = newSecret
		}), "the keys in the store are sealed under another Secret"},

		{"an http issuer", starts(func(c *auth.Config) { c.Issuer = "http://app.example" }), `Issuer: "http://app.example" is not https`},
		{"an http issuer on loopback", starts(func(c *auth.Config) { c.Issuer = "http://127.0.0.1:8080" }), ""},
		{"an http issuer, insecurely", starts(func(c *auth.Config) { c.Issuer, c.InsecureIssuer = "http://app.example", true }), ""},
		{"another scheme, insecurely", starts(func(c *auth.Config) { c.Issuer, c.InsecureIssuer = "ws://app.example", true }), `Issuer: "ws://app.example" is not https`},
		{"an insecure cookie over http on loopback", starts(func(c *auth.Config) { c.Issuer, c.InsecureCookie = "http://localhost:8080", true }), ""},
		{"an insecure cookie over https", starts(func(c *auth.Config) { c.InsecureCookie = true }), `InsecureCookie: "https://app.example" is not http on a loopback address`},
		{"an insecure cookie on the way", starts(func(c *auth.Config) {
			c.Issuer, c.InsecureIssuer, c.InsecureCookie = "http://app.example", true, true
		}), `InsecureCookie: "http://app.example" is not http on a loopback address`},
		{"any algorithm", starts(func(c *auth.Config) { c.SigningAlgorithm = "none" }), `SigningAlgorithm: "none" is not`},
		{"a captcha that is none", starts(func(c *auth.Config) { c.Captchas = []captcha.Engine{nil} }), "Engines[0] is nil"},
		{"a proof that nobody finds", starts(func(c *auth.Config) { c.Captchas = []captcha.Engine{captcha.ProofOfWork(33)} }), "captcha:"},
		{"a proof of no work", starts(func(c *auth.Config) { c.Captchas = []captcha.Engine{captcha.ProofOfWork(-1)} }), "captcha:"},
		{"a limit of nothing", starts(func(c *auth.Config) { c.Limits.Login = auth.Rate{Per: time.Minute} }), "Limits.Login: 0 in 1m0s is not a rate"},
		{"a limit without a time", starts(func(c *auth.Config) { c.Limits.SendCode = auth.Rate{Count: 5} }), "Limits.SendCode: 5 in 0s is not a rate"},
		{"many guesses", starts(func(c *auth.Config) { c.Limits.Address.GuessesPerCode = 6 }), "Limits.Address.GuessesPerCode: 6 is not between 1 and 5"},
		{"no wait between mails", starts(func(c *auth.Config) { c.Limits.Address.Cooldown = -1 }), "Limits.Address.Cooldown: -1ns is not between"},
		{"an endless session", starts(func(c *auth.Config) { c.SessionLifetime = 365 * 24 * time.Hour }), "SessionLifetime: 8760h0m0s is not between"},
		{"a cookie for other origins", starts(func(c *auth.Config) {
			c.Clients[0] = auth.Client{ID: "app", Cookie: true, Origins: []string{"https://spa.example"}}
		}), "Clients[0]: Origins:"},
		{"any origin", starts(func(c *auth.Config) { c.Clients[0].Origins = []string{"*"} }), `Clients[0]: Origins: "*" is not an origin`},

		{"a database", opens(func(string) error { return nil }), ""},
		{"a database that others can read", opens(func(path string) error { return os.Chmod(path, 0o644) }), "holds secrets and its mode is 0644: run chmod 600 on it"},
		{"a database that is a link", opens(func(path string) error {
			return errors.Join(os.Rename(path, path+".moved"), os.Symlink(path+".moved", path))
		}), "is not a regular file"},

		{"a relay", relays(smtpmailer.Config{URL: "smtp://relay.example"}), ""}, // which has to offer STARTTLS
		{"a relay in plain text by name", relays(smtpmailer.Config{URL: "smtp+plain://relay.example"}), "URL must start with smtp:// or smtps://"},
		{"a relay in plain text by parameter", relays(smtpmailer.Config{URL: "smtp://relay.example?tls=off"}), "URL must end after the port"},
		{"a relay that is not checked", relays(smtpmailer.Config{
			URL: "smtps://relay.example", TLSConfig: &tls.Config{InsecureSkipVerify: true},
		}), "TLSConfig must not set InsecureSkipVerify"},
		{"a user without a password", relays(smtpmailer.Config{URL: "smtp://user@relay.example"}), "URL must have both a user and a password"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			err := row.start(t.TempDir())
			if row.want == "" && err != nil {
				t.Error(err)
			}
			if row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), "\n")) {
				t.Errorf("got %v, want one sentence with %q", err, row.want)
			}
		})
	}
}

// Whoever weakens the login on purpose reads so once in the log, at the start.
func TestInsecureIsLogged(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		change func(*auth.Config)
		want   string // is set, says the log; empty: it says nothing
	}{
		{"nothing", func(*auth.Config) {}, ""},
		{"an http issuer", func(c *auth.Config) { c.Issuer, c.InsecureIssuer = "http://app.example", true }, "InsecureIssuer"},
		{"an https issuer", func(c *auth.Config) { c.InsecureIssuer = true }, ""},
		{"an issuer on loopback", func(c *auth.Config) { c.Issuer, c.InsecureIssuer = "http://localhost:8080", true }, ""},
		{"a cookie on loopback", func(c *auth.Config) { c.Issuer, c.InsecureCookie = "http://localhost:8080", true }, "InsecureCookie"},
	} {
		var log bytes.Buffer
		if err := starts(func(c *auth.Config) { row.change(c); c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })(""); err != nil {
			t.Error(err)
		}
		if n := strings.Count(log.String(), "\n"); row.want == "" && n > 0 || row.want != "" && (n != 1 || !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), row.want+" is set")) {
			t.Errorf("%s: the log says %q", row.name, &log)
		}
	}
}
