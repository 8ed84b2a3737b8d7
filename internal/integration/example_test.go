package integration

import (
	"net/http"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"

	"example.com/mailkey/internal/integration/services"
	"example.com/mailkey/internal/integration/smtpd"
)

// The example runs as a program of its own here: it is built once, and each
// test starts processes of it.
func TestExample(t *testing.T) {
	t.Parallel()
	program := buildExample(t)
	for _, test := range []struct {
		name string
		run  func(t *testing.T, program string)
	}{
		{"a header client logs in and out", exampleHeaderClient},
		{"a cookie client logs in and out", exampleCookieClient},
		{"a client that knows only the slider logs in", exampleSliderClient},
		{"a code survives a crash", exampleCodeSurvives},
		{"a mail survives a crash, once", exampleMailSurvives},
		{"SIGTERM lets a request finish", exampleTerminates},
		{"the page", examplePage},
		{"mail goes to the spelling that was proved", exampleSpelling},
		{"slow headers", exampleSlowHeaders},
		{"the description of the wire", exampleDescription},
		{"the rules of the wire", exampleWire},
		{"refusals at start-up", exampleRefusals},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, program)
		})
	}
}

const exampleLogout = "/api/v2/sdk/logout"

func exampleHeaderClient(t *testing.T, program string) {
	relay := smtpd.New(t, smtpd.Config{})
	home := newExampleHome(t, program, "-captcha", "pow", "-smtp", relay.URL(), "-from", "Example <login@app.example>")
	p := home.start(t)
	c := home.client(p, "example")

	c.send(t, "header@example.org")
	mail := relay.Next(t, "header@example.org")
	if mail.From != "login@app.example" {
		t.Errorf("envelope sender: got %q, want login@app.example", mail.From)
	}
	reply := c.login(t, "header@example.org", mail.Code(t))

	provider, err := oidc.NewProvider(t.Context(), p.URL)
	if err != nil {
		t.Fatal(err)
	}
	token, err := provider.Verifier(&oidc.Config{ClientID: "example"}).Verify(t.Context(), reply.field("id_token"))
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Email    string
		Verified bool `json:"email_verified"`
	}
	if err := token.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if claims.Email != "header@example.org" || !claims.Verified || token.Subject == "" {
		t.Errorf("id_token of %q says %+v", token.Subject, claims)
	}

	home.checkTraces(t)
	c.ok(t, "GET", exampleLogout, nil)
	c.refused(t, "GET", exampleLogout, nil, http.StatusBadRequest, "IDAAS.SDK.PARAM.0023")
	p.Terminate(t)
	home.checkTraces(t)
}

func exampleCookieClient(t *testing.T, program string) {
	home := newExampleHome(t, program, "-captcha", "digits,pow") // without -smtp: the mail is on stdout
	p := home.start(t)
	c := home.client(p, "web")

	c.send(t, "cookie@example.org")
	code := p.WaitFor(t, p.Stdout, `(?s)To: cookie@example\.org\n.*@127\.0\.0\.1 #(\w+)\n`)
	reply := c.login(t, "cookie@example.org", code)
	if _, there := reply.json["session_token"]; there {
		t.Errorf("a cookie client got %s", reply.text)
	}
	cookies := (&http.Response{Header: reply.header}).Cookies()
	if len(cookies) != 1 {
		t.Fatalf("cookies: got %v, want one", cookies)
	}
	cookie := cookies[0]
	if cookie.Name != "__Host-mailkey" || !cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode ||
		cookie.Path != "/" || cookie.Domain != "" || cookie.MaxAge != 432000 {
		t.Errorf("cookie: got %v", cookie)
	}
	home.private = append(home.private, cookie.Value)
	c.header.Set("Cookie", cookie.Name+"="+cookie.Value) // by hand: a cookie jar keeps Secure ones from http

	devMail := c.ok(t, "GET", "/dev/mail", nil)
	if !strings.Contains(devMail.text, code) || !strings.Contains(devMail.header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("/dev/mail: got %v\n%s", devMail.header, devMail.text)
	}
	asHTML := c.ok(t, "GET", "/dev/mail/1", nil)
	if !strings.Contains(asHTML.text, code) || !strings.HasPrefix(asHTML.header.Get("Content-Security-Policy"), "sandbox; default-src 'none'") {
		t.Errorf("/dev/mail/1: got %v\n%s", asHTML.header, asHTML.text)
	}
	rebound := home.client(p, "web")
	rebound.header.Set("Host", "attacker.example")
	if reply := rebound.do(t, "GET", "/dev/mail", nil); reply.status != http.StatusForbidden {
		t.Errorf("/dev/mail under another name: got %d, want 403", reply.status)
	}
	t.Run("behind nginx as it comes", func(t *testing.T) {
		addr := services.FreeAddr(t)
		services.StartNginxWith(t, addr, "server { listen "+addr+"; location / { proxy_pass "+p.URL+"; } }")
		behind := home.client(p, "web")
		behind.url = "http://" + addr
		if reply := behind.do(t, "GET", "/dev/mail", nil); reply.status != http.StatusForbidden {
			t.Errorf("/dev/mail: got %d, want 403", reply.status)
		}
	})

	c.refused(t, "GET", exampleLogout, nil, http.StatusBadRequest, "IDAAS.SDK.PARAM.0023") // a link logs nobody out
	c.header.Set("Origin", "https://attacker.example")
	c.refused(t, "POST", exampleLogout, nil, http.StatusForbidden, "MAILKEY.REQUEST.0007")
	c.header.Set("Origin", p.URL)
	out := c.ok(t, "POST", exampleLogout, nil)
	if got := out.header.Get("Set-Cookie"); !strings.HasPrefix(got, "__Host-mailkey=;") || !strings.Contains(got, "Max-Age=0") {
		t.Errorf("Set-Cookie of a logout: got %q", got)
	}
	c.refused(t, "POST", exampleLogout, nil, http.StatusBadRequest, "IDAAS.SDK.PARAM.0023")

	home.checkTraces(t)
	p.Terminate(t)
	home.checkTraces(t)
}
