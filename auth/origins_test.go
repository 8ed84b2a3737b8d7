package auth_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"example.com/mailkey/auth"
)

const (
	spa   = "https://spa.example"
	other = "http://localhost:3000" // of the other client
)

// twoOrigins gives two header clients an origin each.
func twoOrigins(c *auth.Config) {
	c.Clients = []auth.Client{{ID: "app", Origins: []string{spa}}, {ID: "other", Origins: []string{other}}, {ID: "web", Cookie: true}}
}

// foreign are origins that nobody configured.
var foreign = []string{
	"null", "*", "", "https://evil.example", "http://spa.example", "https://spa.example:443", "https://spa.example:8443", "https://spa.example/",
	"https://SPA.example", "HTTPS://spa.example", "https://spa.example.evil.example", "https://evilspa.example", "https://a.spa.example",
	"https://spa.example@evil.example", "https://spa.example, https://evil.example", "https://spa.example https://evil.example", "spa.example",
	"http://localhost", "http://localhost:3001", "http://127.0.0.1:3000", "file://",
}

// from is a request of a page of the origin, as a browser sends it.
func (k *kit) fromOrigin(method, path, origin, body string) *http.Request {
	k.Helper()
	r := k.request(method, path, body)
	r.Header["Origin"] = []string{origin}
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	return r
}

// checkCORS checks what every answer must say of origins: of the one that is
// allowed, or of none.
func checkCORS(t *testing.T, name string, a answer, allowed string) {
	t.Helper()
	if got := a.header.Values("Access-Control-Allow-Origin"); strings.Join(got, "|") != allowed {
		t.Errorf("%s: Access-Control-Allow-Origin %q, want %q", name, got, allowed)
	}
	if !slices.Contains(a.header.Values("Vary"), "Origin") {
		t.Errorf("%s: Vary %q, want Origin", name, a.header.Values("Vary"))
	}
	for name, values := range a.header {
		if name == "Access-Control-Allow-Credentials" || name == "Access-Control-Allow-Private-Network" ||
			strings.HasPrefix(name, "Access-Control-") && (slices.Contains(values, "*") || allowed == "") {
			t.Errorf("%s: %s", name, values)
		}
	}
}

var corsPaths = map[string][]string{ // with their methods
	captchaPath: {"GET"}, captchaPath + "/audio": {"GET"}, verifyPath: {"POST"}, sendPath: {"POST"}, loginPath: {"POST"}, refreshPath: {"POST"},
	logoutPath: {"GET", "POST"}, sessionsPath: {"GET", "DELETE"}, sessionsPath + "/x": {"DELETE"}, keysPath: {"GET"}, discoveryPath: {"GET"},
}

func TestAbuse_E22_preflight(t *testing.T) {
	t.Parallel()
	play(t, twoOrigins, func(k *kit) {
		ask := func(path, origin, method string) answer {
			r := bare(k, "OPTIONS", path)
			r.Header["Origin"] = []string{origin}
			r.Header.Set("Access-Control-Request-Method", method)
			r.Header.Set("Access-Control-Request-Headers", "content-type,session-token,x-agent,x-client-id,x-evil")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Mode", "cors")
			return k.do(r)
		}
		for path, methods := range corsPaths {
			for _, method := range methods {
				for _, origin := range []string{spa, other} {
					a := ask(path, origin, method)
					checkCORS(t, path, a, origin)
					if a.status != 204 || len(a.body) != 0 || a.header.Get("Access-Control-Max-Age") != "600" || a.header.Get("Content-Type") != "" {
						t.Errorf("%s %s from %s: %d %v", method, path, origin, a.status, a.header)
					}
					if got := strings.Split(a.header.Get("Access-Control-Allow-Methods"), ", "); !slices.Contains(got, method) {
						t.Errorf("%s %s: methods %q", method, path, got)
					}
					headers := strings.ToLower(a.header.Get("Access-Control-Allow-Headers"))
					for _, name := range []string{
						"content-type", "x-operating-sys-version", "x-device-fingerprint", "x-device-ip", "x-agent", "x-client-id", "x-l",
						"session-token", "authorization",
					} {
						if !slices.Contains(strings.Split(headers, ", "), name) {
							t.Errorf("%s: header %s is not allowed: %s", path, name, headers)
						}
					}
					if strings.Contains(headers, "evil") || strings.Contains(headers, "cookie") {
						t.Errorf("%s: headers %s", path, headers)
					}
				}
			}
			for _, origin := range foreign {
				a := ask(path, origin, methods[0])
				checkCORS(t, path+" from "+origin, a, "")
				if a.status != 405 {
					t.Errorf("%s from %q: %d %s", path, origin, a.status, a.body)
				}
			}
			for _, method := range []string{"PUT", "TRACE", "", "OPTIONS", strings.ToLower(methods[0])} {
				if a := ask(path, spa, method); a.status != 405 || a.header.Get("Access-Control-Allow-Methods") != "" {
					t.Errorf("%q %s: %d %v", method, path, a.status, a.header)
				}
			}
		}
	})
}

