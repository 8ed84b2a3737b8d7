package auth_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/storage"
)

// Retry-After is never less than the wait, and not much more.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, wait := range []time.Duration{
		1, time.Millisecond, time.Second, 9 * time.Second, 10*time.Second - 1, 10 * time.Second, 10*time.Second + 1, 59 * time.Second,
		time.Minute, time.Minute + 1, 10 * time.Minute, time.Hour - 1, time.Hour, 24 * time.Hour, 365 * 24 * time.Hour,
	} {
		least := int((wait + 10*time.Second - 1) / (10 * time.Second) * 10)
		values, longest := make(map[int]bool), 0
		for range 1000 {
			got := auth.RetryAfter(wait)
			values[got], longest = true, max(longest, got)
			if got < least || time.Duration(got)*time.Second < wait || got > least+least/5 {
				t.Fatalf("%v: %d s, want %d to %d", wait, got, least, least+least/5)
			}
		}
		if least >= 60 && len(values) < 10 {
			t.Errorf("%v: only %d different values", wait, len(values))
		}
		if least >= 1000 && longest < least*119/100 {
			t.Errorf("%v: never more than %d s", wait, longest)
		}
	}
}

// from is the kit behind another address.
func from(peer string) func(*kit) { return func(k *kit) { k.peer = peer } }

func isLimited(t *testing.T, a answer) bool {
	t.Helper()
	if a.status != 429 {
		return false
	}
	if wait, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || wait < 1 || a.code() != string(auth.ReasonLimit) {
		t.Errorf("%s, Retry-After %q", a.body, a.header.Get("Retry-After"))
	}
	return true
}

// waitAsTold waits for as long as Retry-After says.
func waitAsTold(t *testing.T, a answer) {
	t.Helper()
	seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Duration(seconds) * time.Second)
}

// peerRates are the rates that a peer has, each with a request that costs one.
var peerRates = []struct {
	name   string
	change func(*auth.Config)
	try    func(k *kit) answer
	count  int
	per    time.Duration
}{
	{"captcha", nil, func(k *kit) answer { return k.get(captchaPath) }, 30, time.Minute},
	{"audio", nil, func(k *kit) answer { return k.get(captchaPath + "/audio") }, 30, time.Minute},
	{"verify", nil, func(k *kit) answer { return k.post(verifyPath) }, 20, time.Minute},
	{"send", nil, func(k *kit) answer { return k.post(sendPath) }, 10, 10 * time.Minute},
	{"send over a longer time", func(c *auth.Config) {
		c.Limits.SendCode, c.Limits.SendCodeLong = auth.Rate{Count: 100, Per: time.Minute}, auth.Rate{Count: 60, Per: time.Hour}
	}, func(k *kit) answer { return k.post(sendPath) }, 60, time.Hour},
	{"login", nil, func(k *kit) answer { return k.post(loginPath) }, 30, 5 * time.Minute},
	{"login, configured", func(c *auth.Config) { c.Limits.Login = auth.Rate{Count: 1, Per: time.Hour} }, func(k *kit) answer {
		return k.post(loginPath)
	}, 1, time.Hour},
}

func TestPeerRates(t *testing.T) {
	t.Parallel()
	for _, row := range peerRates {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			play(t, row.change, func(k *kit) {
				for i := range row.count {
					if a := row.try(k); isLimited(t, a) || a.status >= 500 {
						t.Fatalf("request %d: %d %s", i+1, a.status, a.body)
					}
				}
				last := row.try(k)
				if !isLimited(t, last) {
					t.Fatalf("request %d: %d %s", row.count+1, last.status, last.body)
				}
				for name, other := range map[string]struct {
					kit     *kit
					limited bool
				}{
					"another peer":                 {k.as(from("192.0.2.2")), false},
					"another device":               {k.as(onDevice("another")), true},
					"another client":               {k.as(func(k *kit) { k.client = "other" }), true},
					"a list that the client began": {k.as(from("198.51.100.7, 192.0.2.1")), true},
					"a port":                       {k.as(from("192.0.2.1:4711")), true},
					"the same as IPv6":             {k.as(from("::ffff:192.0.2.1")), true},
				} {
					if isLimited(t, row.try(other.kit)) != other.limited {
						t.Errorf("%s: limited is %v", name, !other.limited)
					}
				}

				// A refusal costs nothing, and what is used comes back evenly.
				time.Sleep(row.per/time.Duration(row.count) - time.Millisecond)
				if !isLimited(t, row.try(k)) {
					t.Error("it is over too soon")
				}
				time.Sleep(time.Millisecond)
				if isLimited(t, row.try(k)) {
					t.Error("one should have come back")
				}
				a := row.try(k)
				if !isLimited(t, a) {
					t.Error("more than one has come back")
				}
				waitAsTold(t, a)
				if isLimited(t, row.try(k)) {
					t.Error("whoever waited as told is refused again")
				}
			})
		})
	}
}

