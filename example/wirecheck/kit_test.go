package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
	"example.com/mailkey/captcha"
)

// serve serves a login, which spoil may put itself in front of, and returns
// what to play against it.
func serve(t *testing.T, change func(*auth.Config), spoil func(http.Handler) http.Handler) config {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	url := "http://" + server.Listener.Addr().String()
	kit := authtest.New(t, func(c *auth.Config) {
		c.Issuer = url
		c.Captchas = []captcha.Engine{captcha.Digits(), captcha.Slider(), captcha.ProofOfWork(1)}
		c.Limits.Address.Cooldown = time.Minute
		if change != nil {
			change(c)
		}
	})
	if server.Config.Handler = kit.Handler; spoil != nil {
		server.Config.Handler = spoil(kit.Handler)
	}
	server.Start()
	t.Cleanup(server.Close)
	return config{
		server: url, issuer: url, clientID: "app", cookieClientID: "web", addresses: "wirecheck-{n}@example.org",
		codes: mailboxOf{t, kit}, person: newTerminal(strings.NewReader(""), t.Output()),
	}
}

type mailboxOf struct {
	*testing.T
	kit *authtest.Kit
}

func (m mailboxOf) code(_ context.Context, address string) (string, error) {
	return m.kit.Mailbox.Code(m.T, address), nil
}

// wantFailures compares the rules that do not hold.
func wantFailures(t *testing.T, results []result, want ...string) {
	t.Helper()
	var got []string
	for _, r := range results {
		if _, unchecked := r.err.(uncheckedError); r.err != nil && !unchecked {
			got = append(got, r.name)
			t.Logf("%s: %v", r.name, r.err)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("these do not hold: %q, want %q", got, want)
	}
}

// unchecked are the names of the rules that were not played.
func unchecked(results []result) (names []string) {
	for _, r := range results {
		if _, unchecked := r.err.(uncheckedError); unchecked {
			names = append(names, r.name)
		}
	}
	return names
}
