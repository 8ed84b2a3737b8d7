package auth_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/storage"
)

// panickyStore panics in the verb that it is told, as a bug would.
type panickyStore struct {
	storage.Store
	in atomic.Value // the name of a verb
}

const bug = "a bug of the store"

func (s *panickyStore) check(verb string) {
	if s.in.Load() == verb {
		panic(bug)
	}
}

func (s *panickyStore) PutCaptcha(ctx context.Context, c storage.Captcha, perPeer, total int) error {
	s.check("PutCaptcha")
	return s.Store.PutCaptcha(ctx, c, perPeer, total)
}

func (s *panickyStore) TakeCaptcha(ctx context.Context, id []byte, now time.Time) (storage.Captcha, bool, error) {
	s.check("TakeCaptcha")
	return s.Store.TakeCaptcha(ctx, id, now)
}

func (s *panickyStore) TakeLimits(ctx context.Context, now time.Time, l ...storage.Limit) (time.Duration, error) {
	s.check("TakeLimits")
	return s.Store.TakeLimits(ctx, now, l...)
}

func (s *panickyStore) TakeTicket(ctx context.Context, id, binding []byte, now time.Time) (bool, error) {
	s.check("TakeTicket")
	return s.Store.TakeTicket(ctx, id, binding, now)
}

func (s *panickyStore) FindChallenge(ctx context.Context, b []byte, l storage.AddressLimits, now time.Time) (storage.Challenge, bool, error) {
	s.check("FindChallenge")
	return s.Store.FindChallenge(ctx, b, l, now)
}

func (s *panickyStore) UserByEmail(ctx context.Context, email string) (storage.User, bool, error) {
	s.check("UserByEmail")
	return s.Store.UserByEmail(ctx, email)
}

func (s *panickyStore) Redeem(ctx context.Context, g storage.Guess, l storage.AddressLimits, now time.Time) (storage.Redeemed, error) {
	s.check("Redeem")
	return s.Store.Redeem(ctx, g, l, now)
}

func (s *panickyStore) FindSession(ctx context.Context, hash string, now time.Time) (storage.LiveSession, bool, error) {
	s.check("FindSession")
	return s.Store.FindSession(ctx, hash, now)
}

// A panic anywhere is one refused request and one line of the log: nothing is
// granted or used up, the client learns nothing, and the next request works.
func TestAbuse_E20_Panics(t *testing.T) {
	for _, row := range []struct {
		verb string
		try  func(k *kit) func() answer // prepares, and returns what is tried twice
	}{
		{"PutCaptcha", func(k *kit) func() answer { return func() answer { return k.get(captchaPath) } }},
		{"TakeLimits", func(k *kit) func() answer { return func() answer { return k.get(captchaPath) } }},
		{"TakeCaptcha", func(k *kit) func() answer {
			token, code := k.solve()
			return func() answer {
				return k.post(verifyPath, "token", token, "sender", "ann@b.example", "captcha_code", code)
			}
		}},
		{"TakeTicket", func(k *kit) func() answer {
			ticket := k.ticket("ann@b.example")
			return func() answer { return send("ann@b.example", ticket)(k) }
		}},
		{"FindChallenge", func(k *kit) func() answer {
			code := k.code("ann@b.example")
			return func() answer { return k.login("ann@b.example", code) }
		}},
		{"UserByEmail", func(k *kit) func() answer {
			code := k.code("ann@b.example")
			return func() answer { return k.login("ann@b.example", code) }
		}},
		{"Redeem", func(k *kit) func() answer {
			code := k.code("ann@b.example")
			return func() answer { return k.login("ann@b.example", code) }
		}},
		{"FindSession", func(k *kit) func() answer {
			token, _ := k.signIn("ann@b.example")
			return func() answer { return k.refresh(token) }
		}},
	} {
		t.Run(row.verb, func(t *testing.T) {
			onEachStore(t, func(c *auth.Config) { c.Store = &panickyStore{Store: c.Store} }, func(k *kit) {
				store := k.conf.Store.(*panickyStore)
				try := row.try(k)
				before := strings.Count(k.log.String(), "\n")
				store.in.Store(row.verb)
				a := try()
				store.in.Store("")
				if a.status != 500 || a.code() != string(auth.ReasonBusy) || strings.Contains(string(a.body), "bug") {
					t.Errorf("%d %s", a.status, a.body)
				}
				checkHeaders(t, row.verb, a)
				logged := strings.Split(k.log.String(), "\n")[before:]
				if len(logged) != 2 || !strings.Contains(logged[0], "level=ERROR msg=panic") || !strings.Contains(logged[0], "panickyStore") {
					t.Errorf("the log says %q", logged)
				}
				if a := try(); a.status != 200 {
					t.Errorf("afterwards: %d %s", a.status, a.body)
				}
			})
		})
	}
}
