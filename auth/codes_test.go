package auth_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/storage"
	"example.com/mailkey/storage/sqlite"
)

// onEachStore plays f on every store there is in one process.
func onEachStore(t *testing.T, change func(*auth.Config), f func(k *kit)) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T) storage.Store{"memory": openMemory, "sqlite": openSQLite} {
		t.Run(name, func(t *testing.T) { playOn(t, open, change, f) })
	}
}

func openSQLite(t *testing.T) storage.Store {
	t.Helper()
	return openFile(t, filepath.Join(t.TempDir(), "test.db"))
}

func openFile(t *testing.T, path string) storage.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
		canariesOf(t).searchFiles(t, path)
	})
	return store
}

// atOnce makes n calls at the same moment.
func atOnce(n int, f func(i int)) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-start
			f(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
}

// tally counts the answers by code.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *tally) add(a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = make(map[string]int)
	}
	c.n[a.code()]++
}

// A code takes five guesses, the right one included. Then it is dead, and who
// asks is not told so.
func TestAbuse_C01_fiveGuesses(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		code := k.code("ann@b.example")
		for range 4 {
			k.login("ann@b.example", wrong(code))
		}
		if a := k.login("ann@b.example", code); a.status != 200 {
			t.Errorf("the right code as the fifth guess: %s", a.body)
		}
		time.Sleep(time.Minute)
		code = k.code("ann@b.example")
		first := k.login("ann@b.example", wrong(code))
		for i := 2; i <= 8; i++ {
			typed := wrong(code)
			if i == 6 || i == 8 { // one too late
				typed = code
			}
			a := k.login("ann@b.example", typed)
			if a.code() != string(auth.ReasonCode) || seen(a) != seen(first) || a.header.Get("Retry-After") != "" {
				t.Errorf("guess %d: %s, want what the first one was told: %s", i, seen(a), seen(first))
			}
		}
	})
}

func TestParallelRightGuesses(t *testing.T) {
	onEachStore(t, func(c *auth.Config) { c.Limits.LoginDevice = auth.Rate{Count: 1000, Per: time.Minute} }, func(k *kit) {
		for range 5 {
			code := k.code("ann@b.example")
			var got tally
			atOnce(20, func(int) { got.add(k.login("ann@b.example", code)) })
			if got.n["200"] != 1 || got.n[string(auth.ReasonCode)] != 19 {
				t.Errorf("%v, want one 200 and 19 refused", got.n)
			}
			k.pass(time.Hour)
		}
	})
}

// Of many wrong guesses in parallel five are counted. Were there fewer, the
// right code would still work; more cannot be told from outside, but from the
// failures that are remembered: ten rounds of five are the fifty after which
// codes get longer, and nine are not.
func TestParallelWrongGuesses(t *testing.T) {
	onEachStore(t, func(c *auth.Config) {
		c.Limits.LoginDevice = auth.Rate{Count: 1000, Per: time.Minute}
		c.Limits.Login = auth.Rate{Count: 1000, Per: time.Minute}
	}, func(k *kit) {
		for round := range 11 {
			k.pass(24 * time.Hour)
			code := k.code("ann@b.example")
			if want := map[bool]int{true: 8, false: 6}[round >= 10]; len(code) != want {
				t.Fatalf("after %d rounds the code has %d characters, want %d", round, len(code), want)
			}
			var got tally
			atOnce(20, func(int) { got.add(k.login("ann@b.example", wrong(code))) })
			if got.n[string(auth.ReasonCode)] != 20 {
				t.Errorf("%v, want 20 refused", got.n)
			}
			if a := k.login("ann@b.example", code); a.code() != string(auth.ReasonCode) {
				t.Errorf("the right code afterwards: %s", a.code())
			}
		}
	})
}

func TestAbuse_D08_ParallelFirstLoginsMakeOneUser(t *testing.T) {
	onEachStore(t, func(c *auth.Config) { c.Limits.Address.StrangersPerHour = 5; c.Limits.Address.StrangersPerDay = 10 }, func(k *kit) {
		codes := make([]string, 5)
		for i := range codes {
			codes[i] = k.as(onDevice(fmt.Sprint("device", i))).code("ann@b.example")
			time.Sleep(time.Minute)
		}
		var got tally
		subs := make([]string, len(codes))
		atOnce(len(codes), func(i int) {
			a := k.as(onDevice(fmt.Sprint("device", i))).login("ann@b.example", codes[i])
			if a.code() == string(auth.ReasonBusy) { // somebody was first: the code still works
				a = k.as(onDevice(fmt.Sprint("device", i))).login("ann@b.example", codes[i])
			}
			got.add(a)
			if a.status == 200 {
				subs[i] = claims(t, a.field(t, "id_token"))["sub"].(string)
			}
		})
		if got.n["200"] != len(codes) {
			t.Fatalf("%v, want all to succeed", got.n)
		}
		for _, sub := range subs {
			if sub != subs[0] {
				t.Errorf("two users: %v", subs)
			}
		}
	})
}