// A network may do ten times as much as one of its hosts.
func TestNetworkRates(t *testing.T) {
	t.Parallel()
	for _, row := range peerRates {
		if row.name == "audio" { // counts as captcha
			continue
		}
		for _, addresses := range []struct{ name, host, outside string }{
			{"IPv4", "192.0.2.%d", "192.0.3.1"},
			{"IPv6", "2001:db8:0:%x::1", "2001:db8:1::1"},
		} {
			t.Run(row.name+" "+addresses.name, func(t *testing.T) {
				t.Parallel()
				play(t, row.change, func(k *kit) {
					for host := range 10 {
						k.peer = fmt.Sprintf(addresses.host, host+1)
						for i := range row.count {
							if a := row.try(k); isLimited(t, a) {
								t.Fatalf("request %d of %s: %s", i+1, k.peer, a.body)
							}
						}
					}
					k.peer = fmt.Sprintf(addresses.host, 11)
					a := row.try(k)
					if !isLimited(t, a) {
						t.Fatalf("the eleventh host: %d %s", a.status, a.body)
					}
					if isLimited(t, row.try(k.as(from(addresses.outside)))) {
						t.Error("another network is limited, too")
					}
					waitAsTold(t, a)
					if isLimited(t, row.try(k)) {
						t.Error("whoever waited as told is refused again")
					}
				})
			})
		}
	}
}

// The endpoints have counts of their own, but for a captcha and its audio.
func TestEndpointsHaveCountsOfTheirOwn(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		for _, row := range []struct {
			name string
			try  func() answer
			n    int
		}{
			{"captcha", func() answer { return k.get(captchaPath) }, 20},
			{"audio", func() answer { return k.get(captchaPath + "/audio") }, 10},
			{"verify", func() answer { return k.post(verifyPath) }, 20},
			{"send", func() answer { return k.post(sendPath) }, 10},
			{"login", func() answer { return k.post(loginPath) }, 30},
			{"logout", func() answer { return k.get(logoutPath) }, 100},
			{"keys", func() answer { return k.get(keysPath) }, 100},
		} {
			for i := range row.n {
				if isLimited(t, row.try()) {
					t.Fatalf("%s: request %d is limited", row.name, i+1)
				}
			}
		}
		if !isLimited(t, k.get(captchaPath)) || !isLimited(t, k.get(captchaPath+"/audio")) {
			t.Error("a captcha and its audio count apart")
		}
	})
}

// Two instances on one store count together.
func TestInstancesCountTogether(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		other := k.as(func(o *kit) { o.restart() })
		for range 15 {
			k.post(loginPath)
			other.post(loginPath)
		}
		if !isLimited(t, k.post(loginPath)) || !isLimited(t, other.post(loginPath)) {
			t.Error("each has a count of its own")
		}
	})
}

// manyPeers is the kit behind one address after the other.
func manyPeers(k *kit, i int) *kit { return k.as(from(fmt.Sprintf("10.0.%d.1", i))) }

func TestLoginDevice(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		for i := range 30 {
			if a := manyPeers(k, i).login("ann@b.example", "000000"); a.code() != string(auth.ReasonCode) {
				t.Fatalf("login %d: %s", i+1, a.body)
			}
		}
		a := manyPeers(k, 30).login("Ann@B.example", "000000")
		if !isLimited(t, a) {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if isLimited(t, manyPeers(k, 31).as(onDevice("another")).login("ann@b.example", "000000")) {
			t.Error("another device is limited, too")
		}
		if isLimited(t, manyPeers(k, 32).login("bob@b.example", "000000")) {
			t.Error("another address is limited, too")
		}
		waitAsTold(t, a)
		if isLimited(t, manyPeers(k, 33).login("ann@b.example", "000000")) {
			t.Error("whoever waited as told is refused again")
		}
	})
}

