package auth_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"example.com/mailkey/auth"
)

const goodLogin = `{"email":"ann@b.example","verify_code":"123456"}`

// claimHeaders are those that a client describes itself with.
var claimHeaders = []string{"X-operating-sys-version", "X-device-fingerprint", "X-agent", "X-client-id", "X-device-ip", "X-L"}

// No byte that is not printable gets from a header into the login.
func TestAbuse_E06_BytesInHeaders(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		for i, name := range claimHeaders {
			for j, bad := range []string{
				"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\x80", "\x00", "\x1b[31m", "\x07", "\t", "\x7f", "\v", "\f", "\r", "\u0085", "\u00ad", "\u200b", "\u202e",
				"\u2028", "\u2029", "\ufeff", "\ufff9", "\U000e0041",
			} {
				k := k.as(from(fmt.Sprintf("10.%d.%d.1", i, j)))
				lines := k.rawHeaders()
				lines[name] = name + ": a" + bad + "b\r\n"
				a := k.speak("POST "+loginPath, lines, goodLogin)
				if a.status != 400 || isOurs(a) && a.code() != string(auth.ReasonDevice) {
					t.Errorf("%s %q: %d %s", name, bad, a.status, a.body)
				}
			}
		}
		for line := range strings.Lines(k.log.String()) {
			if !utf8.ValidString(line) || strings.ContainsFunc(line[:len(line)-1], func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("the log has %q", line)
			}
		}
	})
}

func TestAbuse_E07_DeviceHeaders(t *testing.T) {
	t.Parallel()
	longest := map[string]int{
		"X-operating-sys-version": 64, "X-device-fingerprint": 128, "X-agent": 512, "X-client-id": 64, "X-device-ip": 64, "X-L": 16,
	}
	type row struct {
		line string
		want auth.Reason
	}
	play(t, func(c *auth.Config) { c.Clients = append(c.Clients, auth.Client{ID: strings.Repeat("c", 64)}) }, func(k *kit) {
		for i, name := range claimHeaders {
			optional := name == "X-device-ip" || name == "X-L"
			value := map[string]string{"X-client-id": "app", "X-device-ip": "192.0.2.9", "X-L": "en"}[name]
			if value == "" {
				value = "x"
			}
			missing := auth.ReasonDevice
			if optional {
				missing = auth.ReasonCode
			} else if name == "X-client-id" {
				missing = auth.ReasonClientEmpty
			}
			long := strings.Repeat("c", longest[name])
			longResult := auth.ReasonCode // it is accepted
			if optional {
				longResult = auth.ReasonDevice // there is no address or language so long
			}
			folded := auth.ReasonCode // two lines of one value are one value, with a space, by RFC 9112, 5.2
			if name == "X-client-id" {
				folded = auth.ReasonClientUnknown
			} else if optional {
				folded = auth.ReasonDevice
			}
			for j, r := range []row{
				{"", missing},
				{name + ":\r\n", missing},
				{name + ":  \t \r\n", missing},
				{name + ": " + value + "\r\n" + name + ": " + value + "\r\n", auth.ReasonDevice},
				{name + ": " + value + "\r\n" + strings.ToUpper(name) + ": y\r\n", auth.ReasonDevice},
				{name + ":\r\n" + name + ": " + value + "\r\n", auth.ReasonDevice},
				{name + ": " + long + "\r\n", longResult},
				{name + ": " + long + "c\r\n", auth.ReasonDevice},
				{name + ": " + strings.Repeat("x", 100_000) + "\r\n", auth.ReasonDevice},
				{name + ": a\r\n " + value + "\r\n", folded},
				{name + ": a\r\n\t" + value + "\r\n", folded},
			} {
				k := k.as(from(fmt.Sprintf("10.%d.%d.1", i, j)))
				lines := k.rawHeaders()
				lines[name] = r.line
				if a := k.speak("POST "+loginPath, lines, goodLogin); a.code() != string(r.want) {
					t.Errorf("%.60q: %d %s, want %s", r.line, a.status, a.body, r.want)
				}
			}
		}
	})
}

// Whose application it is cannot be talked around, nor one's codes and sessions
// used at another.
func TestAbuse_E18_Clients(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		for i, id := range []string{
			"App", "APP", "app.", "app/", "../app", "app/../app", "./app", "app%00", "a%70p", "*", "%", "app,other", "app other", "app;web", "nobody", "0", "null", "undefined", "' OR '1'='1",
		} {
			k := manyPeers(k, i).as(func(k *kit) { k.client = id })
			for _, a := range []answer{k.get(captchaPath), k.post(sendPath), k.login("ann@b.example", "123456"), k.get(logoutPath)} {
				if a.code() != string(auth.ReasonClientUnknown) {
					t.Errorf("%q: %d %s", id, a.status, a.body)
				}
			}
		}
		other := k.as(func(k *kit) { k.client = "other" })
		code := k.code("ann@b.example")
		if a := other.login("ann@b.example", code); a.code() != string(auth.ReasonCode) {
			t.Errorf("a code at another application: %s", a.body)
		}
		token := k.login("ann@b.example", code).field(t, "session_token")
		for _, client := range []string{"other", "web"} {
			k := k.as(func(k *kit) { k.client = client })
			if a := k.refresh(token); a.code() != string(auth.ReasonSessionInvalid) {
				t.Errorf("a session at %s: %s", client, a.body)
			}
		}
		if !k.alive(token) {
			t.Error("that ended the session")
		}
	})
}

// Nothing of a request comes back in the head of an answer, and of the body but
// what belongs there.
func TestAbuse_E21_NothingIsReflected(t *testing.T) {
	t.Parallel()
	const mark = "m4rk"
	play(t, twoOrigins, func(k *kit) {
		i := 0
		for _, path := range []string{captchaPath, verifyPath, sendPath, loginPath, logoutPath, keysPath, discoveryPath, "/nowhere/" + mark, loginPath + "?" + mark + "=" + mark} {
			for _, name := range append(claimHeaders, "Host", "Origin", "Referer", "Accept-Language", "Content-Type", "Cookie", "session-token", "Authorization",
				"X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "If-None-Match", "Access-Control-Request-Headers", "X-Request-Id", "X-HTTP-Method-Override") {
				for _, value := range []string{mark, "https://" + mark + ".example", mark + "%0d%0aSet-Cookie: " + mark, mark + "\u560d\u560aX: " + mark} {
					i++
					lines := k.as(from(fmt.Sprintf("10.%d.%d.1", i>>8, i&255))).rawHeaders()
					lines[name] = name + ": " + value + "\r\n"
					a := k.speak("POST "+path, lines, goodLogin)
					var head bytes.Buffer
					_ = a.header.Write(&head)
					if strings.Contains(head.String(), mark) || bytes.Contains(a.body, []byte(mark)) || a.status >= 500 || a.status < 200 {
						t.Errorf("%s, %s: %q: %d %s%s", path, name, value, a.status, &head, a.body)
					}
				}
			}
		}
	})
}