func TestResend(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		first := k.send("ann@b.example")
		synctest.Wait()
		mail := k.mails.last()
		if string(first.body) != `{"expire":600,"resend_after":60}` {
			t.Errorf("%s", first.body)
		}
		k.login("ann@b.example", wrong(mail.Code))

		time.Sleep(time.Minute)
		again := k.send("ann@b.example")
		synctest.Wait()
		if string(again.body) != `{"expire":540,"resend_after":60}` {
			t.Errorf("%s", again.body)
		}
		if m := k.mails.last(); m.Code != mail.Code || m.MessageID == mail.MessageID || !m.ExpiresAt.Equal(mail.ExpiresAt) {
			t.Errorf("the living code was not mailed again: %+v after %+v", m, mail)
		}
		for range 4 { // one guess was used before the resend
			k.login("ann@b.example", wrong(mail.Code))
		}
		if a := k.login("ann@b.example", mail.Code); a.code() != string(auth.ReasonCode) {
			t.Errorf("the resend gave fresh guesses: %s", a.code())
		}

		time.Sleep(time.Minute)
		renewed := k.send("ann@b.example")
		synctest.Wait()
		// It was the third mail in this hour that a stranger could have.
		if want := fmt.Sprintf(`{"expire":600,"resend_after":%d}`, 3600-120); string(renewed.body) != want {
			t.Errorf("%s, want %s", renewed.body, want)
		}
		m := k.mails.last()
		if m.Code == mail.Code {
			t.Error("an exhausted code was mailed again")
		}
		if a := k.login("ann@b.example", m.Code); a.status != 200 {
			t.Errorf("the new code: %s", a.body)
		}
	})
}

// A stranger uses up what strangers may have; the owner, on a device that
// logged in before, still gets mail and gets in.
func TestKnownDevicesHaveAReserve(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		if a := k.login("ann@b.example", k.code("ann@b.example")); a.status != 200 {
			t.Fatal(string(a.body))
		}
		k.pass(24 * time.Hour)
		stranger := k.as(func(k *kit) { k.device, k.peer = "stranger", "198.51.100.1" })
		mails := 0
		for range 24 * 3 {
			if stranger.send("ann@b.example").status == 200 {
				mails++
			}
			k.pass(19*time.Minute + 50*time.Second)
		}
		if mails != 6 {
			t.Errorf("a stranger had %d mails sent in a day, want 6", mails)
		}
		for i := range 2 {
			code := k.code("ann@b.example")
			if a := k.login("ann@b.example", code); a.status != 200 {
				t.Errorf("the owner's login %d: %s", i, a.body)
			}
			time.Sleep(time.Minute)
		}
	})
}

// An attacker guesses at full speed; after some days the codes are longer, and
// the owner logs in all the same.
func TestCodesGetLonger(t *testing.T) {
	onEachStore(t, func(c *auth.Config) { c.Limits.Address.Level2After = 100 }, func(k *kit) {
		k.login("ann@b.example", k.code("ann@b.example"))
		lengths := make(map[int]bool)
		for day := range 12 {
			k.pass(24 * time.Hour)
			attacker := k.as(onDevice(fmt.Sprint("attacker", day)))
			for range 3 {
				code := attacker.code("ann@b.example")
				for range 5 {
					attacker.login("ann@b.example", wrong(code))
				}
				k.pass(61 * time.Minute)
			}
			code := k.code("ann@b.example")
			lengths[len(code)] = true
			if a := k.login("ann@b.example", strings.ToLower(code)); a.status != 200 {
				t.Errorf("day %d: the owner with %q: %s", day, code, a.body)
			}
		}
		if !lengths[6] || !lengths[8] || !lengths[10] {
			t.Errorf("codes had lengths %v, want 6, then 8, then 10", lengths)
		}
	})
}

