package auth_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/storage"
)

// Each of these flows differs from the first in one thing, or in all. A code
// logs in where it was asked for, and nowhere else.
func TestAbuse_C17_otherBindings(t *testing.T) {
	flows := []flow{
		{"ann@b.example", "app", "phone"},
		{"bob@b.example", "app", "phone"},
		{"ann@b.example", "other", "phone"},
		{"ann@b.example", "app", "tablet"},
		{"bob@b.example", "other", "tablet"},
	}
	onEachStore(t, nil, func(k *kit) {
		at := func(f flow) *kit { return k.as(func(k *kit) { k.client, k.device = f.client, f.device }) }
		codes := make([]string, len(flows))
		for i, f := range flows {
			codes[i] = at(f).code(f.email)
			time.Sleep(time.Minute)
		}
		for i, f := range flows {
			for j, code := range codes {
				if code == codes[i] { // its own, or one that happens to be the same
					continue
				}
				if a := at(f).login(f.email, code); a.code() != string(auth.ReasonCode) {
					t.Errorf("the code of %v at %v: %d %s", flows[j], f, a.status, a.body)
				}
			}
			if a := at(f).login(strings.ToUpper(f.email), " "+codes[i]+"\r\n"); a.status != http.StatusOK {
				t.Errorf("the code of %v after the others': %s", f, a.body)
			}
		}
	})
}

// A code that another one replaced is over, although its ten minutes are not.
func TestAbuse_C17_olderCode(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		old := k.code("ann@b.example")
		time.Sleep(5*time.Minute + time.Millisecond)
		if code := k.code("ann@b.example"); code == old {
			t.Error("a code in the second half of its life was mailed again")
		}
		if a := k.login("ann@b.example", old); a.code() != string(auth.ReasonCode) {
			t.Errorf("the superseded code: %s", a.code())
		}
	})
}

func TestAbuse_C18_exactlyAtTheEnd(t *testing.T) {
	for _, row := range []struct {
		name  string
		after time.Duration
		want  string
	}{
		{"a millisecond before", 10*time.Minute - time.Millisecond, "200"},
		{"at the end", 10 * time.Minute, string(auth.ReasonCode)},
		{"a millisecond after", 10*time.Minute + time.Millisecond, string(auth.ReasonCode)},
	} {
		t.Run(row.name, func(t *testing.T) {
			onEachStore(t, nil, func(k *kit) {
				code := k.code("ann@b.example")
				time.Sleep(row.after)
				if a := k.login("ann@b.example", code); a.code() != row.want {
					t.Errorf("%s, want %s", a.code(), row.want)
				}
			})
		})
	}
}

// behindStore is the store of an instance whose clock was set back; the
// database's clock was not.
type behindStore struct {
	storage.Store
	by atomic.Int64
}

func (s *behindStore) ours(now time.Time) time.Time { return now.Add(-time.Duration(s.by.Load())) }

func (s *behindStore) Clock(context.Context) (time.Time, error) {
	return time.Now().Add(time.Duration(s.by.Load())), nil
}

func (s *behindStore) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	return s.Store.Sweep(ctx, s.ours(now), limit)
}

func (s *behindStore) RequestCode(ctx context.Context, r storage.CodeRequest, l storage.AddressLimits, now time.Time) (storage.CodeRequested, error) {
	return s.Store.RequestCode(ctx, r, l, s.ours(now))
}

func (s *behindStore) FindChallenge(ctx context.Context, b []byte, l storage.AddressLimits, now time.Time) (storage.Challenge, bool, error) {
	return s.Store.FindChallenge(ctx, b, l, s.ours(now))
}

func (s *behindStore) GuessWait(ctx context.Context, address, device []byte, l storage.AddressLimits, now time.Time) (wait time.Duration, level int, err error) {
	return s.Store.GuessWait(ctx, address, device, l, s.ours(now))
}

func (s *behindStore) Redeem(ctx context.Context, g storage.Guess, l storage.AddressLimits, now time.Time) (storage.Redeemed, error) {
	return s.Store.Redeem(ctx, g, l, s.ours(now))
}

