package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// broken are servers with one mistake each, and the rules that tell.
var broken = []struct {
	name  string
	spoil func(http.Handler) http.Handler
	want  []string
}{
	{"answers may be stored", answers(func(_ *http.Request, w *httptest.ResponseRecorder) {
		if w.Header().Get("Cache-Control") == "no-store" {
			w.Header().Del("Cache-Control")
		}
	}), []string{"every/no-store"}},
	{"types may be guessed", answers(func(_ *http.Request, w *httptest.ResponseRecorder) {
		w.Header().Del("X-Content-Type-Options")
	}), []string{"every/nosniff"}},
	{"no charset", answers(func(_ *http.Request, w *httptest.ResponseRecorder) {
		if w.Header().Get("Content-Type") != "audio/wav" {
			w.Header().Set("Content-Type", "application/json")
		}
	}), []string{"every/type"}},
	{"a refusal says more", answers(func(_ *http.Request, w *httptest.ResponseRecorder) {
		if w.Code == 400 {
			setMember(w, "request_id", "1")
		}
	}), []string{"every/refusal"}},
	{"a limit is 503", answers(func(_ *http.Request, w *httptest.ResponseRecorder) {
		if w.Code == 429 {
			w.Code = 503
		}
	}), []string{"every/refusal", "send/resend-after"}},
	{"429 without Retry-After", answers(func(_ *http.Request, w *httptest.ResponseRecorder) {
		w.Header().Del("Retry-After")
	}), []string{"every/retry-after"}},
	{"Chinese is answered in English", requests(func(r *http.Request) {
		if r.Header.Get("X-L") == "zh" {
			r.Header.Set("X-L", "en")
		}
	}), []string{"every/chinese", "request/language"}},
	{"another text", answers(func(_ *http.Request, w *httptest.ResponseRecorder) {
		replace(w, "Malformed request", "Bad request")
	}), []string{"every/english"}},

	{"Allow has a method too many", answers(func(_ *http.Request, w *httptest.ResponseRecorder) {
		if allow := w.Header().Get("Allow"); allow != "" {
			w.Header().Set("Allow", allow+", PUT")
		}
	}), []string{"request/method"}},
	{"pages of other origins are welcome", requests(func(r *http.Request) {
		r.Header.Del("Origin")
		r.Header.Del("Sec-Fetch-Site")
	}), []string{"cookie/cross-origin", "request/cross-origin", "request/order"}},
	{"repeated headers pass", requests(func(r *http.Request) {
		for name, values := range r.Header {
			r.Header[name] = values[:1]
		}
	}), []string{"request/device-once"}},
	{"the device is checked before the size", requests(func(r *http.Request) {
		if r.ContentLength > 8192 && r.Header.Get("X-Agent") == "" {
			setBody(r, "x")
		}
	}), []string{"request/order"}},
	{"any type of body will do", requests(func(r *http.Request) {
		if r.ContentLength != 0 {
			r.Header.Set("Content-Type", "application/json")
			r.Header.Del("Content-Encoding")
		}
	}), []string{"body/content-type", "request/order"}},
	{"a body may have any size", requests(func(r *http.Request) {
		setBody(r, strings.ReplaceAll(body(r), " ", ""))
	}), []string{"body/size", "request/order"}},
	{"the last of two members counts", requests(func(r *http.Request) { setBody(r, lastMembers(body(r))) }), []string{"body/members-once"}},

	{"a captcha lacks a field", answers(func(r *http.Request, w *httptest.ResponseRecorder) {
		if r.URL.Path == captchaPath {
			replace(w, `"wordList":null,`, "")
		}
	}), []string{"captcha/fields"}},
	{"a captcha can be answered twice", remembers(verifyPath), []string{"answer/once"}},
	{"a captcha_token works twice", remembers(sendPath), []string{"send/ticket-once"}},
	{"a captcha_token works for every client and device", unboundTickets, []string{"send/ticket-client", "send/ticket-device"}},
	{"a code works twice", remembers(loginPath), []string{"login/code-once"}},
	{"guesses do not count", uncountedGuesses, []string{"guess/five"}},

	{"a cookie client gets the session_token", answers(func(r *http.Request, w *httptest.ResponseRecorder) {
		if c := cookieOf(reply{header: w.Header()}); r.URL.Path == loginPath && c != nil {
			setMember(w, "session_token", c.Value)
		}
	}), []string{"cookie/login"}},
	{"scripts can read the cookie", answers(func(r *http.Request, w *httptest.ResponseRecorder) {
		if r.URL.Path == loginPath {
			w.Header().Set("Set-Cookie", strings.Replace(w.Header().Get("Set-Cookie"), "; HttpOnly", "", 1))
		}
	}), []string{"cookie/attributes"}},
	{"a link logs out", requests(func(r *http.Request) {
		if r.URL.Path == logoutPath && r.Header.Get("Cookie") != "" {
			r.Method = http.MethodPost
		}
	}), []string{"cookie/logout-get"}},
	{"to log out does nothing", requests(func(r *http.Request) {
		if r.URL.Path == logoutPath && r.Method == http.MethodPost && r.Header.Get("Cookie") != "" {
			r.URL.Path = "/nowhere"
		}
	}, func(r *http.Request, w *httptest.ResponseRecorder) {
		if r.URL.Path == "/nowhere" {
			w.Code = http.StatusOK
			w.Body.Reset()
			w.Body.WriteString("{}")
			w.Header().Set("Set-Cookie", "__Host-mailkey=; Path=/; Max-Age=0")
		}
	}), []string{"logout/ends"}},
	{"to log out leaves the cookie", answers(func(r *http.Request, w *httptest.ResponseRecorder) {
		if r.URL.Path == logoutPath {
			w.Header().Del("Set-Cookie")
		}
	}), []string{"logout/cookie"}},
	{"a session tells its token", answers(func(r *http.Request, w *httptest.ResponseRecorder) {
		if token := r.Header.Get("Session-Token"); r.URL.Path == sessionsPath && token != "" {
			replace(w, "127.0.0.1", token)
		}
	}), []string{"sessions/list"}},
	{"a session does not end by its id", requests(func(r *http.Request) {
		if strings.HasPrefix(r.URL.Path, sessionsPath+"/") && r.Method == http.MethodDelete && r.URL.Path != sessionsPath+"/"+dead {
			r.URL.Path = sessionsPath + "/" + dead
			r.Header.Set("Broken", "yes")
		}
	}, func(r *http.Request, w *httptest.ResponseRecorder) {
		if r.Header.Get("Broken") != "" {
			replace(w, `"ended":0`, `"ended":1`)
		}
	}), []string{"sessions/end"}},

	{"the private key is published", answers(func(r *http.Request, w *httptest.ResponseRecorder) {
		if r.URL.Path == jwksPath || r.URL.Path == keysPath {
			replace(w, `"kty"`, `"d":"AAAA","kty"`)
		}
	}), []string{"keys/public"}},
	{"the keys may not be cached", answers(func(r *http.Request, w *httptest.ResponseRecorder) {
		if r.URL.Path == keysPath {
			w.Header().Set("Cache-Control", "no-store")
		}
	}), []string{"keys/cache"}},
	{"an id_token is for another client", signs(func(c map[string]any) { c["aud"] = "other" }), []string{"id-token/audience"}},
	{"an id_token has expired", signs(func(c map[string]any) {
		c["exp"] = c["iat"].(float64) - 300
	}), []string{"id-token/times"}},
	{"an id_token is of another issuer", signs(func(c map[string]any) { c["iss"] = "https://elsewhere.example" }), []string{"id-token/issuer"}},
	{"an id_token is about an address that was not proved", signs(func(c map[string]any) { c["email_verified"] = false }), []string{"id-token/user"}},
	{"an id_token names no session", signs(func(c map[string]any) { delete(c, "sid") }), []string{"id-token/names"}},
	{"an id_token is signed with another key", answers(func(_ *http.Request, w *httptest.ResponseRecorder) {
		if token, ok := object(w)["id_token"].(string); ok {
			setMember(w, "id_token", sign(token[:strings.LastIndex(token, ".")]))
		}
	}), []string{"id-token/signature"}},
}

// Each mistake is found, and nothing else is.
func TestBrokenServers(t *testing.T) {
	t.Parallel()
	for _, row := range broken {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			cfg := serve(t, nil, row.spoil)
			wantFailures(t, play(newRun(t.Context(), cfg), rules), row.want...)
		})
	}
}
