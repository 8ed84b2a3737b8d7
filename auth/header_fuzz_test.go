package auth_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"example.com/mailkey/auth"
	"example.com/mailkey/captcha"
	"example.com/mailkey/storage/memory"
)

// safeHeaders are all that a response may carry, and what is in them.
var safeHeaders = map[string]*regexp.Regexp{
	"Allow":                  regexp.MustCompile(`^(GET|POST|GET, POST|GET, HEAD)$`),
	"Cache-Control":          regexp.MustCompile(`^(no-store|public, max-age=300)$`),
	"Connection":             regexp.MustCompile(`^close$`),
	"Content-Type":           regexp.MustCompile(`^(application/json; charset=utf-8|audio/wav)$`),
	"Etag":                   regexp.MustCompile(`^"[A-Za-z0-9_-]{16}"$`),
	"Retry-After":            regexp.MustCompile(`^[1-9][0-9]{0,3}$`),
	"Set-Cookie":             regexp.MustCompile(`^__Host-mailkey=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax$`),
	"X-Content-Type-Options": regexp.MustCompile(`^nosniff$`),
}

// Whatever bytes stand in a request's headers, it is answered, not with a
// fault, and with nothing that came from them.
func FuzzHeaders(f *testing.F) {
	conf := auth.Config{
		Store: memory.New(), Mailer: &mailbox{}, Secret: testSecret, Issuer: "https://app.example/auth", SigningAlgorithm: auth.ES256,
		Clients:  []auth.Client{{ID: "app"}, {ID: "web", Cookie: true}},
		Captchas: []captcha.Engine{captcha.ProofOfWork(1), captcha.Digits()},
		Logger:   slog.New(slog.DiscardHandler), TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	}
	a, err := auth.New(conf)
	if err != nil {
		f.Fatal(err)
	}
	handler := recorded(a.Handler(), conf)
	var served atomic.Uint32
	var errorBodies []string
	for _, r := range auth.Reasons() {
		for _, lang := range a.Languages() {
			body, _ := json.Marshal(map[string]string{"error_code": string(r), "error_msg": a.Text(lang, r)})
			errorBodies = append(errorBodies, string(body)+"\n")
		}
	}
	names := []string{
		"X-Operating-Sys-Version", "X-Device-Fingerprint", "X-Agent", "X-Client-Id", "X-Device-Ip", "X-L", "Accept-Language", "Content-Type",
		"Content-Encoding", "X-Forwarded-For", "Origin", "Sec-Fetch-Site", "Session-Token", "Authorization", "Cookie", "If-None-Match",
	}
	requests := []struct{ method, path, body string }{
		{"GET", captchaPath, ""},
		{"GET", captchaPath + "/audio?token=x", ""},
		{"POST", verifyPath, `{"token":"x","sender":"ann@b.example","captcha_code":"1"}`},
		{"POST", sendPath, `{"email":"ann@b.example","type":"LOGIN_EMS","captcha_token":"x"}`},
		{"POST", loginPath, `{"email":"ann@b.example","verify_code":"123456"}`},
		{"GET", logoutPath, ""},
		{"POST", logoutPath, ""},
		{"GET", keysPath, ""},
		{"GET", "/auth" + discoveryPath, ""},
		{"GET", "/nowhere", ""},
		{"DELETE", loginPath, ""},
	}
	fine := []string{"windows10.1.1", "156aysdna213sc50", "Mozilla/5.0", "app", "192.0.2.7", "zh", "en", "application/json"}
	with := func(i int, value string) []byte {
		values := slices.Clone(fine)
		for len(values) <= i {
			values = append(values, "")
		}
		values[i] = value
		return []byte(strings.Join(values, "\n"))
	}
	for i := range requests {
		f.Add(uint8(i), "x", []byte(strings.Join(fine, "\n")))
	}
	for i, values := range [][]string{
		{"", "\x00", "\x1b[31m"}, {"", "\xff\xfe", strings.Repeat("f", 129)}, {"\u0085", "a\tb", "<script>"}, {"web", "nobody", "../app"},
		{"::1%eth0", "localhost"}, {"zh_Hans", "../../etc", "x-y", "i-klingon"}, {"*;q=0", ",,,"}, {"application/json; charset=utf8", "text/plain", ";"},
		{"gzip"}, {"198.51.100.7, unknown"}, {"null", "https://evil.example"}, {"cross-site"}, {strings.Repeat("A", 43), "\r\nX: y"},
		{"Bearer " + strings.Repeat("A", 43), "Basic x"}, {"__Host-mailkey=" + strings.Repeat("A", 43), "__Host-mailkey=\"x\";;"}, {`"x"`, "*"},
	} {
		for j, v := range values {
			f.Add(uint8(i*3+j), "X-Forwarded-Host", with(i, v))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, extra string, raw []byte) {
		row := requests[int(which)%len(requests)]
		r := httptest.NewRequest(row.method, row.path, strings.NewReader(row.body))
		n := served.Add(1) // from a new network each time, or all of it would be limited
		r.RemoteAddr = fmt.Sprintf("10.%d.%d.1:80", n>>8&255, n&255)
		r.Header = make(http.Header)
		for i, value := range strings.Split(string(raw), "\n") {
			switch {
			case value == "":
			case i < len(names):
				r.Header[names[i]] = []string{value}
			default: // a repeated header, or one that nobody knows
				r.Header[names[i%len(names)]] = append(r.Header[names[i%len(names)]], value)
				r.Header[http.CanonicalHeaderKey(extra)] = []string{value}
			}
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		res := w.Result()
		if res.StatusCode >= 500 {
			t.Fatalf("%s %s with %q: %d %s", row.method, row.path, r.Header, res.StatusCode, w.Body)
		}
		for name, values := range res.Header {
			if safe := safeHeaders[name]; safe == nil || len(values) != 1 || !safe.MatchString(values[0]) {
				t.Fatalf("%s %s with %q: %s: %q", row.method, row.path, r.Header, name, values)
			}
		}
		if res.StatusCode >= 400 && !slices.Contains(errorBodies, w.Body.String()) {
			t.Fatalf("%s %s with %q: %d %s", row.method, row.path, r.Header, res.StatusCode, w.Body)
		}
		if res.Header.Get("Content-Type") == "" || res.Header.Get("X-Content-Type-Options") == "" || res.Header.Get("Cache-Control") == "" {
			t.Fatalf("%s %s with %q: headers %q", row.method, row.path, r.Header, res.Header)
		}
	})
}
