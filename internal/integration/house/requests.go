package house

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"sync/atomic"

	"example.com/mailkey/internal/integration/burst"
)

const page = "/page"

var people, peers atomic.Uint32

// Person returns an address that nobody had before.
func Person() string { return fmt.Sprintf("ann%d@b.example", people.Add(1)) }

// Request is one of a client that is never in the same network twice. A body
// is an object of strings, given as names and values in turn.
func Request(method, path string, fields ...string) burst.Request {
	peer := [16]byte{0x20, 0x01}
	binary.BigEndian.PutUint32(peer[2:], peers.Add(1))
	r := burst.Request{Method: method, Path: path, Header: http.Header{
		"X-Operating-Sys-Version": {"test 1.0"}, "X-Device-Fingerprint": {"a device"}, "X-Agent": {"house"}, "X-Client-Id": {"app"},
		"X-Forwarded-For": {netip.AddrFrom16(peer).String()},
	}}
	if len(fields) == 0 {
		return r
	}
	body := make(map[string]string)
	for i := 0; i < len(fields); i += 2 {
		body[fields[i]] = fields[i+1]
	}
	doc, _ := json.Marshal(body) // strings always can be
	r.Body = string(doc)
	r.Header.Set("Content-Type", "application/json")
	return r
}

// Puzzle asks for a captcha.
func Puzzle() burst.Request { return Request("GET", "/api/v2/sdk/captcha?type=pow") }

// Verify answers a captcha.
func Verify(token, answer, email string) burst.Request {
	return Request("POST", "/api/v2/sdk/captcha/verify", "token", token, "captcha_code", answer, "sender", email)
}

// Send asks for a code.
func Send(email, ticket string) burst.Request {
	return Request("POST", "/api/v2/sdk/email/send", "email", email, "type", "LOGIN_EMS", "captcha_token", ticket)
}

// Guess tries to log in.
func Guess(email, code string) burst.Request {
	return Request("POST", "/api/v2/sdk/login/email-verify-code", "email", email, "verify_code", code)
}

// Refresh asks for an id_token.
func Refresh(token string) burst.Request {
	return With(Request("POST", "/api/v2/sdk/sso/session-token/id-token"), "Session-Token", token)
}

// Logout ends a session.
func Logout(token string) burst.Request {
	return With(Request("POST", "/api/v2/sdk/logout"), "Session-Token", token)
}

// Page is a page of the app that writes to the session, slowly.
func Page(token string) burst.Request {
	return With(Request("POST", page, "x", "y"), "Session-Token", token)
}

// With returns the request with a header set.
func With(r burst.Request, name, value string) burst.Request {
	r.Header = r.Header.Clone()
	r.Header.Set(name, value)
	return r
}

// Wrong returns another code for each n below 9.
func Wrong(code string, n int) string {
	last := int(code[len(code)-1] - '0')
	return code[:len(code)-1] + fmt.Sprint((last+1+n%9)%10)
}
