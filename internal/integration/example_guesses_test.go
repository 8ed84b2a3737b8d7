package integration

import (
	"net/http"
	"testing"

	"example.com/mailkey/internal/integration/smtpd"
)

// Guesses are counted on the disk: a process that is killed after three of them
// leaves two to the next.
func TestAbuse_C06_guessesSurviveACrash(t *testing.T) {
	t.Parallel()
	relay := smtpd.New(t, smtpd.Config{})
	home := newExampleHome(t, buildExample(t), "-captcha", "pow", "-smtp", relay.URL())
	p := home.start(t)
	c := home.client(p, "example")
	c.send(t, "guesses@example.org")
	code := relay.Next(t, "guesses@example.org").Code(t)
	guess := func(code string) {
		t.Helper()
		c.refused(t, "POST", "/api/v2/sdk/login/email-verify-code",
			map[string]string{"email": "guesses@example.org", "verify_code": code}, http.StatusBadRequest, "IDAAS.SDK.CAPTCHA.0007")
	}
	wrong := "0" + code[1:]
	if wrong == code {
		wrong = "1" + code[1:]
	}
	for range 3 {
		guess(wrong)
	}
	p.Kill()
	p = home.start(t)
	c.url = p.URL
	for range 2 {
		guess(wrong)
	}
	guess(code)

	// One guess less, and the code works: no more than three were counted.
	c = home.client(p, "example")
	c.send(t, "again@example.org")
	code = relay.Next(t, "again@example.org").Code(t)
	again := func(code string) exampleReply {
		return c.do(t, "POST", "/api/v2/sdk/login/email-verify-code", map[string]string{"email": "again@example.org", "verify_code": code})
	}
	for range 3 {
		again("x" + code[1:])
	}
	p.Kill()
	p = home.start(t)
	c.url = p.URL
	again("x" + code[1:])
	if reply := again(code); reply.status != http.StatusOK {
		t.Errorf("the right code as the fifth guess: %d %s", reply.status, reply.text)
	}
	p.Terminate(t)
}
