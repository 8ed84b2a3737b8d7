package auth_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/torture"
)

// residents makes the user known@b.example, and one that is disabled. They log
// in from devices of their own. A day later nothing of that counts any more.
func (k *kit) residents() {
	k.Helper()
	for _, email := range []string{"known@b.example", "disabled@b.example"} {
		k.as(onDevice("the device of " + email)).signIn(email)
	}
	user, err := k.auth.UserByEmail(k.Context(), "disabled@b.example")
	if err == nil {
		err = k.auth.DisableUser(k.Context(), user.ID)
	}
	if err != nil {
		k.Fatal(err)
	}
	k.pass(25 * time.Hour)
}

// everybody are addresses that nobody may tell apart.
var everybody = []string{"known@b.example", "disabled@b.example", "unknown@b.example"}

// shown is all of an answer that can be compared: Retry-After is jittered, and
// Date is what it is.
func shown(a answer) string {
	header := a.header.Clone()
	header.Del("Date")
	if header.Get("Retry-After") != "" {
		header.Set("Retry-After", "some time")
	}
	var b bytes.Buffer
	fmt.Fprintln(&b, a.status)
	_ = header.Write(&b)
	b.Write(a.body)
	return b.String()
}

// alike does the same at the same moment with each address, and compares all
// that comes back. Where it is a wait, it is asked for as often as samples says,
// so that the jitter shows its range.
func (k *kit) alike(what string, samples int, do func(k *kit, email string) answer) answer {
	k.Helper()
	var first answer
	var waits []int // the shortest and the longest of each
	for i, email := range everybody {
		k := k.as(from(fmt.Sprintf("2001:db8:%x::1", i+1)))
		a := do(k, email)
		if i == 0 {
			first = a
		}
		if shown(a) != shown(first) {
			k.Errorf("%s: %s is answered\n%s\nand %s\n%s", what, email, shown(a), everybody[0], shown(first))
		}
		if a.status != http.StatusTooManyRequests || samples == 0 {
			continue
		}
		shortest, longest := 1<<30, 0
		for j := range samples {
			again := do(k.as(from(fmt.Sprintf("2001:db8:%x:%x::1", i+1, j))), email)
			wait, err := strconv.Atoi(again.header.Get("Retry-After"))
			if err != nil || shown(again) != shown(first) {
				k.Fatalf("%s: %s", what, shown(again))
			}
			shortest, longest = min(shortest, wait), max(longest, wait)
		}
		waits = append(waits, shortest, longest)
	}
	for i, w := range waits {
		if first := waits[i%2]; w > first+first/10+1 || w < first-first/10-1 {
			k.Errorf("%s: the shortest and longest waits of %v are %v", what, everybody, waits)
			break
		}
	}
	return first
}

// Whether an address has an account shows in no limit: neither that there is
// one, nor how long it lasts.
func TestAbuse_H05_limitsOfAddresses(t *testing.T) {
	onEachStore(t, func(c *auth.Config) {
		c.Limits.Address.StrangerGuessesPerDay = 5
		many := auth.Rate{Count: 100_000, Per: time.Hour}
		c.Limits.SendCodeDevice, c.Limits.Captcha, c.Limits.VerifyCaptcha, c.Limits.SendCode, c.Limits.SendCodeLong = many, many, many, many, many
		c.Limits.Login, c.Limits.LoginDevice = many, many
	}, func(k *kit) {
		k.residents()
		stranger := k.as(onDevice("a stranger's"))
		ask := func(k *kit, email string) answer { return k.send(email) }
		guess := func(k *kit, email string) answer { return k.login(email, "0000000") }
		hits := make(map[string]int)
		step := func(what string, do func(k *kit, email string) answer) {
			samples := 40
			if hits[what+" "+string(auth.ReasonLimit)] > 0 {
				samples = 0
			}
			hits[what+" "+stranger.alike(what, samples, do).code()]++
			synctest.Wait()
		}
		for hour := range torture.Rounds(1, 3) {
			step("guess", guess) // with no code out
			for range 4 {
				step("send", ask)
				step("send again", ask)
				step("guess", guess)
				step("guess", guess)
				time.Sleep(time.Minute)
			}
			k.pass(time.Duration(hour+1) * time.Hour)
		}
		for _, want := range []string{"send 200", "send again MAILKEY.LIMIT.0001", "send MAILKEY.LIMIT.0001", "guess " + codeRefused, "guess MAILKEY.LIMIT.0001"} {
			if hits[want] == 0 {
				t.Errorf("it never came to %q: %v", want, hits)
			}
		}
		k.as(onDevice("the device of known@b.example")).signIn("known@b.example") // all the same
	})
}

