package cluster

import (
	"sync"
	"testing"
	"time"

	"example.com/mailkey/internal/torture"
	"example.com/mailkey/storage/postgres"
)

// Of many wrong guesses that reach all instances at once, five are counted, and
// then the code is gone everywhere.
func TestAbuse_C04_fiveGuessesAcrossInstances(t *testing.T) {
	t.Parallel()
	c := newTrio(t) // alone: the failures of all addresses are counted
	store, err := postgres.Open(t.Context(), c.pool, c.schema)
	if err != nil {
		t.Fatal(err)
	}
	counted := 0
	for range torture.Rounds(2, 100) {
		d := newDevice(c.url)
		login := d.code(t, c.relay, newAddress())
		for _, r := range c.atOnce(t, 24, d, "POST", loginPath, wrong(login)) {
			if r.String() != badCode {
				t.Fatalf("a wrong guess: got %s\n%s", r, r.text)
			}
		}
		d.do(t, "POST", loginPath, login, badCode)
		hours, err := store.FailuresByHour(t.Context(), 2, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if counted += 5; hours[0]+hours[1] != counted {
			t.Fatalf("guesses counted in all: got %d, want %d", hours[0]+hours[1], counted)
		}
	}
}

// Four wrong guesses, each at another instance, leave one.
func TestAbuse_C04_theFifthGuessIsTheLast(t *testing.T) {
	t.Parallel()
	c := standing(t)
	for _, right := range []bool{true, false} {
		d := newDevice("")
		login := d.at(c.url).code(t, c.relay, newAddress())
		for i := range 4 {
			d.at(c.instances[i%3].url()).do(t, "POST", loginPath, wrong(login), badCode)
		}
		if right {
			d.at(c.instances[1].url()).do(t, "POST", loginPath, login, ok)
			continue
		}
		d.at(c.instances[1].url()).do(t, "POST", loginPath, wrong(login), badCode)
		d.at(c.instances[2].url()).do(t, "POST", loginPath, login, badCode)
	}
}

// A code that was used is of no use at any other instance, not even after the
// logout.
func TestAbuse_C15_replayAtAnotherInstance(t *testing.T) {
	t.Parallel()
	c := standing(t)
	d := newDevice(c.url)
	login := d.code(t, c.relay, newAddress())
	d.session = d.do(t, "POST", loginPath, login, ok).field("session_token")
	replay := func() {
		t.Helper()
		for _, i := range c.instances {
			again := d.at(i.url())
			again.session = ""
			again.do(t, "POST", loginPath, login, badCode)
		}
	}
	replay()
	d.do(t, "POST", logoutPath, nil, ok)
	replay()
}

// All instances get the right code at once: there is one session.
func TestAbuse_C16_oneSessionAcrossInstances(t *testing.T) {
	t.Parallel()
	c := standing(t)
	admin := c.admin(t)
	for range torture.Rounds(5, 500) {
		d, address := newDevice(c.url), newAddress()
		login := d.code(t, c.relay, address)
		d.session = only(t, c.atOnce(t, 6, d, "POST", loginPath, login), badCode).field("session_token")
		oneSession(t, admin, address)
		d.do(t, "GET", sessionsPath, nil, ok)
	}
}

// Two people who never logged in prove the same address at two instances at the
// same moment: they are one user.
func TestAbuse_D08_twoFirstLoginsAreOneUser(t *testing.T) {
	t.Parallel()
	c := standing(t)
	admin := c.serve(t, c.admin(t))

	// All rounds wait together for the second that has to be between two mails.
	type pair struct {
		address string
		devices [2]device
		logins  [2]map[string]string
	}
	pairs := make([]pair, torture.Rounds(4, 200))
	for n := range 2 {
		for i := range pairs {
			p := &pairs[i]
			if n == 0 {
				p.address = newAddress()
			}
			p.devices[n] = newDevice(c.instances[n].url())
			p.logins[n] = p.devices[n].at(admin).code(t, c.relay, p.address)
		}
		time.Sleep(time.Second)
	}
	for _, p := range pairs {
		var replies [2]reply
		var errs [2]error
		var both sync.WaitGroup
		start := make(chan struct{})
		for n := range 2 {
			both.Go(func() {
				<-start
				replies[n], errs[n] = p.devices[n].ask(t.Context(), "POST", loginPath, p.logins[n])
			})
		}
		close(start)
		both.Wait()
		var subjects [2]string
		for n, r := range replies {
			if errs[n] != nil || r.String() != ok {
				t.Fatalf("login %d: got %s, %v\n%s", n, r, errs[n], r.text)
			}
			subjects[n] = subject(t, r)
		}
		if subjects[0] != subjects[1] {
			t.Fatalf("one address has two users: %q", subjects)
		}
		if n := c.count(t, `SELECT count(*) FROM `+c.table("users")+` WHERE email = $1`, p.address); n != 1 {
			t.Fatalf("users of one address: %d", n)
		}
	}
}