// A code that is out is not accepted any more once the address needs a longer
// one, or many devices together could guess more than a level allows. Nor is it
// compared any more: what follows a right one would tell it from a wrong one.
func TestShortCodesEndWithTheirLevel(t *testing.T) {
	onEachStore(t, func(c *auth.Config) { c.Limits.Address.Level1After = 5 }, func(k *kit) {
		var right atomic.Int32 // codes that were found to be
		k.conf.OnLogin = func(context.Context, auth.Identity) error { right.Add(1); return nil }
		owner := k.as(func(o *kit) { o.restart() })
		short := k.code("ann@b.example")
		time.Sleep(time.Minute)
		attacker := k.as(onDevice("attacker"))
		code := attacker.code("ann@b.example")
		for range 5 {
			attacker.login("ann@b.example", wrong(code))
		}
		if a := owner.login("ann@b.example", short); a.code() != string(auth.ReasonCode) || right.Load() != 0 {
			t.Errorf("the short code: %s, and it was compared %d times", a.code(), right.Load())
		}
		time.Sleep(time.Minute)
		if long := k.code("ann@b.example"); len(long) != 8 {
			t.Errorf("the next code has %d digits", len(long))
		} else if a := owner.login("ann@b.example", long); a.status != 200 || right.Load() != 1 {
			t.Errorf("the long code: %s, and it was compared %d times", a.body, right.Load())
		}
	})
}

func TestStrangersWaitAfterManyWrongGuesses(t *testing.T) {
	onEachStore(t, func(c *auth.Config) { c.Limits.Address.StrangerGuessesPerDay = 5 }, func(k *kit) {
		k.login("ann@b.example", k.code("ann@b.example"))
		time.Sleep(time.Minute)
		stranger := k.as(onDevice("stranger"))
		code := stranger.code("ann@b.example")
		for range 5 {
			stranger.login("ann@b.example", wrong(code))
		}
		a := stranger.login("ann@b.example", code)
		if a.status != 429 || a.header.Get("Retry-After") == "" {
			t.Errorf("the sixth guess of a day: %d %s", a.status, a.body)
		}
		time.Sleep(time.Minute)
		if a := k.login("ann@b.example", k.code("ann@b.example")); a.status != 200 {
			t.Errorf("the owner: %s", a.body)
		}
		if a := stranger.login("ann@b.example", code); a.code() != string(auth.ReasonCode) {
			t.Errorf("the stranger after the wait: %s", a.code())
		}
	})
}

func TestTyposOfTheOwnerAreForgiven(t *testing.T) {
	onEachStore(t, func(c *auth.Config) { c.Limits.Address.Level1After = 8 }, func(k *kit) {
		for range 10 {
			code := k.code("ann@b.example")
			if len(code) != 6 {
				t.Fatalf("the owner's own typing errors made the code %d long", len(code))
			}
			for range 4 {
				k.login("ann@b.example", wrong(code))
			}
			if a := k.login("ann@b.example", code); a.status != 200 {
				t.Fatal(string(a.body))
			}
			k.pass(24 * time.Hour)
		}
		// Somebody else's are not, whoever logs in meanwhile.
		other := k.as(onDevice("other"))
		for range 2 {
			code := other.code("ann@b.example")
			for range 4 {
				other.login("ann@b.example", wrong(code))
			}
			k.pass(24 * time.Hour)
			k.login("ann@b.example", k.code("ann@b.example"))
			k.pass(24 * time.Hour)
		}
		if code := k.code("ann@b.example"); len(code) != 8 {
			t.Errorf("eight failures of a stranger, and the code has %d digits", len(code))
		}
	})
}

func TestKnownAndUnknownAddressesLookAlike(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		k.login("known@b.example", k.code("known@b.example"))
		k.login("disabled@b.example", k.code("disabled@b.example"))
		user, _, err := k.conf.Store.UserByEmail(k.Context(), "disabled@b.example")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.conf.Store.SetUserDisabled(k.Context(), user.ID, time.Now()); err != nil {
			t.Fatal(err)
		}
		k.pass(24 * time.Hour)
		stranger := k.as(onDevice("stranger"))
		var first []string
		for _, email := range []string{"known@b.example", "disabled@b.example", "unknown@b.example"} {
			var all []string
			all = append(all, seen(stranger.send(email)), seen(stranger.login(email, "0000000")), seen(stranger.send(email)))
			if first == nil {
				first = all
			}
			for i := range all {
				if all[i] != first[i] {
					t.Errorf("%s: %s, but for a known address %s", email, all[i], first[i])
				}
			}
		}
		synctest.Wait()
	})
}
