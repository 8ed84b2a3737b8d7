package auth_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/auth"
)

func TestUnusual(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		days [7]int // this hour of the days before
		now  int
		want bool
	}{
		{"nothing at all", [7]int{}, 0, false},
		{"the floor", [7]int{}, 200, false},
		{"above the floor", [7]int{}, 201, true},
		{"the floor holds for small services", [7]int{1, 2, 3, 4, 5, 6, 7}, 200, false},
		{"ten times the median", [7]int{0, 0, 0, 100, 100, 100, 100}, 1000, false},
		{"more than ten times the median", [7]int{0, 0, 0, 100, 100, 100, 100}, 1001, true},
		{"three bad days do not make it usual", [7]int{9000, 0, 9000, 0, 9000, 0, 0}, 201, true},
		{"four do", [7]int{9000, 0, 9000, 0, 9000, 0, 9000}, 90_000, false},
		{"the order of the days does not matter", [7]int{1, 70, 2, 60, 3, 50, 30}, 301, true},
		{"the order of the days does not matter, below", [7]int{1, 70, 2, 60, 3, 50, 30}, 300, false},
	} {
		hours := make([]int, 7*24+2)
		for i := range hours {
			hours[i] = 1_000_000 // other hours do not count
		}
		last := len(hours) - 1
		for day, n := range row.days {
			hours[last-24*(day+1)] = n
		}
		hours[last] = row.now
		if got := auth.Unusual(hours); got != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
	}
}

// wave makes five wrong guesses at each of n addresses, all from elsewhere.
func wave(k *kit, name string, n int) {
	k.Helper()
	for i := range n {
		k := k.as(func(k *kit) { k.peer, k.device = fmt.Sprintf("10.%d.%d.1", len(name), i), fmt.Sprint(name, i) })
		email := fmt.Sprintf("%s%d@b.example", name, i)
		code := k.code(email)
		for range 5 {
			if a := k.login(email, wrong(code)); a.code() != string(auth.ReasonCode) {
				k.Fatalf("%s: %s", email, a.body)
			}
		}
	}
}

// When one guess at each of many addresses is tried, all new codes are longer,
// for an hour at least. Nobody is locked out.
func TestAbuse_C23_breaker(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		probes := 0
		probe := func(want int) {
			t.Helper()
			probes++
			k := k.as(from(fmt.Sprintf("10.200.%d.1", probes)))
			email := fmt.Sprintf("probe%d@b.example", probes)
			code := k.code(email)
			if len(code) != want {
				t.Errorf("at %s the code has %d digits, want %d", time.Now().UTC().Format("15:04"), len(code), want)
			}
			if a := k.login(email, code); a.status != 200 {
				t.Errorf("and does not work: %s", a.body)
			}
		}
		pass := func(d time.Duration) {
			k.pass(d)
			time.Sleep(2 * time.Second) // the instance looks once a minute
		}
		alarm := func() bool { return strings.Contains(k.log.String(), "far more wrong codes than usual") }

		pass(50 * time.Minute)
		wave(k, "first", 40) // 200 wrong guesses
		pass(time.Minute)
		probe(6)
		short := k.code("ann@b.example")
		bob := k.as(onDevice("bob's"))
		shortOfBob := bob.code("bob@b.example")
		if alarm() {
			t.Error("an alarm before anything is unusual")
		}

		wave(k, "second", 1)
		pass(time.Minute)
		probe(8)
		if !alarm() || !strings.Contains(k.log.String(), "this_hour=205") {
			t.Errorf("no alarm: %s", k.log)
		}
		if a := k.login("ann@b.example", short); a.status != 200 {
			t.Errorf("a code that was mailed before: %s", a.body)
		}
		if long := bob.code("bob@b.example"); len(long) != 8 || long == shortOfBob {
			t.Errorf("a short code is mailed again: %d digits", len(long))
		}
		synctest.Wait()

		pass(time.Hour) // 01:52
		probe(8)
		pass(7 * time.Minute) // 01:59
		probe(8)
		pass(time.Minute) // 02:00: a whole hour was normal
		probe(6)
	})
}

// Every instance sees the wave, not only the one that it hit.
func TestAbuse_C23_breakerOfAnotherInstance(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		other := k.as(func(o *kit) {
			o.restart()
			o.peer = "198.51.100.1"
		})
		wave(k, "wave", 41)
		if a := other.send("ann@b.example"); a.status != 200 {
			t.Fatalf("%s", a.body)
		}
		time.Sleep(2 * time.Second)
		if code := k.mails.last().Code; len(code) != 8 {
			t.Errorf("its next code has %d digits", len(code))
		}
	})
}
