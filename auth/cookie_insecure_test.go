package auth_test

import (
	"net/http"
	"strings"
	"testing"

	"example.com/mailkey/auth"
)

const loopback = "http://127.0.0.1:8080"

func insecureCookie(c *auth.Config) { c.Issuer, c.InsecureCookie = loopback, true }

// With InsecureCookie the cookie is one that every browser takes over http, and
// the one with the prefix is none.
func TestInsecureCookie(t *testing.T) {
	t.Parallel()
	play(t, insecureCookie, func(k *kit) {
		web := k.as(asWeb)
		a := web.login("ann@b.example", web.code("ann@b.example"))
		cookie := cookieOf(t, a)
		if raw := a.header.Get("Set-Cookie"); cookie.Name != auth.InsecureCookieName || len(cookie.Value) != 43 ||
			!strings.HasSuffix(raw, "; Path=/; Max-Age=432000; HttpOnly; SameSite=Lax") || strings.Contains(string(a.body), "session_token") {
			t.Errorf("%s %s", raw, a.body)
		}
		page := k.page(whoami)
		for _, row := range []struct{ name, header, value, want string }{
			{"the cookie", "Cookie", "mailkey=" + cookie.Value, claims(t, a.field(t, "id_token"))["sub"].(string)},
			{"with the prefix", "Cookie", cookieHeader + cookie.Value, "nobody"},
			{"in a header", "Session-Token", cookie.Value, "nobody"},
		} {
			if a := page.with(row.header, row.value); string(a.body) != row.want {
				t.Errorf("%s: %d %s, want %s", row.name, a.status, a.body, row.want)
			}
		}
		if a := page.with("Cookie", "mailkey="+cookie.Value+"; mailkey="+strings.Repeat("A", 43)); a.status != 401 {
			t.Errorf("two cookies: %d %s", a.status, a.body)
		}
		out := web.request("POST", logoutPath, "")
		out.AddCookie(&http.Cookie{Name: "mailkey", Value: cookie.Value})
		a = web.do(out)
		if c := cookieOf(t, a); a.status != 200 || c.Name != "mailkey" || c.Value != "" || c.MaxAge != -1 {
			t.Errorf("logout: %d %s %v", a.status, a.body, c)
		}
		if got := strings.Count(k.log.String(), "InsecureCookie"); got != 1 {
			t.Errorf("the log says so %d times, want once:\n%s", got, k.log)
		}
	})
}

func TestInsecureCookieOfALoopbackIssuerAlone(t *testing.T) {
	t.Parallel()
	for issuer, ok := range map[string]bool{
		"http://127.0.0.1:8080": true, "http://localhost": true, "http://[::1]:8080": true, "http://127.9.9.9": true,
		"http://localhost:8080/auth": true,

		"https://app.example": false, "https://localhost": false, "https://127.0.0.1:8443": false, "http://app.example": false,
		"http://192.168.0.1": false, "http://0.0.0.0:8080": false, "http://localhost.app.example": false, "http://[fe80::1]": false,
	} {
		_, err := auth.New(auth.Config{
			Store: openMemory(t), Mailer: &mailbox{}, Secret: testSecret, Issuer: issuer, InsecureIssuer: true,
			SigningAlgorithm: auth.ES256, Clients: []auth.Client{{ID: "web", Cookie: true}}, InsecureCookie: true,
		})
		if ok && err != nil || !ok && (err == nil || !strings.Contains(err.Error(), "InsecureCookie: ")) {
			t.Errorf("%s: %v", issuer, err)
		}
	}
}
