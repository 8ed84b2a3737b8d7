package captcha_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"example.com/mailkey/captcha"
	"example.com/mailkey/storage"
)

// call sends a request to a handler mounted at /captcha/; with a form it is a
// POST.
func call(t *testing.T, h http.Handler, target string, form url.Values) (*http.Response, map[string]any) {
	t.Helper()
	r := httptest.NewRequest("GET", target, nil)
	if form != nil {
		r = httptest.NewRequest("POST", target, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	mux := http.NewServeMux()
	mux.Handle("/captcha/", http.StripPrefix("/captcha", h))
	mux.ServeHTTP(w, r)
	var body map[string]any
	if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
			t.Fatal(err)
		}
	}
	return w.Result(), body
}

func TestHandler(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	h := k.Handler()

	r, body := call(t, h, "/captcha/?type=digits", nil)
	if r.StatusCode != 200 || body["type"] != "digits" || body["expire"] != 120.0 || len(body) != 4 {
		t.Errorf("issued %v with status %d", body, r.StatusCode)
	}
	for name, want := range map[string]string{
		"Cache-Control":          "no-store",
		"X-Content-Type-Options": "nosniff",
		"Content-Type":           "application/json; charset=utf-8",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s %q, want %q", name, got, want)
		}
	}
	token, code := body["token"].(string), k.digits.code()

	sound := "/captcha/audio?" + url.Values{"token": {token}, "lang": {"zh"}}.Encode()
	for n := range 3 {
		r, _ = call(t, h, sound, nil)
		if r.StatusCode != 200 || r.Header.Get("Content-Type") != "audio/wav" || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("playing %d: status %d, header %v", n+1, r.StatusCode, r.Header)
		}
	}
	if r, _ = call(t, h, sound, nil); r.StatusCode != 404 {
		t.Errorf("playing 4: status %d, want 404", r.StatusCode)
	}

	answer := url.Values{"token": {token}, "code": {code}}
	for _, want := range []bool{true, false} {
		if r, body = call(t, h, "/captcha/", answer); r.StatusCode != 200 || body["ok"] != want {
			t.Errorf("status %d and %v, want ok %v", r.StatusCode, body, want)
		}
	}
}

func TestHandler_answers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		form func(token, code string) url.Values
		want bool
	}{
		{"right", func(t, c string) url.Values { return url.Values{"token": {t}, "code": {c}} }, true},
		{"wrong", func(t, c string) url.Values { return url.Values{"token": {t}, "code": {"x"}} }, false},
		{"as point", func(t, c string) url.Values { return url.Values{"token": {t}, "point": {c}} }, false},
		{"both", func(t, c string) url.Values { return url.Values{"token": {t}, "code": {c}, "point": {c}} }, false},
		{"no token", func(t, c string) url.Values { return url.Values{"code": {c}} }, false},
		{"no code", func(t, c string) url.Values { return url.Values{"token": {t}} }, false},
		{"nothing", func(t, c string) url.Values { return url.Values{} }, false},
		{"upper case", func(t, c string) url.Values { return url.Values{"TOKEN": {t}, "CODE": {c}} }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k := newKit(t)
			c, a := k.issue(t)
			r, body := call(t, k.Handler(), "/captcha/", tt.form(c.Token, a.Code))
			if r.StatusCode != 200 || body["ok"] != tt.want {
				t.Errorf("status %d and %v, want ok %v", r.StatusCode, body, tt.want)
			}
		})
	}
}

func TestHandler_answerInTheURL(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	c, a := k.issue(t)
	target := "/captcha/?" + url.Values{"token": {c.Token}, "code": {a.Code}}.Encode()
	if _, body := call(t, k.Handler(), target, url.Values{}); body["ok"] != false {
		t.Errorf("got %v for an answer in the URL", body)
	}
}

func TestAbuse_A12_responseDoesNotTellTheAnswer(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	w := httptest.NewRecorder()
	k.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if strings.Contains(w.Body.String(), k.digits.code()) {
		t.Errorf("%s contains %s", w.Body, k.digits.code())
	}
	for name := range w.Header() {
		switch name {
		case "Cache-Control", "Content-Type", "X-Content-Type-Options":
		default:
			t.Errorf("the answer has a header %s", name)
		}
	}
}

func TestAbuse_A15_A16_parametersAreIgnored(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	for _, query := range []string{
		"width=99999&height=99999&len=1000&lang=xx&reload=1", "type=none", "type=", "type=slider",
		"captcha_type=pow", "type=digits&type=pow", "type=%00", "type=pow%20",
	} {
		_, body := call(t, k.Handler(), "/captcha/?"+query, nil)
		if image, _ := body["image"].(string); body["type"] != "digits" || len(image) == 0 || len(image) > 8<<10 {
			t.Errorf("?%s: type %v, image of %d characters", query, body["type"], len(image))
		}
	}
	_, body := call(t, k.Handler(), "/captcha/?type=pow", nil)
	proof, _ := body["pow"].(map[string]any)
	if body["type"] != "pow" || proof["algorithm"] != "SHA-256" || proof["difficulty"] != 4.0 || body["image"] != nil {
		t.Errorf("?type=pow: %v", body)
	}
}