// A clock that is set back prolongs a code by half a minute at most, where the
// database has a clock, and brings none back that is used or out of guesses.
func TestAbuse_C18_clockSetBack(t *testing.T) {
	for _, row := range []struct {
		name  string
		by    time.Duration
		first func(k *kit, code string) // before the clock is set back
		after time.Duration
		want  auth.Reason // empty: logged in
	}{
		{"not at all", 0, nil, 10 * time.Minute, auth.ReasonCode},
		{"less than the code is over", 20 * time.Second, nil, 10*time.Minute + 20*time.Second, auth.ReasonCode},
		{"a little more", 20 * time.Second, nil, 10*time.Minute + 20*time.Second - time.Millisecond, ""},
		{"by more than half a minute", 31 * time.Second, nil, 10 * time.Minute, auth.ReasonBusy},
		{"by an hour", time.Hour, nil, 10 * time.Minute, auth.ReasonBusy},
		{"a used code", 20 * time.Second, func(k *kit, code string) { k.login("ann@b.example", code) }, 9*time.Minute + 10*time.Second, auth.ReasonCode},
		{"a code without guesses", 20 * time.Second, func(k *kit, code string) {
			for range 5 {
				k.login("ann@b.example", wrong(code))
			}
		}, 9*time.Minute + 10*time.Second, auth.ReasonCode},
	} {
		t.Run(row.name, func(t *testing.T) {
			onEachStore(t, func(c *auth.Config) { c.Store = &behindStore{Store: c.Store} }, func(k *kit) {
				code := k.code("ann@b.example")
				if row.first != nil {
					row.first(k, code)
				}
				time.Sleep(9 * time.Minute)
				k.conf.Store.(*behindStore).by.Store(int64(row.by))
				time.Sleep(row.after - 9*time.Minute)
				synctest.Wait()
				a := k.login("ann@b.example", code)
				if row.want == "" && a.status != http.StatusOK || row.want != "" && a.code() != string(row.want) {
					t.Errorf("%d %s, want %q", a.status, a.body, row.want)
				}
			})
		})
	}
}

// aliases are what others might take for the code, and how it is answered. All
// but the last few go into the body as a string.
var aliases = []struct {
	name  string
	typed func(code string) string
	want  string
}{
	{"the code", func(c string) string { return c }, "200"},
	{"spaces around it", func(c string) string { return " \t" + c + "\r\n " }, "200"},
	{"a space inside", func(c string) string { return c[:3] + " " + c[3:] }, codeRefused},
	{"a hyphen inside", func(c string) string { return c[:3] + "-" + c[3:] }, codeRefused},
	{"a comma inside", func(c string) string { return c[:3] + "," + c[3:] }, codeRefused},
	{"a space that does not break", func(c string) string { return "\u00a0" + c }, codeRefused},
	{"a space of no width", func(c string) string { return c + "\u200b" }, codeRefused},
	{"a byte order mark", func(c string) string { return "\ufeff" + c }, codeRefused},
	{"a vertical tab", func(c string) string { return c + "\v" }, codeRefused},
	{"digits of full width", digitsFrom('０'), codeRefused},
	{"Arabic digits", digitsFrom('٠'), codeRefused},
	{"Persian digits", digitsFrom('۰'), codeRefused},
	{"mathematical digits", digitsFrom('𝟎'), codeRefused},
	{"circled", func(c string) string { return c + "\u20dd" }, codeRefused},
	{"a plus", func(c string) string { return "+" + c }, codeRefused},
	{"a minus", func(c string) string { return "-" + c }, codeRefused},
	{"a zero before it", func(c string) string { return "0" + c }, codeRefused},
	{"a digit after it", func(c string) string { return c + "0" }, codeRefused},
	{"twice", func(c string) string { return c + c }, codeRefused},
	{"a decimal point", func(c string) string { return c + ".0" }, codeRefused},
	{"an exponent", func(c string) string { return c + "e0" }, codeRefused},
	{"an underscore inside", func(c string) string { return c[:3] + "_" + c[3:] }, codeRefused},
	{"in quotes", func(c string) string { return `"` + c + `"` }, codeRefused},
	{"backwards", func(c string) string { return "\u202e" + c }, codeRefused},
	{"a list", func(c string) string { return c + ",000000" }, codeRefused},
	{"a NUL", func(c string) string { return c + "\x00" }, string(auth.ReasonMalformed)},
	{"very long", func(c string) string { return c + strings.Repeat("0", 7000) }, string(auth.ReasonMalformed)},
	{"a prefix of one", func(c string) string { return c[:1] }, codeRefused},
	{"a prefix of five", func(c string) string { return c[:5] }, codeRefused},
	{"without its first", func(c string) string { return c[1:] }, codeRefused},
	{"nothing", func(string) string { return "" }, string(auth.ReasonCodeEmpty)},
	{"nothing but space", func(string) string { return " \r\n" }, string(auth.ReasonCodeEmpty)},
	{"any text to LIKE", func(string) string { return "%" }, codeRefused},
	{"six of any to LIKE", func(string) string { return "______" }, codeRefused},
	{"a beginning to LIKE", func(c string) string { return c[:3] + "%" }, codeRefused},
	{"any text to GLOB", func(string) string { return "*" }, codeRefused},
	{"a regular expression", func(string) string { return "^[0-9]{6}$" }, codeRefused},
	{"SQL", func(string) string { return "' OR '1'='1" }, codeRefused},
	{"null, in words", func(string) string { return "null" }, codeRefused},
	{"true, in words", func(string) string { return "true" }, codeRefused},
}

