package auth_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/auth"
)

func asWeb(k *kit) { k.client = "web" }

// cookieOf returns the one cookie of an answer.
func cookieOf(t *testing.T, a answer) *http.Cookie {
	t.Helper()
	cookies := (&http.Response{Header: a.header}).Cookies()
	if len(cookies) != 1 {
		t.Fatalf("%d cookies: %v", len(cookies), a.header)
	}
	return cookies[0]
}

func TestCookieClient(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		web := k.as(asWeb)
		a := web.login("ann@b.example", web.code("ann@b.example"))
		if a.status != 200 || strings.Contains(string(a.body), "session_token") || a.field(t, "id_token") == "" {
			t.Fatalf("%d %s", a.status, a.body)
		}
		cookie := cookieOf(t, a)
		if raw := a.header.Get("Set-Cookie"); cookie.Name != auth.CookieName || len(cookie.Value) != 43 ||
			!strings.HasSuffix(raw, "; Path=/; Max-Age=432000; HttpOnly; Secure; SameSite=Lax") {
			t.Errorf("%s", raw)
		}

		logout := func(method string, change func(*http.Request)) answer {
			r := web.request(method, logoutPath, "")
			r.AddCookie(&http.Cookie{Name: auth.CookieName, Value: cookie.Value})
			if change != nil {
				change(r)
			}
			return web.do(r)
		}
		for name, refused := range map[string]answer{
			"a link":               logout("GET", nil),
			"another site":         logout("POST", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }),
			"another cookie":       logout("POST", func(r *http.Request) { r.Header.Add("Cookie", auth.CookieName+"="+strings.Repeat("A", 43)) }),
			"as a header client":   logout("POST", func(r *http.Request) { r.Header.Set("X-Client-Id", "app") }),
			"the token in the URL": logout("POST", func(r *http.Request) { r.Header.Del("Cookie"); r.URL.RawQuery = "session-token=" + cookie.Value }),
			"the token in a header": logout("POST", func(r *http.Request) {
				r.Header.Del("Cookie")
				r.Header.Set("Session-Token", cookie.Value)
			}),
		} {
			if refused.status == 200 {
				t.Errorf("%s logged out", name)
			}
		}
		a = logout("POST", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin") })
		if a.status != 200 || string(a.body) != "{}" {
			t.Errorf("logout: %d %s", a.status, a.body)
		}
		if c := cookieOf(t, a); c.Value != "" || c.MaxAge != -1 || !c.Secure {
			t.Errorf("the cookie was not removed: %v", c)
		}
		if a := logout("POST", nil); a.code() != string(auth.ReasonSessionInvalid) {
			t.Errorf("logout again: %d %s", a.status, a.body)
		}
	})
}

func TestSessionLifetime(t *testing.T) {
	onEachStore(t, func(c *auth.Config) { c.SessionLifetime = time.Hour }, func(k *kit) {
		token := k.login("ann@b.example", k.code("ann@b.example")).field(t, "session_token")
		time.Sleep(time.Hour - time.Millisecond)
		if !k.alive(token) {
			t.Error("dead a millisecond before its end")
		}
		time.Sleep(time.Millisecond)
		if k.alive(token) {
			t.Error("alive at its end")
		}
	})
}

// Every token but the right one is refused: each character counts.
func TestLogoutTakesTheExactToken(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		token := k.login("ann@b.example", k.code("ann@b.example")).field(t, "session_token")
		tampered := []string{"", token[:42], token + "A", token + "=", strings.ToUpper(token), strings.ToLower(token), token + "\n"}
		for i := range token {
			other := byte('A')
			if token[i] == other {
				other = 'B'
			}
			tampered = append(tampered, token[:i]+string(other)+token[i+1:])
		}
		for _, value := range tampered {
			r := k.request("GET", logoutPath, "")
			r.Header["Session-Token"] = []string{strings.TrimRight(value, "\n")}
			if value == token+"\n" {
				r.Header["Session-Token"] = []string{token, value[:42]}
			}
			if a := k.do(r); a.code() != string(auth.ReasonSessionInvalid) {
				t.Errorf("%q: %s", value, a.body)
			}
		}
		if !k.alive(token) {
			t.Error("the session did not survive")
		}
	})
}
