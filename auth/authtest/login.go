package authtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/bits"
	"net/http"
	"strconv"
	"testing"

	"example.com/mailkey/auth"
	"example.com/mailkey/captcha"
)

// The wire, as far as a login needs it.
const (
	pathCaptcha = "/api/v2/sdk/captcha?type=pow"
	pathVerify  = "/api/v2/sdk/captcha/verify"
	pathSend    = "/api/v2/sdk/email/send"
	pathLogin   = "/api/v2/sdk/login/email-verify-code"
	pathRefresh = "/api/v2/sdk/sso/session-token/id-token"

	tokenHeader = "Session-Token"

	agent  = "authtest"
	system = "test"
)

// Login logs in at Handler, which has to serve Auth.Handler() below
// Config.Issuer, and returns a [Kit.Client] that holds the session. It does all
// that people do: solves a captcha, asks for a code, reads the mail, posts the
// code, as the first of Config.Clients. The app's hooks are called. Whoever
// logs in twice uses the same device.
func (k *Kit) Login(tb testing.TB, email string) *http.Client {
	tb.Helper()
	client := k.Client()
	post := func(path string, reply any, fields map[string]string) {
		tb.Helper()
		k.call(tb, client, email, http.MethodPost, path, reply, fields)
	}

	var challenge struct {
		Token string         `json:"token"`
		Proof *captcha.Proof `json:"pow"`
	}
	k.call(tb, client, email, http.MethodGet, pathCaptcha, &challenge, nil)
	if challenge.Proof == nil {
		tb.Fatalf("authtest: Login can solve proofs of work alone: add captcha.ProofOfWork(1) to Config.Captchas")
	}
	var ticket struct {
		Token string `json:"captcha_token"`
	}
	post(pathVerify, &ticket, map[string]string{"token": challenge.Token, "sender": email, "captcha_code": Solve(*challenge.Proof)})
	post(pathSend, new(any), map[string]string{"email": email, "type": "LOGIN_EMS", "captcha_token": ticket.Token})
	var session struct {
		Token string `json:"session_token"` // none, when there is a cookie
	}
	post(pathLogin, &session, map[string]string{"email": email, "verify_code": k.Mailbox.Code(tb, email)})
	client.Transport = transport{kit: k, token: session.Token}
	return client
}

// call makes one request of a login and reads the answer, which has to be 200.
func (k *Kit) call(tb testing.TB, client *http.Client, email, method, path string, reply any, fields map[string]string) {
	tb.Helper()
	var body io.Reader
	if fields != nil {
		doc, err := json.Marshal(fields)
		if err != nil {
			tb.Fatalf("authtest: %v", err)
		}
		body = bytes.NewReader(doc)
	}
	r, err := http.NewRequestWithContext(tb.Context(), method, k.Config.Issuer+path, body)
	if err != nil {
		tb.Fatalf("authtest: %v", err)
	}
	setDevice(r, k.client(tb, "").ID, email)
	res, err := client.Do(r)
	if err != nil {
		tb.Fatalf("authtest: the login of %s: %v", email, err)
	}
	defer func() { _ = res.Body.Close() }() // it was read
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode == http.StatusOK {
		err = json.Unmarshal(answer, reply)
	}
	if err != nil || res.StatusCode != http.StatusOK {
		tb.Fatalf("authtest: the login of %s: %s %s is answered %d %s%s", email, method, r.URL, res.StatusCode, answer, advice(answer, res.StatusCode))
	}
}

// setDevice sets the headers that the wire asks for. Each address has a device
// of its own.
func setDevice(r *http.Request, clientID, email string) {
	for name, value := range map[string]string{
		"Content-Type": "application/json", "X-Agent": agent, "X-Operating-Sys-Version": system,
		"X-Client-Id": clientID, "X-Device-Fingerprint": fmt.Sprintf("%x", sha256.Sum256([]byte(email))),
	} {
		r.Header.Set(name, value)
	}
}

// advice says what a test may do about an answer.
func advice(answer []byte, status int) string {
	var failure struct {
		Reason auth.Reason `json:"error_code"`
	}
	_ = json.Unmarshal(answer, &failure) // of another handler, perhaps
	switch {
	case failure.Reason == auth.ReasonLimit:
		return ": let some time pass, in a synctest bubble, or use As"
	case failure.Reason == "" && status == http.StatusNotFound:
		return ": Kit.Handler has to serve Kit.Auth.Handler()"
	}
	return ""
}

// Solve returns the answer to a proof of work: what a client sends as
// captcha_code.
func Solve(p captcha.Proof) string {
	for n := 0; ; n++ {
		answer := strconv.Itoa(n)
		sum := sha256.Sum256([]byte(p.Salt + answer))
		if bits.LeadingZeros64(binary.BigEndian.Uint64(sum[:])) >= p.Difficulty {
			return answer
		}
	}
}