const codeRefused = string(auth.ReasonCode)

// digitsFrom replaces the digits by those that begin with zero.
func digitsFrom(zero rune) func(string) string {
	return func(code string) string {
		return strings.Map(func(r rune) rune { return zero + r - '0' }, code)
	}
}

// unquoted are values of verify_code that are no simple string.
var unquoted = []struct {
	name  string
	value func(code string) string
	want  string
}{
	{"escapes of JSON", func(c string) string { return fmt.Sprintf(`"\u003%c%s"`, c[0], c[1:]) }, "200"},
	{"escapes of C", func(c string) string { return fmt.Sprintf(`"\x3%c%s"`, c[0], c[1:]) }, string(auth.ReasonMalformed)},
	{"a number", func(c string) string { return "1" + c[1:] }, string(auth.ReasonMalformed)},
	{"an array", func(c string) string { return `["` + c + `"]` }, string(auth.ReasonMalformed)},
	{"an array of all", func(c string) string { return `["000000","` + c + `"]` }, string(auth.ReasonMalformed)},
	{"an object", func(c string) string { return `{"$eq":"` + c + `"}` }, string(auth.ReasonMalformed)},
	{"an object of an operator", func(string) string { return `{"$ne":""}` }, string(auth.ReasonMalformed)},
	{"null", func(string) string { return `null` }, string(auth.ReasonMalformed)},
	{"true", func(string) string { return `true` }, string(auth.ReasonMalformed)},
	{"two members", func(c string) string { return `"000000","verify_code":"` + c + `"` }, string(auth.ReasonMalformed)},
}

// Only the code is the code. What is refused leaves it alive, for the one who
// types it as it is.
func TestAbuse_C19_C20_aliases(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		n := 0
		try := func(name, want string, value func(code string) string) {
			t.Helper()
			n++
			k, email := manyPeers(k, n), fmt.Sprintf("ann%d@b.example", n)
			code := k.code(email)
			a := k.do(k.request("POST", loginPath, `{"email":"`+email+`","verify_code":`+value(code)+`}`))
			if a.code() != want {
				t.Errorf("%s: %d %s, want %s", name, a.status, a.body, want)
			}
			if want == "200" {
				return
			}
			if a := k.login(email, code); a.status != http.StatusOK {
				t.Errorf("%s: the code itself afterwards: %s", name, a.body)
			}
		}
		for _, row := range aliases {
			try(row.name, row.want, func(code string) string { return jsonString(row.typed(code)) })
		}
		for _, row := range unquoted {
			try(row.name, row.want, row.value)
		}
	})
}

func jsonString(s string) string {
	return strings.TrimSuffix(strings.TrimPrefix(object("", s), `{"":`), "}")
}