func TestHandler_refusals(t *testing.T) {
	t.Parallel()
	h := newKit(t).Handler()
	for _, tt := range []struct {
		method, target string
		want           int
	}{
		{"PUT", "/", 405},
		{"DELETE", "/", 405},
		{"POST", "/audio", 405},
		{"GET", "/482913.png", 404},
		{"GET", "/audio/482913.wav", 404},
		{"GET", "/audio", 404},
		{"GET", "/audio?token=x", 404},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(tt.method, tt.target, nil))
		if w.Code != tt.want || (w.Code == 405) != (w.Header().Get("Allow") != "") {
			t.Errorf("%s %s: status %d with %v, want %d", tt.method, tt.target, w.Code, w.Header(), tt.want)
		}
	}
	const longest = 8<<10 - len("token=")
	for _, tt := range []struct {
		name, token string
		want        int
	}{
		{"malformed", "%zz", 400},
		{"the longest", strings.Repeat("A", longest), 200},
		{"too long", strings.Repeat("A", longest+1), 400},
		{"huge", strings.Repeat("A", 1<<20), 400},
	} {
		r := httptest.NewRequest("POST", "/", strings.NewReader("token="+tt.token))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tt.want {
			t.Errorf("%s form: status %d, want %d", tt.name, w.Code, tt.want)
		}
	}
}

func TestHandler_failures(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err    error
		want   int
		retry  string
		logged bool
	}{
		{captcha.ErrBusy, 503, "1", false},
		{storage.ErrBusy, 503, "1", false},
		{errBroken, 500, "", true},
	} {
		t.Run(tt.err.Error(), func(t *testing.T) {
			t.Parallel()
			var log strings.Builder
			k := newKit(t)
			c, a := k.issue(t)
			k.Service = newService(t, captcha.Config{Store: k.store, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			k.store.set(tt.err)
			h := k.Handler()
			for target, form := range map[string]url.Values{
				"/captcha/":                       nil,
				"/captcha/audio?token=" + c.Token: nil,
				"/captcha/?":                      {"token": {c.Token}, "code": {a.Code}},
			} {
				r, body := call(t, h, target, form)
				if r.StatusCode != tt.want || r.Header.Get("Retry-After") != tt.retry || body["error"] == nil {
					t.Errorf("%s: status %d, header %v, body %v", target, r.StatusCode, r.Header, body)
				}
				if text, _ := body["error"].(string); strings.Contains(text, "broken") {
					t.Errorf("%s: the client is told %q", target, text)
				}
			}
			if got := strings.Contains(log.String(), tt.err.Error()); got != tt.logged {
				t.Errorf("logged %q", log.String())
			}
			if strings.Contains(log.String(), c.Token) || strings.Contains(log.String(), a.Code) {
				t.Errorf("logged a secret: %q", log.String())
			}
		})
	}
}

func TestHandler_peers(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	h := k.Handler()
	peer := func(h http.Handler, addr string) string {
		clear(k.store.captchas)
		r := httptest.NewRequest("GET", "/?type=pow", nil)
		r.RemoteAddr = addr
		h.ServeHTTP(httptest.NewRecorder(), r)
		for _, c := range k.store.captchas {
			return string(c.Peer)
		}
		t.Fatal("nothing was issued")
		return ""
	}
	for _, tt := range []struct {
		one, two string
		same     bool
	}{
		{"192.0.2.1:1000", "192.0.2.1:2000", true},
		{"192.0.2.1:1000", "192.0.2.2:1000", false},
		{"192.0.2.1:1000", "[::ffff:192.0.2.1]:1000", true},
		{"[2001:db8::1]:1000", "[2001:db8::ffff]:1000", true},
		{"[2001:db8::1]:1000", "[2001:db8::8000:0:0:1]:1000", true},
		{"[2001:db8::1]:1000", "[2001:db8:0:1::1]:1000", false},
		{"[fe80::1%eth0]:1000", "[fe80::2%eth1]:1000", true},
		{"@", "@", true},
		{"@", "192.0.2.1:1000", false},
	} {
		one, two := peer(h, tt.one), peer(h, tt.two)
		if (one == two) != tt.same || len(one) != 32 {
			t.Errorf("%s and %s: the same is %v, want %v", tt.one, tt.two, one == two, tt.same)
		}
	}
	if peer(h, "192.0.2.1:1000") == peer(k.Handler(), "192.0.2.1:1000") {
		t.Error("the hash has no key")
	}
	own := newService(t, captcha.Config{Store: k.store, Engines: []captcha.Engine{captcha.ProofOfWork(1)},
		Peer: func(*http.Request) []byte { return []byte("me") }}).Handler()
	if got := peer(own, "192.0.2.1:1000"); got != "me" {
		t.Errorf("peer %q, want Config.Peer's", got)
	}
}

func TestHandler_overTheNetwork(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	server := httptest.NewServer(http.StripPrefix("/captcha", k.Handler()))
	defer server.Close()
	c, _ := k.issue(t)
	r, err := http.Get(server.URL + "/captcha/audio?token=" + c.Token)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	wav, err := io.ReadAll(r.Body)
	if err != nil || int64(len(wav)) != r.ContentLength || string(wav[:4]) != "RIFF" {
		t.Errorf("%d of %d bytes, error %v", len(wav), r.ContentLength, err)
	}
}
