package main

import (
	"slices"
	"testing"

	"example.com/mailkey/auth"
	"example.com/mailkey/captcha"
)

// All rules hold on a server as it is, with its default limits, and without
// waiting for them.
func TestAllRulesHold(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{auth.RS256, auth.ES256, auth.EdDSA} {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			cfg := serve(t, func(c *auth.Config) {
				c.SigningAlgorithm, c.Limits = algorithm, auth.Limits{}
			}, nil)
			results := play(newRun(t.Context(), cfg), rules)
			wantFailures(t, results)
			if got := unchecked(results); got != nil {
				t.Errorf("not checked: %q", got)
			}
		})
	}
}

func TestOtherConfigurations(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name      string
		change    func(*auth.Config)
		play      func(*config)
		unchecked []string
	}{
		{"no cookie client", nil, func(c *config) { c.cookieClientID = "" }, []string{
			"send/ticket-client", "login/code-client", "cookie/login", "cookie/attributes", "cookie/refresh",
			"cookie/other-place", "cookie/cross-origin", "cookie/logout-get", "logout/cookie",
		}},
		{"a proof of work alone, and rotation", func(c *auth.Config) {
			c.Captchas, c.RotateSessionToken = []captcha.Engine{captcha.ProofOfWork(2)}, true
		}, nil, []string{"captcha/digits", "captcha/slider"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			cfg := serve(t, row.change, nil)
			if row.play != nil {
				row.play(&cfg)
			}
			results := play(newRun(t.Context(), cfg), rules)
			wantFailures(t, results)
			if got := unchecked(results); !slices.Equal(got, row.unchecked) {
				t.Errorf("not checked: %q, want %q", got, row.unchecked)
			}
		})
	}
}
