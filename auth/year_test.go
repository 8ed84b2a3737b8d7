package auth_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/torture"
	"example.com/mailkey/storage"
	"example.com/mailkey/storage/memory"
)

// weighing is a store that counts the wrong guesses that were counted, by the
// level of the code that each was made at.
type weighing struct {
	storage.Store
	guesses [3]int
}

func (s *weighing) Redeem(ctx context.Context, g storage.Guess, l storage.AddressLimits, now time.Time) (storage.Redeemed, error) {
	c, _, err := s.FindChallenge(ctx, g.Binding, l, now)
	if err != nil {
		return storage.Redeemed{}, err
	}
	redeemed, err := s.Store.Redeem(ctx, g, l, now)
	if err == nil && redeemed.Result == storage.GuessWrong {
		s.guesses[c.Level]++
	}
	return redeemed, err
}

// chance is how likely it was that one of the guesses is right: each with 1/N,
// when the code was one of N.
func (s *weighing) chance() (p float64) {
	for level, n := range [3]float64{1e6, 1e8, 1 << 50} {
		p += float64(s.guesses[level]) / n
	}
	return p
}

// attacker has machines without number, each in another network, a device of
// its own and at one of the clients, and solves every captcha.
type attacker struct {
	*kit
	email     string
	devices   int
	codes     []*attacked
	nextSend  time.Time // when the next mail may be asked for
	nextGuess time.Time
}

// attacked is a code that was mailed at the attacker's request.
type attacked struct {
	device string
	right  string
	left   int // guesses
	until  time.Time
}

func (a *attacker) from(device string) *kit {
	return a.as(func(k *kit) {
		k.device, k.peer = device, fmt.Sprintf("2001:%x:%x::1", rand.N(1<<16), rand.N(1<<16))
		k.client = []string{"app", "other"}[len(device)%2]
	})
}

// waitOf is when an answer says that there is more to get.
func (k *kit) waitOf(a answer) time.Time {
	k.Helper()
	seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
	if err != nil || a.status != http.StatusTooManyRequests {
		k.Fatalf("%d %s, want to be told to wait", a.status, a.body)
	}
	return time.Now().Add(time.Duration(seconds) * time.Second)
}

// strike asks for a code for a new device, and guesses once at each code that
// is out, as far as that is possible now. It returns when there will be more to
// do.
func (a *attacker) strike() (next time.Time) {
	now := time.Now()
	if !now.Before(a.nextSend) {
		a.devices++
		c := &attacked{device: fmt.Sprint("device ", a.devices), left: 5, until: now.Add(10 * time.Minute)}
		if res := a.from(c.device).send(a.email); res.status != http.StatusOK {
			a.nextSend = a.waitOf(res)
		} else {
			synctest.Wait()
			c.right = a.mails.last().Code
			a.codes = append(a.codes, c)
			a.nextSend = now.Add(resendAfter(a.T, res))
		}
	}
	a.codes = slices.DeleteFunc(a.codes, func(c *attacked) bool { return c.left == 0 || !now.Before(c.until) })
	for _, c := range a.codes {
		if now.Before(a.nextGuess) {
			break
		}
		switch res := a.from(c.device).login(a.email, wrong(c.right)); {
		case res.code() == string(auth.ReasonCode):
			c.left--
		default:
			a.nextGuess = a.waitOf(res)
		}
	}
	if len(a.codes) > 0 && a.nextGuess.Before(a.nextSend) {
		return a.nextGuess
	}
	return a.nextSend
}

func resendAfter(t *testing.T, a answer) time.Duration {
	t.Helper()
	var body struct {
		Seconds int `json:"resend_after"`
	}
	if err := json.Unmarshal(a.body, &body); err != nil {
		t.Fatal(err)
	}
	return time.Duration(body.Seconds) * time.Second
}

// ownerLogsIn asks for a code and logs in with it, from a device that did so
// before. It returns how many tries that took: a mistyped code is one, and so
// is having to wait.
func (k *kit) ownerLogsIn(email string, mistypes bool) (tries int) {
	k.Helper()
	for tries = 1; ; tries++ {
		res := k.send(email)
		if res.status != http.StatusOK {
			k.pass(time.Until(k.waitOf(res)))
			continue
		}
		synctest.Wait()
		code := k.mails.last().Code
		if mistypes {
			k.login(email, wrong(code))
			tries++
		}
		if res := k.login(email, code); res.status != http.StatusOK {
			k.Fatalf("the owner, with the right code: %d %s", res.status, res.body)
		}
		return tries
	}
}

// Somebody tries all there is against one address for a year, with solved
// captchas, ever new devices, networks and codes. The chance that one guess
// was right stays below one in ten thousand, and the owner, whose phone logged
// in before, gets in every day.
func TestAbuse_A17_B11_C08_C12_C14_yearOfAttack(t *testing.T) {
	t.Parallel()
	days := torture.Rounds(60, 366)
	store := &weighing{Store: memory.New()}
	playOn(t, func(*testing.T) storage.Store { return store }, nil, func(k *kit) {
		const email = "ann@b.example"
		owner := k.as(onDevice("the owner's phone"))
		owner.ownerLogsIn(email, false)
		a := &attacker{kit: k, email: email}
		k.pass(day)

		start, most := time.Now(), 0
		for d := range days {
			visit, done := start.Add(time.Duration(d)*day+rand.N(day)), false
			for end := start.Add(time.Duration(d+1) * day); time.Now().Before(end); {
				next := a.strike()
				if !done && next.After(visit) {
					k.pass(time.Until(visit))
					most = max(most, owner.ownerLogsIn(email, d%10 == 9))
					done = true
				}
				k.pass(time.Until(next))
			}
		}
		if most > 2 {
			t.Errorf("on one day the owner needed %d tries", most)
		}
		t.Logf("%d devices, guesses at codes of each level: %v", a.devices, store.guesses)
		if p := store.chance(); p >= 1e-4 {
			t.Errorf("the chance to be right is %.3g, with %v guesses", p, store.guesses)
		}
	})
}