// There is no code that works for everybody, nor an address that needs none.
func TestAbuse_C26_noMasterCode(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		n := 0
		for _, email := range []string{"test@b.example", "admin@b.example", "ann@example.com", "review@apple.com", "ann+test@b.example"} {
			for _, codes := range [][]string{
				{"000000", "111111", "123456", "654321"}, {"999999", "888888", "121212", "112233"}, {"00000000", "12345678", "0000", "1234"},
				{"test", "TEST", "debug", "master"}, {"0000000000", "AAAAAAAAAA", "undefined", "NaN"},
			} {
				n++
				k := manyPeers(k, n).as(onDevice(fmt.Sprint("device ", n)))
				if n%2 == 0 { // with a code that is out, and without
					k.send(email)
					synctest.Wait()
				}
				for _, code := range codes {
					mine := k.mails.count() > 0 && k.mails.last().Code == code
					if a := k.login(email, code); a.code() != codeRefused && !mine {
						t.Errorf("%s with %s: %d %s", email, code, a.status, a.body)
					}
				}
			}
			k.pass(time.Hour)
		}
	})
}

// Other ways to the one that compares codes lead nowhere: with the right code
// in hand none of them logs in, and none of them counts as a guess.
func TestAbuse_C24_oneWayIn(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		code := k.code("ann@b.example")
		right := object("email", "ann@b.example", "verify_code", code)
		n := 0
		refused := func(what string, ask func(k *kit) answer) {
			t.Helper()
			n++
			a := ask(k.as(from(fmt.Sprintf("10.%d.%d.1", n>>8, n&255))))
			if a.status < 300 || strings.Contains(string(a.body), `_token":`) || a.header.Get("Set-Cookie") != "" || a.code() == codeRefused {
				t.Errorf("%s: %d %v %s", what, a.status, a.header, a.body)
			}
		}
		for _, path := range respelt(loginPath) {
			refused("the path "+path, func(k *kit) answer { return k.speak("POST "+path, k.rawHeaders(), right) })
		}
		for route := range routes {
			if route != loginPath {
				refused("at "+route, func(k *kit) answer {
					return k.do(k.request("POST", strings.Replace(route, "{id}", "x", 1), right))
				})
			}
		}
		for _, path := range []string{"/login", "/verify", "/api/v1/sdk/login/email-verify-code", "/api/v2/sdk/login/sms-verify-code", "/api/v2/sdk/login", "/api/v2/sdk/email/verify"} {
			refused("at "+path, func(k *kit) answer { return k.do(k.request("POST", path, right)) })
		}
		for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "post", "POST2"} {
			refused("by "+method, func(k *kit) answer {
				r := k.request(method, loginPath, right)
				r.Header.Set("X-HTTP-Method-Override", "POST")
				if method == "CONNECT" { // which has a form of its own
					return k.speak("CONNECT "+loginPath, k.rawHeaders(), right)
				}
				return k.do(r)
			})
		}
		form := "email=ann%40b.example&verify_code=" + code
		for contentType, body := range map[string]string{
			"": right, "text/plain": right, "text/json": right, "application/x-www-form-urlencoded": form, "application/xml": right,
			"multipart/form-data; boundary=b": "--b\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\nann@b.example\r\n--b--\r\n",
			"application/grpc":                right, "application/json; charset=utf-16": right,
		} {
			refused("as "+contentType, func(k *kit) answer {
				r := k.request("POST", loginPath, body)
				r.Header.Set("Content-Type", contentType)
				return k.do(r)
			})
		}
		refused("by the query", func(k *kit) answer { return k.do(k.request("POST", loginPath+"?"+form, "{}")) })

		// HTTP/1.0 is the same way: the same guesses are counted there.
		old := func(typed string) answer {
			n++
			k := k.as(from(fmt.Sprintf("10.%d.%d.1", n>>8, n&255)))
			return k.speakAs("HTTP/1.0", "POST "+loginPath, k.rawHeaders(), object("email", "ann@b.example", "verify_code", typed))
		}
		for range 4 {
			if a := old(wrong(code)); a.code() != codeRefused {
				t.Errorf("a wrong code by HTTP/1.0: %d %s", a.status, a.body)
			}
		}
		if a := k.login("ann@b.example", code); a.status != http.StatusOK {
			t.Errorf("the right code as the fifth guess: %s", a.body)
		}
		if a := old(code); a.code() != codeRefused {
			t.Errorf("the used code by HTTP/1.0: %d %s", a.status, a.body)
		}
	})
}
