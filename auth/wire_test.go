package auth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/storage"
	"example.com/mailkey/storage/memory"
)

var update = flag.Bool("update", false, "write the golden files anew")

// wire has at least one row for each reason that a request of the login flow
// can be refused for. What the client sees, in both languages, is in
// testdata/wire.golden.
var wire = []struct {
	name   string
	want   auth.Reason
	change func(*auth.Config)
	play   func(k *kit) answer
}{
	{"a path that does not exist", auth.ReasonNotFound, nil, func(k *kit) answer { return k.get("/api/v2/sdk/nothing") }},
	{"a path with a slash too many", auth.ReasonNotFound, nil, func(k *kit) answer { return k.get(captchaPath + "/") }},
	{"an escaped path", auth.ReasonNotFound, nil, func(k *kit) answer { return k.get("/api/v2/sdk/%63aptcha") }},
	{"GET where POST is due", auth.ReasonMethod, nil, func(k *kit) answer { return k.get(loginPath) }},
	{"POST where GET is due", auth.ReasonMethod, nil, func(k *kit) answer { return k.post(captchaPath) }},
	{"PUT", auth.ReasonMethod, nil, func(k *kit) answer { return k.do(k.request("PUT", logoutPath, "")) }},
	{"a cross-site request", auth.ReasonCrossOrigin, nil, withHeader("Sec-Fetch-Site", "cross-site")},
	{"a request of a sibling site", auth.ReasonCrossOrigin, nil, withHeader("Sec-Fetch-Site", "same-site")},
	{"a request of another origin", auth.ReasonCrossOrigin, nil, withHeader("Origin", "https://evil.example")},
	{"a request without an origin to speak of", auth.ReasonCrossOrigin, nil, withHeader("Origin", "null")},
	{"a form", auth.ReasonContentType, nil, withHeader("Content-Type", "application/x-www-form-urlencoded")},
	{"text", auth.ReasonContentType, nil, withHeader("Content-Type", "text/plain")},
	{"no content type", auth.ReasonContentType, nil, withHeader("Content-Type", "")},
	{"another charset", auth.ReasonContentType, nil, withHeader("Content-Type", "application/json; charset=utf-16")},
	{"a compressed body", auth.ReasonContentType, nil, withHeader("Content-Encoding", "gzip")},
	{"a body declared too large", auth.ReasonTooLarge, nil, func(k *kit) answer {
		return k.post(loginPath, "email", strings.Repeat("x", 9000))
	}},
	{"a body that gets too large", auth.ReasonTooLarge, nil, func(k *kit) answer {
		r := k.request("POST", loginPath, "{}")
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(strings.Repeat(" ", 9000))), -1
		return k.do(r)
	}},
	{"a body that does not come", auth.ReasonTimeout, nil, func(k *kit) answer {
		r := k.request("POST", loginPath, "{}")
		body, w := io.Pipe()
		k.Cleanup(func() { _ = w.Close() })
		r.Body, r.ContentLength = body, 10
		return k.do(r)
	}},
	{"no system version", auth.ReasonDevice, nil, withHeader("X-Operating-Sys-Version", "")},
	{"no fingerprint", auth.ReasonDevice, nil, withHeader("X-Device-Fingerprint", "")},
	{"no agent", auth.ReasonDevice, nil, withHeader("X-Agent", " ")},
	{"a fingerprint that is too long", auth.ReasonDevice, nil, withHeader("X-Device-Fingerprint", strings.Repeat("f", 129))},
	{"an agent that is not UTF-8", auth.ReasonDevice, nil, withHeader("X-Agent", "\xff")},
	{"an agent with a tab", auth.ReasonDevice, nil, withHeader("X-Agent", "a\tb")},
	{"an agent with a control character", auth.ReasonDevice, nil, withHeader("X-Agent", "a\u0085b")},
	{"a device address that is none", auth.ReasonDevice, nil, withHeader("X-Device-Ip", "localhost")},
	{"a language that is none", auth.ReasonDevice, nil, func(k *kit) answer {
		r := k.request("POST", loginPath, "{}")
		r.Header.Set("Accept-Language", k.lang)
		r.Header.Set("X-L", "../../etc")
		return k.do(r)
	}},
	{"a client id twice", auth.ReasonDevice, nil, func(k *kit) answer {
		r := k.request("POST", loginPath, "{}")
		r.Header.Add("X-Client-Id", "app")
		return k.do(r)
	}},
	{"a content type twice", auth.ReasonDevice, nil, func(k *kit) answer {
		r := k.request("POST", loginPath, "{}")
		r.Header.Add("Content-Type", "application/json")
		return k.do(r)
	}},
	{"no client id", auth.ReasonClientEmpty, nil, withHeader("X-Client-Id", "")},
	{"an unknown client id", auth.ReasonClientUnknown, nil, withHeader("X-Client-Id", "nobody")},
	{"a client id like a path", auth.ReasonClientUnknown, nil, withHeader("X-Client-Id", "../app")},
	{"too many requests of a peer", auth.ReasonLimit, nil, func(k *kit) answer {
		for range 30 {
			k.login("ann@b.example", "000000")
		}
		return k.do(k.request("POST", loginPath, "not even JSON"))
	}},
	{"no body", auth.ReasonMalformed, nil, withBody("")},
	{"no object", auth.ReasonMalformed, nil, withBody(`[]`)},
	{"null", auth.ReasonMalformed, nil, withBody(`null`)},
	{"a field twice", auth.ReasonMalformed, nil, withBody(`{"email":"a@b.example","email":"a@b.example","verify_code":"1"}`)},
	{"a field in capitals", auth.ReasonMalformed, nil, withBody(`{"Email":"a@b.example","verify_code":"1"}`)},
	{"a field that is not known", auth.ReasonMalformed, nil, withBody(`{"email":"a@b.example","verify_code":"1","user_id":"1"}`)},
	{"a number", auth.ReasonMalformed, nil, withBody(`{"email":"a@b.example","verify_code":123456}`)},
	{"an array", auth.ReasonMalformed, nil, withBody(`{"email":["a@b.example","c@d.example"],"verify_code":"1"}`)},
	{"two documents", auth.ReasonMalformed, nil, withBody(`{"email":"a@b.example","verify_code":"1"}{}`)},
	{"invalid UTF-8", auth.ReasonMalformed, nil, withBody("{\"email\":\"\xff@b.example\",\"verify_code\":\"1\"}")},
	{"a lone surrogate", auth.ReasonMalformed, nil, withBody(`{"email":"\ud800@b.example","verify_code":"1"}`)},
	{"a NUL", auth.ReasonMalformed, nil, withBody(`{"email":"\u0000@b.example","verify_code":"1"}`)},
	{"email in both spellings", auth.ReasonMalformed, nil, withBody(`{"email":"a@b.example","emial":"a@b.example","verify_code":"1"}`)},
	{"verify: no answer", auth.ReasonMalformed, nil, func(k *kit) answer {
		return k.post(verifyPath, "token", "x", "sender", "a@b.example")
	}},
	{"verify: both answers", auth.ReasonMalformed, nil, func(k *kit) answer {
		return k.post(verifyPath, "token", "x", "sender", "a@b.example", "captcha_code", "1", "point_json", "{}")
	}},
	{"login: no email", auth.ReasonEmailEmpty, nil, withBody(`{"verify_code":"1"}`)},
	{"login: an empty emial", auth.ReasonEmailEmpty, nil, withBody(`{"emial":"","verify_code":"1"}`)},
	{"send: no email", auth.ReasonEmailEmpty, nil, func(k *kit) answer { return k.post(sendPath) }},
	{"verify: no sender", auth.ReasonEmailEmpty, nil, func(k *kit) answer {
		return k.post(verifyPath, "token", "x", "captcha_code", "1")
	}},
	{"login: no address", auth.ReasonEmail, nil, withBody(`{"email":"Ann <ann@b.example>","verify_code":"1"}`)},
	{"send: no address", auth.ReasonEmail, nil, func(k *kit) answer { return k.post(sendPath, "email", "a@localhost") }},
	{"verify: no address", auth.ReasonEmail, nil, func(k *kit) answer {
		return k.post(verifyPath, "token", "x", "sender", "ann@b.example\r\nBcc: c@d.example", "captcha_code", "1")
	}},
	{"send: another type", auth.ReasonCodeType, nil, func(k *kit) answer {
		return k.post(sendPath, "email", "a@b.example", "type", "REGISTER_EMS", "captcha_token", k.ticket("a@b.example"))
	}},
	{"send: no type", auth.ReasonCodeType, nil, func(k *kit) answer { return k.post(sendPath, "email", "a@b.example") }},
	{"verify: an unknown captcha", auth.ReasonCaptcha, nil, func(k *kit) answer {
		return k.post(verifyPath, "token", "x", "sender", "a@b.example", "captcha_code", "1")
	}},
	{"verify: a wrong answer, then the right one", auth.ReasonCaptcha, nil, func(k *kit) answer {
		token, code := k.solve()
		k.post(verifyPath, "token", token, "sender", "a@b.example", "point_json", code)
		return k.post(verifyPath, "token", token, "sender", "a@b.example", "captcha_code", code)
	}},
	{"verify: a slider left where it was", auth.ReasonCaptcha, withSlider, func(k *kit) answer {
		token, _ := k.slide()
		return k.post(verifyPath, "token", token, "sender", "a@b.example", "point_json", `{"x":0.0,"y":5.0}`)
	}},
	{"verify: a slider answered like digits", auth.ReasonCaptcha, withSlider, func(k *kit) answer {
		token, x := k.slide()
		return k.post(verifyPath, "token", token, "sender", "a@b.example", "captcha_code", strconv.Itoa(x))
	}},
	{"verify: both answers to a slider", auth.ReasonMalformed, withSlider, func(k *kit) answer {
		token, x := k.slide()
		return k.post(verifyPath, "token", token, "sender", "a@b.example", "captcha_code", strconv.Itoa(x), "point_json", pointAt(x))
	}},
	{"verify: an expired captcha", auth.ReasonCaptcha, nil, func(k *kit) answer {
		token, code := k.solve()
		time.Sleep(2 * time.Minute)
		return k.post(verifyPath, "token", token, "sender", "a@b.example", "captcha_code", code)
	}},
	{"verify: too many wrong answers", auth.ReasonLimit, nil, func(k *kit) answer {
		for range 10 {
			k.post(verifyPath, "token", "x", "sender", "a@b.example", "captcha_code", "1")
		}
		token, code := k.solve()
		return k.post(verifyPath, "token", token, "sender", "a@b.example", "captcha_code", code)
	}},
	{"audio of a slider", auth.ReasonCaptcha, withSlider, func(k *kit) answer {
		token, _ := k.slide()
		return k.get(captchaPath + "/audio?token=" + token)
	}},
	{"audio of no captcha", auth.ReasonCaptcha, nil, func(k *kit) answer { return k.get(captchaPath + "/audio?token=x") }},
	{"send: no captcha_token", auth.ReasonCaptcha, nil, send("a@b.example", "")},
	{"send: a made-up captcha_token", auth.ReasonCaptcha, nil, send("a@b.example", `id---{"x":1.0,"y":5.0}`)},
	{"send: a captcha_token for the second time", auth.ReasonCaptcha, nil, func(k *kit) answer {
		ticket := k.ticket("a@b.example")
		send("a@b.example", ticket)(k)
		return send("a@b.example", ticket)(k)
	}},
	{"send: an expired captcha_token", auth.ReasonCaptcha, nil, func(k *kit) answer {
		ticket := k.ticket("a@b.example")
		time.Sleep(2 * time.Minute)
		return send("a@b.example", ticket)(k)
	}},
	{"send: a captcha_token for another address", auth.ReasonCaptcha, nil, func(k *kit) answer {
		ticket := k.ticket("a@b.example")
		first := send("c@d.example", ticket)(k)
		if second := send("a@b.example", ticket)(k); second.code() != first.code() {
			k.Errorf("it was not spent: %s", second.code())
		}
		return first
	}},
	{"send: a captcha_token of another client", auth.ReasonCaptcha, nil, func(k *kit) answer {
		ticket := k.ticket("a@b.example")
		return send("a@b.example", ticket)(k.as(func(k *kit) { k.client = "other" }))
	}},
	{"send: a captcha_token of another device", auth.ReasonCaptcha, nil, func(k *kit) answer {
		ticket := k.ticket("a@b.example")
		return send("a@b.example", ticket)(k.as(onDevice("another")))
	}},
	{"send: the outbox is full", auth.ReasonNotSent, func(c *auth.Config) {
		c.Limits.MaxPendingMails = 1
		c.Mailer = &mailbox{fail: func(int) error { return errors.New("down") }}
	}, func(k *kit) answer {
		k.send("a@b.example")
		return k.send("c@d.example")
	}},
	{"send: the relay is failing", auth.ReasonNotSent, func(c *auth.Config) {
		c.Mailer = &mailbox{fail: func(int) error { return errors.New("down") }}
	}, func(k *kit) answer {
		for i := range 10 {
			other := k.as(func(k *kit) { k.peer = fmt.Sprintf("198.51.%d.1", i) })
			other.send(strconv.Itoa(i) + "@b.example")
		}
		synctest.Wait()
		return k.send("a@b.example")
	}},
	{"send: nobody delivers", auth.ReasonNotSent, nil, func(k *kit) answer {
		k.conf.Store = memory.New()
		k.restart()
		return k.send("a@b.example")
	}},
	{"send: the address had a mail just now", auth.ReasonLimit, nil, func(k *kit) answer {
		k.send("a@b.example")
		return k.send("a@b.example")
	}},
	{"login: no code", auth.ReasonCodeEmpty, nil, withBody(`{"email":"a@b.example"}`)},
	{"login: a blank code", auth.ReasonCodeEmpty, nil, withBody(`{"email":"a@b.example","verify_code":"  "}`)},
	{"login: nothing was sent", auth.ReasonCode, nil, withBody(`{"email":"a@b.example","verify_code":"123456"}`)},
	{"login: a wrong code", auth.ReasonCode, nil, func(k *kit) answer {
		return k.login("a@b.example", wrong(k.code("a@b.example")))
	}},
	{"login: a used code", auth.ReasonCode, nil, func(k *kit) answer {
		code := k.code("a@b.example")
		k.login("a@b.example", code)
		return k.login("a@b.example", code)
	}},
	{"login: an expired code", auth.ReasonCode, nil, func(k *kit) answer {
		code := k.code("a@b.example")
		time.Sleep(10 * time.Minute)
		return k.login("a@b.example", code)
	}},
	{"login: an exhausted code", auth.ReasonCode, nil, func(k *kit) answer {
		code := k.code("a@b.example")
		for range 5 {
			k.login("a@b.example", wrong(code))
		}
		return k.login("a@b.example", code)
	}},
	{"login: the code of another device", auth.ReasonCode, nil, func(k *kit) answer {
		code := k.code("a@b.example")
		return k.as(onDevice("another")).login("a@b.example", code)
	}},
	{"login: right code, no user, registration closed", auth.ReasonUserUnknown, func(c *auth.Config) {
		c.Registration = auth.RegistrationClosed
	}, func(k *kit) answer { return k.login("a@b.example", k.code("a@b.example")) }},
	{"login: right code, disabled user", auth.ReasonUserDisabled, nil, func(k *kit) answer {
		k.login("a@b.example", k.code("a@b.example"))
		user, _, err := k.conf.Store.UserByEmail(k.Context(), "a@b.example")
		if err == nil {
			_, err = k.conf.Store.SetUserDisabled(k.Context(), user.ID, time.Now())
		}
		if err != nil {
			k.Fatal(err)
		}
		time.Sleep(time.Minute)
		return k.login("a@b.example", k.code("a@b.example"))
	}},
	{"login: the store is broken", auth.ReasonBusy, func(c *auth.Config) {
		c.Store = &failingStore{Store: c.Store}
	}, func(k *kit) answer {
		code := k.code("a@b.example")
		k.conf.Store.(*failingStore).broken = true
		return k.login("a@b.example", code)
	}},
	{"logout: no token", auth.ReasonSessionInvalid, nil, func(k *kit) answer { return k.get(logoutPath) }},
	{"logout: a dead token", auth.ReasonSessionInvalid, nil, func(k *kit) answer {
		r := k.request("GET", logoutPath, "")
		r.Header.Set("Session-Token", strings.Repeat("A", 43))
		return k.do(r)
	}},
}

