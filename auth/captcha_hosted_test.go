package auth_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/captcha"
)

// askedElsewhere is a captcha whose answers somebody else checks.
type askedElsewhere struct {
	captcha.Engine
	check func(ctx context.Context, code string) (bool, error)
}

func (askedElsewhere) Kind() string { return "hosted" }

func (e askedElsewhere) Check(ctx context.Context, _ []byte, a captcha.Answer) (bool, error) {
	return e.check(ctx, a.Code)
}

// A captcha that somebody else checks is right, wrong, or nobody knows: then
// the client is told to come back, and nothing is held against it.
func TestHostedCaptcha(t *testing.T) {
	t.Parallel()
	widget := strings.Repeat("0.token", 4096/7) // Turnstile's have up to 2048 characters, others more
	for _, row := range []struct {
		name  string
		check func(context.Context, string) (bool, error)
		want  string
		took  time.Duration
	}{
		{"right", func(_ context.Context, code string) (bool, error) { return code == widget, nil }, "200", 0},
		{"wrong", func(context.Context, string) (bool, error) { return false, nil }, string(auth.ReasonCaptcha), 0},
		{"an error", func(context.Context, string) (bool, error) { return true, errors.New("the provider is down") }, string(auth.ReasonBusy), 0},
		{"a panic", func(context.Context, string) (bool, error) { panic("a bug") }, string(auth.ReasonBusy), 0},
		{"no answer", func(ctx context.Context, _ string) (bool, error) { <-ctx.Done(); return false, ctx.Err() }, string(auth.ReasonBusy), 5 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			engine := askedElsewhere{captcha.ProofOfWork(1), row.check} // which makes puzzles that nobody looks at
			change := func(c *auth.Config) {
				c.Captchas = []captcha.Engine{engine}
				c.Limits.WrongCaptcha = auth.Rate{Count: 2, Per: time.Hour}
			}
			play(t, change, func(k *kit) {
				for range 2 {
					start := time.Now()
					token := k.get(captchaPath).field(t, "token")
					a := k.post(verifyPath, "token", token, "sender", "ann@b.example", "captcha_code", widget)
					if took := time.Since(start); a.code() != row.want || took != row.took {
						t.Errorf("after %v: %d %s, want %s after %v", took, a.status, a.body, row.want, row.took)
					}
					if wait := a.header.Get("Retry-After"); (wait != "") != (row.want == string(auth.ReasonBusy)) {
						t.Errorf("Retry-After: %q", wait)
					}
				}
				token := k.get(captchaPath).field(t, "token")
				a := k.post(verifyPath, "token", token, "sender", "ann@b.example", "captcha_code", widget)
				if paused := a.code() == string(auth.ReasonLimit); paused != (row.name == "wrong") {
					t.Errorf("at the third time: %d %s", a.status, a.body)
				}
			})
		})
	}
}