func TestSendCodeDevice(t *testing.T) {
	t.Parallel()
	play(t, func(c *auth.Config) {
		c.Limits.Address = storage.AddressLimits{Cooldown: time.Second, PerHour: 1000, PerDay: 1000, StrangersPerHour: 1000, StrangersPerDay: 1000}
	}, func(k *kit) {
		for i := range 10 {
			if a := manyPeers(k, i).send("ann@b.example"); a.status != 200 {
				t.Fatalf("mail %d: %s", i+1, a.body)
			}
			time.Sleep(time.Second)
		}
		a := manyPeers(k, 10).send("ann@b.example")
		if !isLimited(t, a) {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if a := manyPeers(k, 11).as(onDevice("another")).send("ann@b.example"); a.status != 200 {
			t.Errorf("another device: %s", a.body)
		}
		waitAsTold(t, a)
		if a := manyPeers(k, 12).send("ann@b.example"); a.status != 200 {
			t.Errorf("after the wait: %s", a.body)
		}
	})
}

// A peer that gives ten wrong answers pauses for ten minutes, whatever it
// answers then; others do not.
func TestWrongCaptchaPause(t *testing.T) {
	t.Parallel()
	answerOf := func(k *kit, code string) answer {
		return k.post(verifyPath, "token", "x", "sender", "ann@b.example", "captcha_code", code)
	}
	right := func(k *kit) answer {
		token, code := k.solve()
		return k.post(verifyPath, "token", token, "sender", "ann@b.example", "captcha_code", code)
	}
	play(t, nil, func(k *kit) {
		for i := range 10 {
			if i == 5 && right(k).status != 200 {
				t.Error("a right answer is refused before the pause")
			}
			if a := answerOf(k, strconv.Itoa(i)); a.code() != string(auth.ReasonCaptcha) {
				t.Fatalf("wrong answer %d: %s", i+1, a.body)
			}
		}
		a := right(k)
		if !isLimited(t, a) {
			t.Fatalf("a right answer in the pause: %d %s", a.status, a.body)
		}
		if wait, _ := strconv.Atoi(a.header.Get("Retry-After")); wait < 600 || wait > 720 {
			t.Errorf("Retry-After: %d", wait)
		}
		if a := right(k.as(from("192.0.2.2"))); a.status != 200 {
			t.Errorf("another peer: %s", a.body)
		}
		if !isLimited(t, right(k.as(onDevice("another")))) {
			t.Error("the peer's other device is not limited")
		}
		for range 9 { // trying on does not make it longer
			time.Sleep(time.Minute)
			if !isLimited(t, answerOf(k, "1")) {
				t.Error("the pause is over too soon")
			}
		}
		time.Sleep(time.Minute)
		if a := right(k); a.status != 200 {
			t.Errorf("after the pause: %s", a.body)
		}
		for i := range 10 {
			if a := answerOf(k, strconv.Itoa(i)); a.code() != string(auth.ReasonCaptcha) {
				t.Errorf("wrong answer %d after the pause: %s", i+1, a.body)
			}
		}
		if !isLimited(t, right(k)) {
			t.Error("there is no second pause")
		}
	})
}

// With a rate of one, the first wrong answer starts the pause.
func TestWrongCaptchaPauseAtOnce(t *testing.T) {
	t.Parallel()
	play(t, func(c *auth.Config) { c.Limits.WrongCaptcha = auth.Rate{Count: 1, Per: time.Minute} }, func(k *kit) {
		for range 2 {
			a := k.post(verifyPath, "token", "x", "sender", "ann@b.example", "captcha_code", "1")
			if a.code() != string(auth.ReasonCaptcha) {
				t.Errorf("the first: %s", a.body)
			}
			a = k.post(verifyPath, "token", "x", "sender", "ann@b.example", "captcha_code", "1")
			if !isLimited(t, a) {
				t.Errorf("the second: %s", a.body)
			}
			time.Sleep(time.Minute)
		}
		if strings.Contains(k.log.String(), "ERROR") {
			t.Errorf("what clients do is logged as a fault: %s", k.log)
		}
	})
}