func withHeader(name, value string) func(*kit) answer {
	return func(k *kit) answer {
		r := k.request("POST", loginPath, `{"email":"a@b.example","verify_code":"1"}`)
		r.Header.Del(name)
		if value != "" {
			r.Header.Set(name, value)
		}
		return k.do(r)
	}
}

func withBody(body string) func(*kit) answer {
	return func(k *kit) answer { return k.do(k.request("POST", loginPath, body)) }
}

func send(email, ticket string) func(*kit) answer {
	return func(k *kit) answer {
		k.Helper()
		return k.post(sendPath, "email", email, "type", "LOGIN_EMS", "captcha_token", ticket)
	}
}

// failingStore cannot redeem codes.
type failingStore struct {
	storage.Store
	broken bool
}

func (s *failingStore) Redeem(ctx context.Context, g storage.Guess, l storage.AddressLimits, now time.Time) (storage.Redeemed, error) {
	if s.broken {
		return storage.Redeemed{}, errors.New("the disk is gone")
	}
	return s.Store.Redeem(ctx, g, l, now)
}

func TestWire(t *testing.T) {
	t.Parallel()
	var golden bytes.Buffer
	covered := make(map[auth.Reason]bool)
	for _, row := range wire {
		covered[row.want] = true
		for _, lang := range []string{"en", "zh"} {
			play(t, row.change, func(k *kit) {
				k.lang = lang
				a := row.play(k)
				if a.code() != string(row.want) {
					t.Errorf("%s: %d %s, want %s\n%s", row.name, a.status, a.body, row.want, k.log)
				}
				checkHeaders(t, row.name, a)
				fmt.Fprintf(&golden, "%s (%s)\n%s\n", row.name, lang, seen(a))
			})
		}
	}
	for _, r := range auth.Reasons() {
		if !covered[r] && r != auth.ReasonNotSignedIn { // belongs to reading one's own sessions
			t.Errorf("no row is refused for %s", r)
		}
	}
	compareGolden(t, "testdata/wire.golden", golden.Bytes())
}

