package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The paths of the wire.
const (
	captchaPath  = "/api/v2/sdk/captcha"
	audioPath    = "/api/v2/sdk/captcha/audio"
	verifyPath   = "/api/v2/sdk/captcha/verify"
	sendPath     = "/api/v2/sdk/email/send"
	loginPath    = "/api/v2/sdk/login/email-verify-code"
	refreshPath  = "/api/v2/sdk/sso/session-token/id-token"
	logoutPath   = "/api/v2/sdk/logout"
	sessionsPath = "/api/v2/sdk/sessions"

	keysPath      = "/api/v1/oauth2/keys"
	jwksPath      = "/.well-known/jwks.json"
	discoveryPath = "/.well-known/openid-configuration"
)

// The names of the required headers of a device.
var deviceHeaders = []string{"X-Operating-Sys-Version", "X-Device-Fingerprint", "X-Agent"}

// client is an application on a device.
type client struct {
	id, device string
	cookie     bool   // a cookie client
	session    string // its session_token, or its cookie as it is sent back
}

func (c client) request(method, path string) request {
	q := request{method: method, path: path, header: http.Header{
		"X-Operating-Sys-Version": {"wirecheck"}, "X-Device-Fingerprint": {c.device}, "X-Agent": {"wirecheck"}, "X-Client-Id": {c.id}, "X-L": {"en"},
	}}
	switch {
	case c.session == "":
	case c.cookie:
		q.header.Set("Cookie", c.session)
	default:
		q.header.Set("Session-Token", c.session)
	}
	return q
}

func (c client) get(path string) request { return c.request(http.MethodGet, path) }

// post sends an object of strings, given as names and values in turn.
func (c client) post(path string, members ...string) request {
	object := make(map[string]string)
	for pair := range slices.Chunk(members, 2) {
		object[pair[0]] = pair[1]
	}
	doc, _ := json.Marshal(object) // strings always can be
	return c.request(http.MethodPost, path).json(string(doc))
}

// public is a request as anybody makes it, without the headers of a device.
func public(path string) request {
	return request{method: http.MethodGet, path: path, header: make(http.Header)}
}

// request is a request that is to be sent. Its methods return a changed one.
type request struct {
	method, path string
	header       http.Header
	body         string
	undeclared   bool // the size of the body is not said beforehand
}

func (q request) with(name string, values ...string) request {
	q.header = q.header.Clone()
	q.header.Del(name)
	for _, v := range values {
		q.header.Add(name, v)
	}
	return q
}

func (q request) json(body string) request {
	q.body = body
	return q.with("Content-Type", "application/json")
}

// reply is the answer to a request.
type reply struct {
	request request
	status  int
	header  http.Header
	body    []byte
	json    map[string]any // nil: the body is no JSON object
	err     error          // there was no answer
}

// text returns a member that is a string, else the empty string.
func (a reply) text(name string) string { s, _ := a.json[name].(string); return s }

// number returns a member that is a number, else 0.
func (a reply) number(name string) float64 { n, _ := a.json[name].(float64); return n }

// but is an error: the answer is not what was wanted.
func (a reply) but(format string, args ...any) error {
	if a.err != nil {
		return a.err
	}
	return fmt.Errorf("%s %s was answered with %d %.300s\nbut %s", a.request.method, a.request.path, a.status, a.body, fmt.Sprintf(format, args...))
}

// ok is nil when the request was granted.
func (a reply) ok() error {
	if a.err != nil || a.status != http.StatusOK {
		return a.but("should have been with 200")
	}
	return nil
}

// refused is nil when the request was refused so.
func (a reply) refused(code string) error {
	if want := refusals[code].status; a.err != nil || a.status != want || a.text("error_code") != code {
		return a.but("should have been with %d %s", want, code)
	}
	return nil
}

// refuses sends requests that are all to be refused so: every other one in
// Chinese, so that most refusals are seen in both languages.
func (r *run) refuses(code string, requests ...request) error {
	for _, q := range requests {
		if r.refused[code]++; r.refused[code]%2 == 0 && slices.Equal(q.header["X-L"], []string{"en"}) {
			q = q.with("X-L", "zh")
		}
		if err := r.send(q).refused(code); err != nil {
			return err
		}
	}
	return nil
}

// send sends a request. If that has to wait for some limit, and not for too
// long, it waits.
func (r *run) send(q request) reply {
	for {
		a := r.sendOnce(q)
		if a.status != http.StatusTooManyRequests || !r.waits(a) {
			return a
		}
	}
}

// waits waits as long as the answer says, if that is not too long.
func (r *run) waits(a reply) bool {
	seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
	d := time.Duration(seconds) * time.Second
	if err != nil || d > r.wait {
		return false
	}
	r.person.sayf("waiting %v: the server limits %s %s", d, a.request.method, a.request.path)
	select {
	case <-time.After(d):
		return true
	case <-r.ctx.Done():
		return false
	}
}

// sendOnce sends a request, and looks at the manners of the answer.
func (r *run) sendOnce(q request) reply {
	a := reply{request: q}
	var body io.Reader = strings.NewReader(q.body)
	if q.body == "" {
		body = nil
	} else if q.undeclared {
		body = io.MultiReader(body)
	}
	httpRequest, err := http.NewRequestWithContext(r.ctx, q.method, r.server+q.path, body)
	if err != nil {
		a.err = err
		return a
	}
	httpRequest.Header = q.header.Clone()
	response, err := r.http.Do(httpRequest)
	if err != nil {
		a.err = err
		return a
	}
	defer response.Body.Close()
	a.status, a.header = response.StatusCode, response.Header
	if a.body, a.err = io.ReadAll(io.LimitReader(response.Body, 4<<20)); a.err != nil {
		return a
	}
	if err := json.Unmarshal(a.body, &a.json); err != nil {
		a.json = nil
	}
	r.manners.look(a)
	return a
}

// members says what is wrong with the names in an object.
func members(object map[string]any, names ...string) error {
	for _, name := range names {
		if _, ok := object[name]; !ok {
			return fmt.Errorf("there is no %s", name)
		}
	}
	if len(object) != len(names) {
		return errors.New("there is more in it than " + strings.Join(names, ", "))
	}
	return nil
}
