package auth_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/auth"
)

// However an address is written, it is one peer, and so are all of a /64.
func TestAbuse_C10_oneBucket(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name      string
		spellings []string // N is the number of the request
		outside   string
	}{
		{"IPv4", []string{"192.0.2.7", "192.0.2.7:N", "::ffff:192.0.2.7", "[::ffff:192.0.2.7]:N", "::FFFF:c000:207", "::ffff:192.0.2.7%ethN"}, "192.0.2.8"},
		{"IPv6", []string{"2001:db8:0:1::N", "[2001:DB8::1:0:0:0:N]:4711", "2001:0DB8:0000:0001:ffff::N", "2001:db8:0:1::1%ethN", "[2001:db8:0:1::N%1]:80"}, "2001:db8:0:2::1"},
		{"of the link", []string{"fe80::N", "fe80::1%ethN", "[fe80::N%lo]:80"}, "fe80:0:0:1::1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			play(t, nil, func(k *kit) {
				limited := 0
				for i := range 40 {
					peer := strings.ReplaceAll(row.spellings[i%len(row.spellings)], "N", strconv.Itoa(i+1))
					if isLimited(t, k.as(from(peer)).post(loginPath)) {
						limited++
					}
				}
				if limited != 10 {
					t.Errorf("%d of 40 were limited, want 10", limited)
				}
				if isLimited(t, k.as(from(row.outside)).post(loginPath)) {
					t.Errorf("%s is limited, too", row.outside)
				}
			})
		})
	}
}

// A new network for each guess, and a new port, gets no more of them.
func TestAbuse_C10_networksHaveNoGuesses(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		code := k.code("ann@b.example")
		for i, peer := range []string{"192.0.2.1", "198.51.100.1:4711", "2001:db8::1", "::ffff:203.0.113.9", "[2001:db8:1::1%eth0]:80"} {
			if a := k.as(from(peer)).login("ann@b.example", wrong(code)); a.code() != codeRefused {
				t.Errorf("guess %d: %s", i+1, a.body)
			}
		}
		if a := k.as(from("2001:db8:2::1")).login("ann@b.example", code); a.code() != codeRefused {
			t.Errorf("the right code after five wrong ones, from elsewhere: %d %s", a.status, a.body)
		}
	})
}

// Who writes another address into a header with each request stays one peer:
// behind a trusted proxy, which adds the real one at the right, and without.
func TestAbuse_C11_claimedAddresses(t *testing.T) {
	t.Parallel()
	const theirs = "192.0.2.1"
	for _, name := range []string{
		"X-Forwarded-For", "X-Device-Ip", "X-Real-Ip", "True-Client-Ip", "Forwarded", "X-Forwarded", "Cf-Connecting-Ip", "X-Client-Ip", "X-Cluster-Client-Ip",
		"X_Forwarded_For", "X-Forwarded_For", "X_Real_Ip",
	} {
		for _, proxy := range []bool{true, false} {
			for _, repeated := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, proxy %v, repeated %v", name, proxy, repeated), func(t *testing.T) {
					t.Parallel()
					play(t, func(c *auth.Config) {
						if !proxy {
							c.TrustedProxies = nil
						}
					}, func(k *kit) {
						answers := make(map[string]int)
						for i := range 40 {
							r := k.request("POST", loginPath, "{}")
							claimed := fmt.Sprint("203.0.113.", i)
							values := []string{claimed}
							if repeated {
								values = []string{claimed, "203.0.113.77"}
							}
							if name == "X-Forwarded-For" && proxy {
								values[len(values)-1] = claimed + ", " + theirs
							}
							r.Header[name] = values
							a := k.do(r)
							isLimited(t, a)
							answers[a.code()]++
						}
						want := map[string]int{string(auth.ReasonEmailEmpty): 30, string(auth.ReasonLimit): 10}
						if name == "X-Device-Ip" && repeated { // refused before it is counted
							want = map[string]int{string(auth.ReasonDevice): 40}
						}
						if fmt.Sprint(answers) != fmt.Sprint(want) {
							t.Errorf("%v, want %v", answers, want)
						}
					})
				})
			}
		}
	}
}

// Another spelling of an address has no mails, no guesses and no failures of
// its own.
func TestAbuse_C13_otherSpellings(t *testing.T) {
	spellings := []string{"ann@xn--b-zfa.example", "ANN@xn--b-zfa.example", "ann@XN--B-ZFA.EXAMPLE", "Ann@Xn--B-zfA.exAmple", "aNN@xn--B-zfa.example"}
	onEachStore(t, func(c *auth.Config) { c.Limits.Address.Level1After = 5 }, func(k *kit) {
		code := k.code(spellings[0])
		for i, email := range spellings[1:] {
			if a := manyPeers(k, i).as(onDevice(email)).send(email); !isLimited(t, a) {
				t.Errorf("a mail to %s a moment later: %d %s", email, a.status, a.body)
			}
		}
		for i, email := range spellings {
			if a := k.login(email, wrong(code)); a.code() != codeRefused {
				t.Errorf("guess %d: %s", i+1, a.body)
			}
		}
		for _, email := range spellings {
			if a := k.login(email, code); a.code() != codeRefused {
				t.Errorf("%s has a sixth guess: %d %s", email, a.status, a.body)
			}
		}
		time.Sleep(time.Minute)
		code = k.as(onDevice("another")).code(spellings[3])
		if len(code) != 8 {
			t.Errorf("after five wrong guesses at the other spellings the code has %d digits", len(code))
		}
		if a := k.as(onDevice("another")).login(spellings[1], code); a.status != http.StatusOK {
			t.Errorf("the code by another spelling: %s", a.body)
		}
		for i, email := range []string{"ann@b\u00df.example", "ann@B\u00df.example", "ann@b\u1e9e.example", "\uff41nn@xn--b-zfa.example"} {
			if !manyPeers(k, 100+i).refusedAddress(email) {
				t.Errorf("%q was not refused", email)
			}
		}
	})
}
