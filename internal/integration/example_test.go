package integration

import (
	"bufio"
	"database/sql"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	_ "modernc.org/sqlite"

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
		{"a code survives a crash", exampleCodeSurvives},
		{"a mail survives a crash, once", exampleMailSurvives},
		{"SIGTERM lets a request finish", exampleTerminates},
		{"the page", examplePage},
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

	provider, err := oidc.NewProvider(t.Context(), p.url)
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
	p.terminate(t)
	home.checkTraces(t)
}

func exampleCookieClient(t *testing.T, program string) {
	home := newExampleHome(t, program, "-captcha", "digits,pow") // without -smtp: the mail is on stdout
	p := home.start(t)
	c := home.client(p, "web")

	c.send(t, "cookie@example.org")
	code := p.waitFor(t, p.stdout, `(?s)To: cookie@example\.org\n.*@127\.0\.0\.1 #(\w+)\n`)
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

	c.refused(t, "GET", exampleLogout, nil, http.StatusBadRequest, "IDAAS.SDK.PARAM.0023") // a link logs nobody out
	c.header.Set("Origin", "https://attacker.example")
	c.refused(t, "POST", exampleLogout, nil, http.StatusForbidden, "MAILKEY.REQUEST.0007")
	c.header.Set("Origin", p.url)
	out := c.ok(t, "POST", exampleLogout, nil)
	if got := out.header.Get("Set-Cookie"); !strings.HasPrefix(got, "__Host-mailkey=;") || !strings.Contains(got, "Max-Age=0") {
		t.Errorf("Set-Cookie of a logout: got %q", got)
	}
	c.refused(t, "POST", exampleLogout, nil, http.StatusBadRequest, "IDAAS.SDK.PARAM.0023")

	home.checkTraces(t)
	p.terminate(t)
	home.checkTraces(t)
}

func exampleCodeSurvives(t *testing.T, program string) {
	relay := smtpd.New(t, smtpd.Config{})
	home := newExampleHome(t, program, "-smtp", relay.URL(), "-client", "app-1, app-2")
	p := home.start(t, "MAILKEY_CAPTCHA=digits,pow", "MAILKEY_CLIENT=the-flag-wins")
	home.client(p, "app-2").send(t, "code@example.org")
	code := relay.Next(t, "code@example.org").Code(t)
	p.kill()
	home.checkTraces(t)

	p = home.start(t)
	c := home.client(p, "app-2")
	c.login(t, "code@example.org", code)
	p.kill()

	p = home.start(t)
	c.url = p.url
	c.ok(t, "POST", exampleLogout, nil)
	p.terminate(t)
	home.checkTraces(t)
}

func exampleMailSurvives(t *testing.T, program string) {
	relay := smtpd.New(t, smtpd.Config{})
	relay.Always(smtpd.Greeting, smtpd.Cut())
	home := newExampleHome(t, program, "-captcha", "pow", "-smtp", relay.URL())
	p := home.start(t)
	home.client(p, "example").send(t, "mail@example.org")
	p.kill()
	home.checkTraces(t)

	// However far the first attempt had come: let its time be over.
	db := openExample(t, home)
	if _, err := db.Exec(`UPDATE challenges SET due_at = 1 WHERE due_at IS NOT NULL`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	relay.Always(smtpd.Greeting, smtpd.Pass())
	p = home.start(t)
	code := relay.Next(t, "mail@example.org").Code(t)
	home.client(p, "example").login(t, "mail@example.org", code)
	p.terminate(t) // and what became of the mail is recorded

	var due int
	if err := openExample(t, home).QueryRow(`SELECT count(*) FROM challenges WHERE due_at IS NOT NULL`).Scan(&due); err != nil {
		t.Fatal(err)
	}
	if sent := len(relay.Messages()); sent != 1 || due != 0 {
		t.Errorf("mails: got %d and %d to come, want 1 and none", sent, due)
	}
	home.checkTraces(t)
}

// openExample opens the database of a home in which no process runs.
func openExample(t *testing.T, home *exampleHome) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", home.database())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func exampleTerminates(t *testing.T, program string) {
	home := newExampleHome(t, program)
	p := home.start(t)
	host := strings.TrimPrefix(p.url, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	body := `{"email": "late@example.org", "verify_code": "123456"}`
	fmt.Fprintf(conn, "POST /api/v2/sdk/login/email-verify-code HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\nExpect: 100-continue\r\nX-Operating-Sys-Version: test\r\nX-Device-Fingerprint: test\r\n"+
		"X-Agent: test\r\nX-Client-Id: example\r\n\r\n", host, len(body))
	answer := bufio.NewReader(conn)
	// The server says so when the handler reads the body: the request is in
	// flight now.
	if line, err := answer.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("got %q, %v, want 100 Continue", line, err)
	}
	if _, err := answer.Discard(len("\r\n")); err != nil {
		t.Fatal(err)
	}

	p.signal(t)
	p.waitFor(t, p.stderr, `msg=stopping`)
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for range poll.C { // until nobody new is let in
		other, err := net.Dial("tcp", host)
		if err != nil {
			break
		}
		other.Close()
	}
	if _, err := conn.Write([]byte(body)); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(answer, nil)
	if err != nil {
		t.Fatalf("the request in flight was cut off: %v", err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusBadRequest {
		t.Errorf("status of the request in flight: got %d, want 400", response.StatusCode)
	}
	p.endsWell(t)
	home.addresses = append(home.addresses, "late@example.org")
	home.checkTraces(t)
}

func examplePage(t *testing.T, program string) {
	relay := smtpd.New(t, smtpd.Config{})
	home := newExampleHome(t, program, "-smtp", relay.URL())
	p := home.start(t)
	c := home.client(p, "web")
	for path, contentType := range map[string]string{
		"/": "text/html; charset=utf-8", "/app.css": "text/css; charset=utf-8", "/app.js": "text/javascript; charset=utf-8",
	} {
		reply := c.ok(t, "GET", path, nil)
		for name, want := range map[string]string{
			"Content-Type": contentType,
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; media-src blob:; " +
				"connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
			"X-Frame-Options":        "DENY",
			"X-Content-Type-Options": "nosniff",
			"Referrer-Policy":        "no-referrer",
			"Cache-Control":          "no-store",
		} {
			if got := reply.header.Get(name); got != want {
				t.Errorf("%s of %s: got %q, want %q", name, path, got, want)
			}
		}
		if strings.Contains(reply.text, "/dev/mail") {
			t.Errorf("%s speaks of /dev/mail, which there is without -smtp only", path)
		}
	}
	for _, path := range []string{"/dev/mail", "/nothing", "/web/app.js"} {
		if reply := c.do(t, "GET", path, nil); reply.status != http.StatusNotFound {
			t.Errorf("GET %s: got %d, want 404", path, reply.status)
		}
	}
	p.terminate(t)
}