// Codes get longer with the wrong guesses at an address, whether or not it has
// an account.
func TestAbuse_H06_levelsOfAddresses(t *testing.T) {
	onEachStore(t, func(c *auth.Config) {
		manyMails(c)
		c.Limits.Address.Cooldown, c.Limits.Address.StrangerGuessesPerDay, c.Limits.Address.Level2After = time.Second, 1000, 60
		c.Limits.Login = auth.Rate{Count: 1000, Per: time.Hour}
	}, func(k *kit) {
		k.residents()
		lengths := make(map[string][]int)
		for i := range 14 {
			k := manyPeers(k, i).as(onDevice(fmt.Sprint("device ", i)))
			for _, email := range everybody {
				code := k.code(email)
				lengths[email] = append(lengths[email], len(code))
				for range 5 {
					if a := k.login(email, wrong(code)); a.code() != codeRefused {
						t.Fatalf("%s: %s", email, a.body)
					}
				}
			}
			time.Sleep(10 * time.Minute)
		}
		want := []int{6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 8, 8, 10, 10}
		for email, got := range lengths {
			if !slices.Equal(got, want) {
				t.Errorf("%s: codes of %v characters, want %v", email, got, want)
			}
		}
	})
}

// What is the matter with an account is told to whoever types the right code,
// once, and to nobody before.
func TestAbuse_H04_beforeTheMailboxIsProved(t *testing.T) {
	for _, row := range []struct {
		name   string
		email  string
		change func(*auth.Config)
		right  string
	}{
		{"disabled", "disabled@b.example", nil, string(auth.ReasonUserDisabled)},
		{"unknown, and registration is closed", "unknown@b.example", func(c *auth.Config) {
			c.AllowRegistration = func(_ context.Context, email, _ string) (bool, error) { return email != "unknown@b.example", nil }
		}, string(auth.ReasonUserUnknown)},
		{"refused by the app", "known@b.example", func(c *auth.Config) {
			c.OnLogin = func(_ context.Context, id auth.Identity) error {
				if id.Email == "known@b.example" && !id.LoginAt.Before(time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC)) {
					return auth.ErrLoginRefused
				}
				return nil
			}
		}, string(auth.ReasonUserDisabled)},
		{"known", "known@b.example", nil, "200"},
		{"unknown", "unknown@b.example", nil, "200"},
	} {
		t.Run(row.name, func(t *testing.T) {
			onEachStore(t, func(c *auth.Config) {
				manyMails(c)
				if row.change != nil {
					row.change(c)
				}
			}, func(k *kit) {
				k.residents()
				refused := func(what string, a answer) {
					t.Helper()
					if a.code() != codeRefused || strings.Contains(string(a.body), "USER") {
						t.Errorf("%s: %s", what, a.body)
					}
				}
				refused("before anything was sent", k.login(row.email, "123456"))
				code := k.code(row.email)
				refused("a wrong code", k.login(row.email, wrong(code)))
				refused("at another device", k.as(onDevice("another")).login(row.email, code))
				refused("at another client", k.as(func(k *kit) { k.client = "other" }).login(row.email, code))
				refused("at another address", k.login("eve@b.example", code))
				time.Sleep(10 * time.Minute)
				refused("an expired code", k.login(row.email, code))
				code = k.code(row.email)
				for range 5 {
					refused("a wrong code", k.login(row.email, wrong(code)))
				}
				refused("the right one, without guesses left", k.login(row.email, code))
				time.Sleep(time.Minute)
				code = k.code(row.email)
				if a := k.login(row.email, code); a.code() != row.right {
					t.Errorf("the right code: %d %s, want %s", a.status, a.body, row.right)
				}
				refused("the same again", k.login(row.email, code))
				time.Sleep(time.Minute)
				if a := k.send(row.email); a.status != http.StatusOK {
					t.Errorf("the next mail: %s", a.body)
				}
			})
		})
	}
}

// Nothing that can be fetched without a session depends on who has an account
// here, how many mails are waiting or how much is going on.
func TestAbuse_H07_nothingIsCounted(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		fetch := func() (all []string) {
			for _, path := range append(slices.Collect(maps.Keys(routes)), "/metrics", "/health", "/healthz", "/readyz", "/debug/vars", "/stats", "/api/v2/sdk/info", "/info") {
				for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
					if path == captchaPath {
						continue // is random, and has nothing else to tell
					}
					a := k.do(bare(k, method, strings.Replace(path, "{id}", "x", 1)))
					all = append(all, method+" "+path+" "+shown(a))
				}
			}
			slices.Sort(all)
			return append(all, fmt.Sprintf("%+v %v %v", k.auth.Info(), k.auth, k.auth.InService()))
		}
		before := fetch()
		token, _ := k.signIn("ann@b.example")
		k.mails.failing(func(int) error { return context.DeadlineExceeded })
		for i := range 9 { // that stay in the outbox
			manyPeers(k, i).send(fmt.Sprintf("somebody%d@b.example", i))
		}
		code := "000000"
		for range 5 {
			k.login("ann@b.example", code)
		}
		k.refresh(token)
		synctest.Wait()
		after := fetch()
		for i := range after {
			if after[i] != before[i] {
				t.Errorf("it shows: %s, before %s", after[i], before[i])
			}
		}
		for field := range reflect.TypeFor[auth.Info]().Fields() {
			if kind := field.Type.Kind(); kind != reflect.String && kind != reflect.Slice && kind != reflect.Bool {
				t.Errorf("Info.%s is a %v: it counts something", field.Name, kind)
			}
		}
	})
}
