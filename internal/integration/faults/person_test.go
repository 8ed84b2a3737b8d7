package faults_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/bits"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/program"
)

const cooldown = time.Second // between two mails to an address, at the server

// The answers that are no [auth.Reason].
const (
	ok   = "200"
	lost = "no answer" // the connection was closed, or given up
)

// person is somebody at a site, who remembers what was promised. What person
// does may be done at the same time.
type person struct {
	*site
	email string

	// Guarded by site.mu.
	private []string            // tokens and codes that were seen
	tickets map[string]string   // ticket: the answer to the mail asked for with it
	codes   []string            // in the order in which they were first seen
	logins  map[string][]string // right code: the answers
	wrong   map[string]int      // code: wrong guesses at it that were answered while it lived
	guesses int                 // all, right or wrong
	alive   map[string]bool     // session tokens, until they are ended
	ended   map[string]bool     // those of which the end was confirmed
}

var people, peers atomic.Uint32

func (s *site) newPerson() *person {
	p := &person{
		site: s, email: fmt.Sprintf("person%d@canary.example", people.Add(1)),
		tickets: map[string]string{}, logins: map[string][]string{}, wrong: map[string]int{},
		alive: map[string]bool{}, ended: map[string]bool{},
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.people = append(s.people, p)
	return p
}

// reply is an answer to a request.
type reply struct {
	code string // an error_code, ok or lost
	json map[string]any
	took time.Duration
}

func (r reply) field(name string) string {
	s, _ := r.json[name].(string)
	return s
}

// do makes a request, the answer to which has to be one of the API's, in time.
func (p *person) do(ctx context.Context, method, path string, header http.Header, body map[string]string) reply {
	p.Helper()
	server := serverOf(ctx, p.site.at)
	var content io.Reader
	if body != nil {
		doc, _ := json.Marshal(body) // strings always can be
		content = bytes.NewReader(doc)
	}
	r, err := http.NewRequestWithContext(ctx, method, server.URL+path, content)
	if err != nil {
		p.Fatal(err)
	}
	r.Header = http.Header{
		"X-Operating-Sys-Version": {"test 1.0"}, "X-Device-Fingerprint": {"device"}, "X-Agent": {"person"}, "X-Client-Id": {"app"},
		"X-Forwarded-For": {elsewhere()}, "Content-Type": {"application/json"},
	}
	maps.Copy(r.Header, header)
	began := time.Now()
	response, err := client.Do(r)
	took := time.Since(began)
	if took > 10*time.Second {
		p.Errorf("I5: %s %s took %v: %v", method, path, took, err)
	}
	if err != nil {
		return reply{code: lost, took: took}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return reply{code: lost, took: took}
	}
	return p.understand(method+" "+path, response, text, took)
}

func (p *person) understand(what string, response *http.Response, text []byte, took time.Duration) reply {
	p.Helper()
	answer := reply{code: ok, took: took}
	if err := json.Unmarshal(text, &answer.json); err != nil {
		p.Errorf("I5: %s: %d %q: %v", what, response.StatusCode, text, err)
	}
	if response.StatusCode != http.StatusOK {
		answer.code = answer.field("error_code")
		busy := answer.code == string(auth.ReasonBusy)
		if answer.code == "" || answer.field("error_msg") == "" || busy != (response.StatusCode == http.StatusInternalServerError) {
			p.Errorf("I5: %s: %d %s", what, response.StatusCode, text)
		}
	}
	if response.Header.Get("Cache-Control") != "no-store" || response.Header.Get("Content-Type") != "application/json; charset=utf-8" {
		p.Errorf("I5: %s: %v", what, response.Header)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range []string{"captcha_token", "token", "session_token", "id_token"} {
		if value := answer.field(name); value != "" {
			p.private = append(p.private, value)
		}
	}
	return answer
}

type serverKey struct{}

// through is the context of a request to a certain server.
func through(ctx context.Context, server *program.Process) context.Context {
	return context.WithValue(ctx, serverKey{}, server)
}

func serverOf(ctx context.Context, otherwise *program.Process) *program.Process {
	if server, ok := ctx.Value(serverKey{}).(*program.Process); ok {
		return server
	}
	return otherwise
}

// elsewhere is another network each time.
func elsewhere() string {
	n := peers.Add(1)
	return netip.AddrFrom16([16]byte{0x20, 0x01, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}).String()
}

// ticket solves a captcha.
func (p *person) ticket() (ticket, code string) {
	p.Helper()
	puzzle := p.do(p.Context(), "GET", "/api/v2/sdk/captcha?type=pow", nil, nil)
	if puzzle.code != ok {
		return "", puzzle.code
	}
	pow, _ := puzzle.json["pow"].(map[string]any)
	salt, _ := pow["salt"].(string)
	difficulty, _ := pow["difficulty"].(float64)
	verified := p.do(p.Context(), "POST", "/api/v2/sdk/captcha/verify", nil, map[string]string{
		"token": puzzle.field("token"), "sender": p.email, "captcha_code": solve(salt, int(difficulty)),
	})
	return verified.field("captcha_token"), verified.code
}

func solve(salt string, difficulty int) string {
	for n := 0; ; n++ {
		answer := strconv.Itoa(n)
		sum := sha256.Sum256([]byte(salt + answer))
		if bits.LeadingZeros32(uint32(sum[0])<<24|uint32(sum[1])<<16) >= difficulty {
			return answer
		}
	}
}

// send asks for a mail.
func (p *person) send(ticket string) (code string) {
	p.Helper()
	answer := p.do(p.Context(), "POST", "/api/v2/sdk/email/send", nil,
		map[string]string{"email": p.email, "type": "LOGIN_EMS", "captcha_token": ticket})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tickets[ticket] = answer.code
	return answer.code
}

// asks solves a captcha and asks for a mail.
func (p *person) asks() (code string) {
	p.Helper()
	ticket, code := p.ticket()
	if code != ok {
		return code
	}
	return p.send(ticket)
}

var errNoMail = errors.New("no mail")

// mail waits for another mail than those seen before, and returns its code.
// There may be none if the server dies.
func (p *person) mail(before int) (code string, err error) {
	p.Helper()
	for late := time.After(15 * time.Second); ; {
		if mails := p.mails(); len(mails) > before {
			code := mails[len(mails)-1].Code(p)
			p.mu.Lock()
			defer p.mu.Unlock()
			p.private = append(p.private, code)
			p.codes = append(p.codes, code)
			return code, nil
		}
		select {
		case <-p.at.Ended():
			return "", errNoMail
		case <-late:
			return "", errNoMail
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// lastCode is that of the last mail, or empty.
func (p *person) lastCode() string {
	if len(p.codes) == 0 {
		return ""
	}
	return p.codes[len(p.codes)-1]
}

// guess tries a code. right says whether it is that of the last mail.
func (p *person) guess(code string, right bool) reply { return p.guessWhile(p.Context(), code, right) }

// guessWhile is guess for somebody who goes away when ctx ends.
func (p *person) guessWhile(ctx context.Context, code string, right bool) reply {
	p.Helper()
	answer := p.do(ctx, "POST", "/api/v2/sdk/login/email-verify-code", nil, map[string]string{"email": p.email, "verify_code": code})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.guesses++
	if last := p.lastCode(); right {
		p.logins[code] = append(p.logins[code], answer.code)
	} else if answer.code == string(auth.ReasonCode) && len(p.logins[last]) == 0 {
		p.wrong[last]++
	}
	if token := answer.field("session_token"); token != "" {
		p.alive[token] = true
	}
	return answer
}

// refresh looks whether a session lives.
func (p *person) refresh(token string) (code string) {
	p.Helper()
	return p.do(p.Context(), "POST", "/api/v2/sdk/sso/session-token/id-token", http.Header{"Session-Token": {token}}, nil).code
}

// logout ends a session.
func (p *person) logout(token string) (code string) {
	p.Helper()
	code = p.do(p.Context(), "POST", "/api/v2/sdk/logout", http.Header{"Session-Token": {token}}, nil).code
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.alive, token) // whatever the answer is, nobody promises any more that it lives
	if code == ok {
		p.ended[token] = true
	}
	return code
}

// live does what people do: gets a code, mistypes it, logs in, logs out and in
// again. It returns what was in the way, or nothing.
func (p *person) live() (refused string) {
	p.Helper()
	if refused := p.gets(); refused != "" {
		return refused
	}
	return p.comesAndGoes()
}

// comesAndGoes is the part of live that follows the mail.
func (p *person) comesAndGoes() (refused string) {
	p.Helper()
	code := p.lastCode()
	if got := p.guess(other(code), false); got.code != string(auth.ReasonCode) {
		return "a wrong guess: " + got.code
	}
	login := p.guess(code, true)
	if login.code != ok {
		return "login: " + login.code
	}
	token := login.field("session_token")
	if got := p.refresh(token); got != ok {
		return "refresh: " + got
	}
	if got := p.logout(token); got != ok {
		return "logout: " + got
	}
	if got := p.refresh(token); got != string(auth.ReasonSessionInvalid) {
		return "after the logout: " + got
	}
	return ""
}

// livesAgain is live for somebody who is patient when a server that has just
// started sheds load.
func (p *person) livesAgain() (refused string) {
	p.Helper()
	for range 5 {
		if refused = p.live(); !strings.HasSuffix(refused, string(auth.ReasonBusy)) {
			break
		}
		time.Sleep(cooldown)
	}
	return refused
}

// mustGet gets a code, or ends the test.
func (p *person) mustGet() {
	p.Helper()
	if refused := p.gets(); refused != "" {
		p.Fatal(refused)
	}
}

// gets gets a code, when the cooldown allows it.
func (p *person) gets() (refused string) {
	p.Helper()
	before := len(p.mails())
	for began := time.Now(); ; time.Sleep(cooldown) {
		got := p.asks()
		if got == string(auth.ReasonLimit) && time.Since(began) < 5*cooldown {
			continue
		}
		if got != ok {
			return "send: " + got
		}
		if _, err := p.mail(before); err != nil {
			return err.Error()
		}
		return ""
	}
}

// logsIn gets a code and a session, of which it returns the token.
func (p *person) logsIn() (token string) {
	p.Helper()
	if refused := p.gets(); refused != "" {
		p.Fatalf("%s\n%s", refused, p.site.at.Stderr)
	}
	login := p.guess(p.lastCode(), true)
	if login.code != ok {
		p.Fatalf("login: %s\n%s", login.code, p.site.at.Stderr)
	}
	return login.field("session_token")
}

// other is a code that differs in one digit.
func other(code string) string {
	var b [1]byte
	_, _ = rand.Read(b[:]) // never fails
	last := int(code[len(code)-1] - '0')
	return code[:len(code)-1] + strconv.Itoa((last+1+int(b[0])%9)%10)
}