// checkHeaders checks what every answer must carry.
func checkHeaders(t *testing.T, name string, a answer) {
	t.Helper()
	for header, want := range map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Content-Type": "application/json; charset=utf-8",
	} {
		if got := a.header.Get(header); got != want {
			t.Errorf("%s: %s is %q, want %q", name, header, got, want)
		}
	}
	if a.status == 405 && a.header.Get("Allow") == "" {
		t.Errorf("%s: 405 without Allow", name)
	}
	if wait := a.header.Get("Retry-After"); a.status == 429 && wait == "" {
		t.Errorf("%s: 429 without Retry-After", name)
	}
}

// seen is an answer as a golden file has it.
func seen(a answer) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d\n", a.status)
	for _, name := range []string{"Allow", "Set-Cookie", "WWW-Authenticate"} {
		if v := a.header.Get(name); v != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, v)
		}
	}
	if a.header.Get("Retry-After") != "" {
		fmt.Fprintf(&b, "Retry-After: …\n")
	}
	b.Write(a.body)
	return b.String()
}

func compareGolden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what was answered; run go test -update and look at the difference", file)
	}
}

// TestOrderOfChecks makes a request that is wrong in every way and mends one
// thing after the other.
func TestOrderOfChecks(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		for range 30 {
			k.login("a@b.example", "000000")
		}
		r := k.request("GET", "/api/v2/sdk/login", "")
		r.Header = http.Header{"Sec-Fetch-Site": {"cross-site"}, "X-L": {"en"}, "X-Forwarded-For": {"192.0.2.1"}}
		body := strings.Repeat("x", 9000)
		for _, step := range []struct {
			mend func()
			want auth.Reason
		}{
			{func() {}, auth.ReasonNotFound},
			{func() { r.URL.Path = loginPath }, auth.ReasonMethod},
			{func() { r.Method = "POST" }, auth.ReasonCrossOrigin},
			{func() { r.Header.Set("Sec-Fetch-Site", "same-origin") }, auth.ReasonContentType},
			{func() { r.Header.Set("Content-Type", "application/json;charset=utf8") }, auth.ReasonTooLarge},
			{func() { body = "{}x" }, auth.ReasonDevice},
			{func() {
				for _, h := range []string{"X-Operating-Sys-Version", "X-Device-Fingerprint", "X-Agent"} {
					r.Header.Set(h, "x")
				}
			}, auth.ReasonClientEmpty},
			{func() { r.Header.Set("X-Client-Id", "nobody") }, auth.ReasonClientUnknown},
			{func() { r.Header.Set("X-Client-Id", "app") }, auth.ReasonLimit},
			{func() { time.Sleep(5 * time.Minute) }, auth.ReasonMalformed},
			{func() { body = "{}" }, auth.ReasonEmailEmpty},
			{func() { body = `{"email":"a@b"}` }, auth.ReasonEmail},
			{func() { body = `{"email":"a@b.example"}` }, auth.ReasonCodeEmpty},
			{func() { body = `{"email":"a@b.example","verify_code":"1"}` }, auth.ReasonCode},
		} {
			step.mend()
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
			if a := k.do(r); a.code() != string(step.want) {
				t.Fatalf("%d %s, want %s", a.status, a.body, step.want)
			}
		}
	})
}

// The fifteen fields of the API family, and the three that are ours.
func TestCaptchaReply(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		for _, row := range []struct{ query, kind string }{
			{"", "pow"}, {"?type=digits", "digits"}, {"?type=slider", "pow"}, {"?type=none", "pow"},
		} {
			a := k.get(captchaPath + row.query)
			var reply map[string]any
			if err := json.Unmarshal(a.body, &reply); err != nil || a.status != 200 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			if reply["captchaType"] != row.kind || reply["expire"] != 120.0 || reply["result"] != false || len(reply["token"].(string)) < 22 {
				t.Errorf("%s: %v", row.query, reply)
			}
			var null []string
			for name, v := range reply {
				if v == nil {
					null = append(null, name)
				}
			}
			if len(reply) != 18 || !slices.Contains(null, "secretKey") || !slices.Contains(null, "jigsawImageBase64") {
				t.Errorf("%s: %d fields, null: %v", row.query, len(reply), null)
			}
			if (row.kind == "pow") != slices.Contains(null, "originalImageBase64") || (row.kind == "pow") == slices.Contains(null, "pow") {
				t.Errorf("%s: null: %v", row.query, null)
			}
		}
	})
}
