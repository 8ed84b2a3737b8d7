package integration

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
	"example.com/mailkey/captcha"
)

// replaceOnce changes what a reader of the code is to change, too.
func replaceOnce(t *testing.T, code, before, after string) string {
	t.Helper()
	if strings.Count(code, before) != 1 {
		t.Fatalf("%q is not there, or not once, in\n%s", before, code)
	}
	return strings.Replace(code, before, after, 1)
}

// clientServer is a login on the loopback interface, whose captchas the test
// can read.
type clientServer struct {
	*authtest.Kit
	url    string
	digits chan string
}

func newClientServer(t *testing.T, clients ...auth.Client) *clientServer {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	s := &clientServer{url: "http://" + server.Listener.Addr().String(), digits: make(chan string, 8)}
	s.Kit = authtest.New(t, func(c *auth.Config) {
		c.Issuer, c.Clients = s.url, clients
		c.Captchas = []captcha.Engine{readableDigits{captcha.Digits(), s.digits}, captcha.ProofOfWork(8)}
	})
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.Handler.ServeHTTP(w, r) })
	server.Start()
	t.Cleanup(server.Close)
	return s
}

// read waits for the next captcha, and reads it.
func (s *clientServer) read(t *testing.T) string {
	t.Helper()
	select {
	case digits := <-s.digits:
		return digits
	case <-time.After(10 * time.Second):
		t.Fatal("nobody asked for a captcha")
		return ""
	}
}

// readableDigits tells the digits of each captcha.
type readableDigits struct {
	captcha.AudioEngine
	told chan<- string
}

// New implements captcha.Engine. The state of digits is the digits.
func (d readableDigits) New() (state []byte, p captcha.Puzzle, err error) {
	state, p, err = d.AudioEngine.New()
	d.told <- string(state)
	return state, p, err
}
