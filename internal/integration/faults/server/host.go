package main

import (
	"context"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/failpoint"
)

// mailer is the relay behind a failpoint.
type mailer struct{ relay auth.Mailer }

// SendCode implements [auth.Mailer].
func (m mailer) SendCode(ctx context.Context, mail auth.CodeMail) error {
	if err := failpoint.Hit("host: SendCode"); err != nil {
		return err
	}
	return m.relay.SendCode(ctx, mail)
}

// withHooks sets all functions of the host, which do nothing but fail.
func withHooks(c auth.Config) auth.Config {
	c.AllowRegistration = func(context.Context, string, string) (bool, error) {
		return true, failpoint.Hit("host: AllowRegistration")
	}
	c.OnFirstLogin = func(context.Context, auth.Identity) error { return failpoint.Hit("host: OnFirstLogin") }
	c.OnLogin = func(context.Context, auth.Identity) error { return failpoint.Hit("host: OnLogin") }
	c.ExtraClaims = func(context.Context, auth.Identity) (map[string]any, error) {
		claims := map[string]any{"plan": "free"}
		if failpoint.Hit("host: nonsense") != nil {
			claims["sub"] = "somebody else"
		}
		return claims, failpoint.Hit("host: ExtraClaims")
	}
	return c
}
