package auth

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Whatever stands in the three headers that can carry a session_token, a token
// that is accepted is the one spelling of 32 bytes, stands there in full, and
// there is no other beside it.
func FuzzTokens(f *testing.F) {
	one, other := strings.Repeat("A", 43), strings.Repeat("B", 42)+"A"
	for _, seed := range [][3]string{
		{"", "", ""}, {"__Host-mailkey=" + one, "", ""}, {"", one, ""}, {"", "", "Bearer " + one}, {"", "", "bearer  " + one + " "},
		{"__Host-mailkey=" + one + "; __Host-mailkey=" + one, "", ""}, {"__Host-mailkey=" + one, other, ""}, {"", one, "Bearer " + other},
		{`__Host-mailkey="` + one + `"`, "", ""}, {"__host-mailkey=" + one, "", ""}, {"a=b; __Host-mailkey =" + one, "", ""},
		{"__Host-mailkey=" + one + "=", "", ""}, {"__Host-mailkey=" + one[:42] + "B", "", ""}, {"", one + "\n", ""}, {"", "", "Basic " + one},
		{"", one + "\n" + one, "Bearer " + one + "\nBearer " + one}, {strings.Repeat("a=;", 4000), "", "Bearer"}, {"$Version=1; __Host-mailkey=" + one, "", ""},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	lines := func(s string) []string {
		if s == "" {
			return nil
		}
		return strings.Split(s, "\n")
	}
	a := &Auth{}
	f.Fuzz(func(t *testing.T, cookie, token, authorization string) {
		r := &http.Request{Header: http.Header{"Cookie": lines(cookie), "Session-Token": lines(token), "Authorization": lines(authorization)}}
		got, byCookie, ok := a.tokenOf(r)
		if !ok && got != "" || got == "" && byCookie {
			t.Fatalf("%q: got %q, by cookie %v, ok %v", r.Header, got, byCookie, ok)
		}
		accepted := func(by, token string, ok bool, in ...string) {
			if !ok {
				return
			}
			raw, err := base64.RawURLEncoding.DecodeString(token)
			if err != nil || len(raw) != 32 || base64.RawURLEncoding.EncodeToString(raw) != token {
				t.Errorf("%s, %q: %q was accepted", by, r.Header, token)
			}
			if !strings.Contains(strings.Join(in, "\n"), token) {
				t.Errorf("%s, %q: %q comes from nowhere", by, r.Header, token)
			}
		}
		accepted("the app's own routes", got, got != "", cookie, token, authorization)
		byHeader, ok := a.sessionToken(r, Client{})
		accepted("a header client", byHeader, ok, token, authorization)
		inCookie, ok := a.sessionToken(r, Client{Cookie: true})
		accepted("a cookie client", inCookie, ok, cookie)
		if got == "" {
			return
		}
		// With another token anywhere, it is nobody's.
		for _, name := range []string{"Cookie", "Session-Token", "Authorization"} {
			second := r.Clone(t.Context())
			second.Header[name] = append(slices.Clone(r.Header[name]), map[string]string{
				"Cookie": "__Host-mailkey=" + other, "Session-Token": other, "Authorization": "Bearer " + other,
			}[name])
			if again, _, ok := a.tokenOf(second); ok && got != other {
				t.Errorf("%q: %q was accepted beside another", second.Header, again)
			}
		}
	})
}