// From its own origins a client is used as from anywhere else, and its page can
// read every answer, errors included. From others it is not used at all.
func TestAbuse_E22_requests(t *testing.T) {
	t.Parallel()
	play(t, twoOrigins, func(k *kit) {
		code := k.code("ann@b.example")
		right := object("email", "ann@b.example", "verify_code", code)
		for _, origin := range append([]string{other}, foreign...) {
			if origin == "" {
				continue // no page: a program
			}
			a := k.do(k.fromOrigin("POST", loginPath, origin, right))
			if a.code() != string(auth.ReasonCrossOrigin) || a.status != 403 {
				t.Errorf("from %q: %d %s", origin, a.status, a.body)
			}
			allowed := map[bool]string{true: other}[origin == other] // who may read the refusal
			checkCORS(t, origin, a, allowed)
		}
		twice := k.fromOrigin("POST", loginPath, "https://evil.example", right)
		twice.Header.Add("Origin", spa)
		if a := k.do(twice); a.code() != string(auth.ReasonCrossOrigin) {
			t.Errorf("two origins: %d %s", a.status, a.body)
		}
		cookie := k.fromOrigin("POST", logoutPath, spa, "")
		cookie.Header.Set("X-Client-Id", "web")
		if a := k.do(cookie); a.code() != string(auth.ReasonCrossOrigin) {
			t.Errorf("a cookie client: %d %s", a.status, a.body)
		}

		for name, row := range map[string]struct {
			r    *http.Request
			want auth.Reason
		}{
			"a path that is not there": {k.fromOrigin("GET", "/nothing", spa, ""), auth.ReasonNotFound},
			"a method":                 {k.fromOrigin("PUT", loginPath, spa, "{}"), auth.ReasonMethod},
			"no JSON":                  {k.fromOrigin("POST", loginPath, spa, "x"), auth.ReasonMalformed},
			"a wrong code":             {k.fromOrigin("POST", loginPath, spa, object("email", "ann@b.example", "verify_code", wrong(code))), auth.ReasonCode},
			"no session":               {k.fromOrigin("GET", sessionsPath, spa, ""), auth.ReasonNotSignedIn},
		} {
			a := k.do(row.r)
			checkCORS(t, name, a, spa)
			if a.code() != string(row.want) || a.header.Get("Access-Control-Expose-Headers") != "Retry-After" {
				t.Errorf("%s: %d %s, exposed %q", name, a.status, a.body, a.header.Get("Access-Control-Expose-Headers"))
			}
		}

		a := k.do(k.fromOrigin("POST", loginPath, spa, right))
		checkCORS(t, "login", a, spa)
		if a.status != 200 || a.header.Get("Set-Cookie") != "" {
			t.Fatalf("login: %d %s", a.status, a.body)
		}
		end := k.fromOrigin("DELETE", sessionsPath+"?others=true", spa, "")
		end.Header.Set("Session-Token", a.field(t, "session_token"))
		if a := k.do(end); a.status != 200 {
			t.Errorf("sessions: %d %s", a.status, a.body)
		}
		// The public documents are for all programs, and for those origins.
		for origin, allowed := range map[string]string{spa: spa, other: other, "https://evil.example": "", "null": ""} {
			a := k.do(k.fromOrigin("GET", keysPath, origin, ""))
			checkCORS(t, "keys", a, allowed)
			if a.status != 200 {
				t.Errorf("keys from %s: %d", origin, a.status)
			}
		}
		program := k.get(captchaPath)
		checkCORS(t, "a program", program, "")
		if program.status != 200 {
			t.Errorf("a program: %d %s", program.status, program.body)
		}
	})
}

// Where no client has origins, nothing is said about them.
func TestNoOrigins(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		for _, origin := range append([]string{spa}, foreign...) {
			r := k.fromOrigin("OPTIONS", loginPath, origin, "")
			r.Header.Set("Access-Control-Request-Method", "POST")
			for _, a := range []answer{k.do(r), k.do(k.fromOrigin("POST", loginPath, origin, "{}")), k.do(k.fromOrigin("GET", keysPath, origin, ""))} {
				for name := range a.header {
					if strings.HasPrefix(name, "Access-Control-") || name == "Vary" {
						t.Errorf("from %q: %s", origin, name)
					}
				}
			}
		}
	})
}

func TestOriginsAreChecked(t *testing.T) {
	t.Parallel()
	for origin, want := range map[string]string{
		spa: "", other: "", "https://spa.example:8443": "", "http://[::1]:3000": "", "https://xn--pp-xka.example": "",
		"": "is not an origin", "*": "is not an origin", "null": "is not an origin", "https://spa.example/": "is not an origin",
		"https://spa.example/app": "is not an origin", "https://spa.example?": "is not an origin", "https://spa.example#": "is not an origin",
		"https://Spa.example": "is not an origin", "HTTPS://spa.example": "is not an origin", "spa.example": "is not an origin",
		"//spa.example": "is not an origin", "https://": "is not an origin", "ftp://spa.example": "is not an origin", "file://": "is not an origin",
		"https://a:b@spa.example": "is not an origin", "https://spa.example\n": "is not an origin",
		"chrome-extension://abc": "is not an origin",
	} {
		for _, cookie := range []bool{false, true} {
			_, err := auth.New(auth.Config{
				Store: openMemory(t), Mailer: &mailbox{}, Secret: testSecret, Issuer: "https://app.example", SigningAlgorithm: auth.ES256,
				Clients: []auth.Client{{ID: "first"}, {ID: "app", Cookie: cookie, Origins: []string{spa, origin}}},
			})
			sentence := want
			if cookie {
				sentence = "a cookie client cannot be used from other origins"
			}
			if sentence == "" && err != nil || sentence != "" && (err == nil || !strings.Contains(err.Error(), sentence) || !strings.HasPrefix(err.Error(), "auth: Clients[1]: Origins: ")) {
				t.Errorf("%q, cookie client %v: %v", origin, cookie, err)
			}
		}
	}
}
