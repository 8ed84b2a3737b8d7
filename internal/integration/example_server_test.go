package integration

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/mailkey/internal/integration/smtpd"
)

func exampleTerminates(t *testing.T, program string) {
	home := newExampleHome(t, program)
	p := home.start(t)
	host := strings.TrimPrefix(p.URL, "http://")
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

	p.Signal(t, syscall.SIGTERM)
	p.WaitFor(t, p.Stderr, `msg=stopping`)
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
	p.EndsWell(t, 10*time.Second)
	home.addresses = append(home.addresses, "late@example.org")
	home.checkTraces(t)
}

func examplePage(t *testing.T, program string) {
	relay := smtpd.New(t, smtpd.Config{})
	home := newExampleHome(t, program, "-smtp", relay.URL())
	p := home.start(t)
	c := home.client(p, "web")
	const self = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data:; media-src blob:; " +
		"connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
	for path, want := range map[string]struct{ contentType, policy, cache string }{
		"/login":          {"text/html; charset=utf-8", self, "no-store"},
		"/login/page.css": {"text/css; charset=utf-8", self, "no-cache"},
		"/login/login.js": {"text/javascript; charset=utf-8", self, "no-cache"},
		"/example.css":    {"text/css; charset=utf-8", "default-src 'none'", "no-store"},
	} {
		reply := c.ok(t, "GET", path, nil)
		for name, want := range map[string]string{
			"Content-Type":            want.contentType,
			"Content-Security-Policy": want.policy,
			"X-Frame-Options":         "DENY",
			"X-Content-Type-Options":  "nosniff",
			"Referrer-Policy":         "no-referrer",
			"Cache-Control":           want.cache,
		} {
			if got := reply.header.Get(name); got != want {
				t.Errorf("%s of %s: got %q, want %q", name, path, got, want)
			}
		}
		if strings.Contains(reply.text, "/dev/mail") {
			t.Errorf("%s speaks of /dev/mail, which there is without -smtp only", path)
		}
	}
	for _, path := range []string{"/dev/mail", "/nothing", "/web/example.css"} {
		if reply := c.do(t, "GET", path, nil); reply.status != http.StatusNotFound {
			t.Errorf("GET %s: got %d, want 404", path, reply.status)
		}
	}
	c.refused(t, "GET", "/", nil, http.StatusUnauthorized, "MAILKEY.SESSION.0001")
	c.header.Set("Sec-Fetch-Mode", "navigate")
	if reply := c.ok(t, "GET", "/", nil); !strings.Contains(reply.text, `data-return="/" `) || !strings.Contains(reply.text, " data-asked ") {
		t.Errorf("who opens / in a browser is not led to the login and back:\n%s", reply.text)
	}
	p.Terminate(t)
}
