package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/mailkey/auth/authtest"
	"example.com/mailkey/captcha"
	"example.com/mailkey/internal/integration/smtpd"
)

const (
	captchaPath  = "/api/v2/sdk/captcha?type=pow"
	verifyPath   = "/api/v2/sdk/captcha/verify"
	sendPath     = "/api/v2/sdk/email/send"
	loginPath    = "/api/v2/sdk/login/email-verify-code"
	refreshPath  = "/api/v2/sdk/sso/session-token/id-token"
	logoutPath   = "/api/v2/sdk/logout"
	sessionsPath = "/api/v2/sdk/sessions"
)

// What the tests are answered, besides 200.
const (
	badTicket = "400 IDAAS.SDK.CAPTCHA.0002"
	badCode   = "400 IDAAS.SDK.CAPTCHA.0007"
	noSession = "401 MAILKEY.SESSION.0001"
	busy      = "500 IDAAS.SDK.COM.0002"
	tooMany   = "429 MAILKEY.LIMIT.0001"
	ok        = "200"
)

// plainHTTP opens a connection for each request, as a client does that comes
// once. Nothing is sent twice.
var plainHTTP = &http.Client{
	Transport: &http.Transport{DisableKeepAlives: true},
	Timeout:   30 * time.Second,
}

// device is a client of the API: one app on one device in a network of its own.
type device struct {
	url         string // of whoever it talks to
	fingerprint string
	peer        string
	session     string
}

var devices atomic.Int64

// newDevice returns a device nobody has heard of that talks to url.
func newDevice(url string) device {
	n := devices.Add(1)
	return device{url: url, fingerprint: fmt.Sprint("device-", n), peer: fmt.Sprintf("10.%d.%d.7", n>>8&0xff, n&0xff)}
}

// at is the same device talking to somebody else.
func (d device) at(url string) device { d.url = url; return d }

// elsewhere is the same device in another network.
func (d device) elsewhere() device { d.peer = newDevice("").peer; return d }

// reply is an answer.
type reply struct {
	status int
	header http.Header
	body   map[string]any
	text   string
}

// field returns a string of the body; "" when it is not there.
func (r reply) field(name string) string {
	s, _ := r.body[name].(string)
	return s
}

// String is the status, and the error_code of a refusal.
func (r reply) String() string {
	if code := r.field("error_code"); code != "" {
		return fmt.Sprint(r.status, " ", code)
	}
	return fmt.Sprint(r.status)
}

// ask makes a request, with a JSON body if there is one.
func (d device) ask(ctx context.Context, method, path string, body map[string]string) (reply, error) {
	var content io.Reader
	if body != nil {
		doc, err := json.Marshal(body)
		if err != nil {
			return reply{}, err
		}
		content = bytes.NewReader(doc)
	}
	r, err := http.NewRequestWithContext(ctx, method, d.url+path, content)
	if err != nil {
		return reply{}, err
	}
	d.describe(r.Header)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := plainHTTP.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return reply{}, fmt.Errorf("the answer was cut off: %w", err)
	}
	got := reply{status: response.StatusCode, header: response.Header, text: string(text)}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(text, &got.body); err != nil {
			return reply{}, err
		}
	}
	return got, nil
}

// describe says who is asking.
func (d device) describe(h http.Header) {
	h.Set("X-Operating-Sys-Version", "test 1.0")
	h.Set("X-Device-Fingerprint", d.fingerprint)
	h.Set("X-Agent", "device")
	h.Set("X-Client-Id", "app")
	h.Set("X-Forwarded-For", d.peer)
	if d.session != "" {
		h.Set("Session-Token", d.session)
	}
}

// do is ask for a request that has to be answered, with one of what is wanted,
// if anything is.
func (d device) do(tb testing.TB, method, path string, body map[string]string, want ...string) reply {
	tb.Helper()
	got, err := d.ask(tb.Context(), method, path, body)
	if err != nil {
		tb.Fatalf("%s %s: %v", method, path, err)
	}
	for _, w := range want {
		if got.String() != w {
			tb.Fatalf("%s %s: got %s\n%s\nwant %s", method, path, got, got.text, w)
		}
	}
	return got
}

// puzzle gets a captcha, and returns the body that verifies it for an address.
func (d device) puzzle(tb testing.TB, address string) map[string]string {
	tb.Helper()
	return solved(tb, d.do(tb, "GET", captchaPath, nil, ok), address)
}

func solved(tb testing.TB, puzzle reply, address string) map[string]string {
	tb.Helper()
	var got struct {
		Token string
		Pow   captcha.Proof
	}
	if err := json.Unmarshal([]byte(puzzle.text), &got); err != nil {
		tb.Fatal(err)
	}
	return map[string]string{"token": got.Token, "sender": address, "captcha_code": authtest.Solve(got.Pow)}
}

// ticket solves a captcha, and returns the body that sends a code to an address.
func (d device) ticket(tb testing.TB, address string) map[string]string {
	tb.Helper()
	verified := d.do(tb, "POST", verifyPath, d.puzzle(tb, address), ok)
	return map[string]string{"email": address, "type": "LOGIN_EMS", "captcha_token": verified.field("captcha_token")}
}

// send has a code mailed.
func (d device) send(tb testing.TB, address string) {
	tb.Helper()
	d.do(tb, "POST", sendPath, d.ticket(tb, address), ok)
}

// code has a code mailed, and returns the body that logs in with it.
func (d device) code(tb testing.TB, relay *smtpd.Server, address string) map[string]string {
	tb.Helper()
	d.send(tb, address)
	return map[string]string{"email": address, "verify_code": relay.Next(tb, address).Code(tb)}
}

// login logs in from the captcha to the session, which the device returned has.
func (d device) login(tb testing.TB, relay *smtpd.Server, address string) device {
	tb.Helper()
	d.session = d.do(tb, "POST", loginPath, d.code(tb, relay, address), ok).field("session_token")
	return d
}

// wrong is body with another code.
func wrong(body map[string]string) map[string]string {
	code := []byte(body["verify_code"])
	code[0] = '0' + (code[0]-'0'+1)%10
	return map[string]string{"email": body["email"], "verify_code": string(code)}
}

var addresses atomic.Int64

// newAddress returns an address nobody has heard of.
func newAddress() string { return fmt.Sprintf("user-%d@example.org", addresses.Add(1)) }

// awaitOK asks until the answer is 200.
func (d device) awaitOK(tb testing.TB, path string) {
	tb.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		got, err := d.ask(tb.Context(), "GET", path, nil)
		if err == nil && got.String() == ok {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("GET %s: got %s, %v", path, got, err)
		}
	}
}
