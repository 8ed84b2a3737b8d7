package auth_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/torture"
	"example.com/mailkey/storage"
)

// flow is what a code belongs to.
type flow struct{ email, client, device string }

// What the reference knows of each thing that a request can name. None of it is
// ever forgotten, so that it can be tried again when it is long over.
type (
	refCaptcha struct {
		token, answer string
		until         time.Time
		spent         bool
	}
	refTicket struct {
		token string
		flow  flow
		until time.Time
		spent bool
	}
	refCode struct {
		code  string
		until time.Time
		left  int // guesses
		used  bool
	}
	refSession struct {
		token         string
		email, client string
		until         time.Time
		ended         bool
	}
)

// reference is the contract of the login in a hundred lines: what each request
// has to be answered. Its fields are what happened so far.
type reference struct {
	*kit
	rand  *rand.Rand
	steps []string // for whoever has to look at a failure

	captchas []*refCaptcha
	tickets  []*refTicket
	codes    map[flow]*refCode
	typed    []string // codes that there were
	sessions []*refSession
	users    map[string]string // id by address
	disabled map[string]bool
	known    map[flow]bool        // devices that logged in
	sends    map[string]time.Time // by address, and by whether the device was known
	failures map[string]int
}

func pick[T any](r *reference, from []T) T { return from[r.rand.IntN(len(from))] }

// often is true in n of ten cases.
func (r *reference) often(n int) bool { return r.rand.IntN(10) < n }

func (r *reference) flow() flow {
	return flow{pick(r, []string{"ann@b.example", "bob@b.example"}), pick(r, []string{"app", "other"}), pick(r, []string{"phone", "tablet"})}
}

// at is the kit of a flow, in a network of its own.
func (r *reference) at(f flow) *kit {
	return r.as(func(k *kit) {
		k.client, k.device = f.client, f.device
		k.peer = fmt.Sprintf("2001:%x:%x::1", r.rand.IntN(1<<16), r.rand.IntN(1<<16))
	})
}

// expect compares an answer with what it has to be.
func (r *reference) expect(a answer, want string, step string, args ...any) bool {
	r.Helper()
	step = fmt.Sprintf("%s %s: %s", time.Now().UTC().Format("02 15:04:05.000"), fmt.Sprintf(step, args...), a.code())
	r.steps = append(r.steps, step)
	if a.code() != want {
		r.Fatalf("want %s of the last of these steps:\n%s", want, strings.Join(r.steps, "\n"))
	}
	return want == "200"
}

func outcome(ok bool, reason auth.Reason) string {
	if ok {
		return "200"
	}
	return string(reason)
}

func (r *reference) captcha() {
	k := r.at(r.flow())
	token, answer := k.solve()
	r.captchas = append(r.captchas, &refCaptcha{token: token, answer: answer, until: time.Now().Add(2 * time.Minute)})
	r.steps = append(r.steps, "a captcha")
}

func (r *reference) verify() {
	if len(r.captchas) == 0 || r.often(6) {
		r.captcha()
	}
	c, f := r.captchas[len(r.captchas)-1], r.flow()
	if r.often(3) {
		c = pick(r, r.captchas)
	}
	answer := c.answer
	if r.often(2) {
		answer = strings.Repeat("x", 65)
	}
	ok := !c.spent && time.Now().Before(c.until) && answer == c.answer
	c.spent = true
	a := r.at(f).post(verifyPath, "token", c.token, "sender", f.email, "captcha_code", answer)
	if r.expect(a, outcome(ok, auth.ReasonCaptcha), "verify for %v", f) {
		r.tickets = append(r.tickets, &refTicket{token: a.field(r.T, "captcha_token"), flow: f, until: time.Now().Add(2 * time.Minute)})
	}
}

func (r *reference) send() {
	if r.often(5) {
		r.verify()
	}
	if len(r.tickets) == 0 {
		return
	}
	ticket := r.tickets[len(r.tickets)-1]
	if r.often(3) {
		ticket = pick(r, r.tickets)
	}
	f := ticket.flow
	if r.often(1) {
		f = r.flow()
	}
	now := time.Now()
	lane := fmt.Sprint(f.email, r.known[f])
	want := outcome(!ticket.spent && now.Before(ticket.until) && f == ticket.flow, auth.ReasonCaptcha)
	ticket.spent = true
	if want == "200" && now.Before(r.sends[lane].Add(time.Second)) {
		want = string(auth.ReasonLimit)
	}
	before := r.mails.count()
	if !r.expect(r.at(f).post(sendPath, "email", f.email, "type", "LOGIN_EMS", "captcha_token", ticket.token), want, "send to %v", f) {
		return
	}
	r.sends[lane] = now
	synctest.Wait()
	if r.mails.count() != before+1 {
		r.Fatalf("%d mails after it:\n%s", r.mails.count()-before, strings.Join(r.steps, "\n"))
	}
	mail, c := r.mails.last(), r.codes[f]
	if c == nil || c.used || c.left == 0 || now.After(c.until.Add(-5*time.Minute)) {
		c = &refCode{code: mail.Code, until: now.Add(10 * time.Minute), left: 5}
		r.codes[f] = c
		r.typed = append(r.typed, c.code)
	}
	if mail.Code != c.code || !mail.ExpiresAt.Equal(c.until) {
		r.Fatalf("mailed was %s until %v, want %s until %v:\n%s", mail.Code, mail.ExpiresAt, c.code, c.until, strings.Join(r.steps, "\n"))
	}
}

func (r *reference) login() {
	f, code := r.flow(), "000000"
	if r.often(7) && len(r.codes) > 0 { // where there is something to try
		flows := make([]flow, 0, len(r.codes))
		for _, email := range []string{"ann@b.example", "bob@b.example"} {
			for _, client := range []string{"app", "other"} {
				for _, device := range []string{"phone", "tablet"} {
					if g := (flow{email, client, device}); r.codes[g] != nil {
						flows = append(flows, g)
					}
				}
			}
		}
		f = pick(r, flows)
	}
	c := r.codes[f]
	switch {
	case c != nil && r.often(5):
		code = c.code
	case len(r.typed) > 0 && r.often(5):
		code = pick(r, r.typed)
	}
	now := time.Now()
	live := c != nil && !c.used && c.left > 0 && now.Before(c.until)
	if live && code != c.code && r.failures[f.email] >= 40 {
		return // the codes would get longer soon, which is not what this is about
	}
	request := r.at(f).request("POST", loginPath, object("email", f.email, "verify_code", code))
	var brought *refSession
	if len(r.sessions) > 0 && r.often(3) {
		brought = pick(r, r.sessions)
		request.Header.Set("Session-Token", brought.token)
	}
	want := auth.ReasonCode
	if live {
		if c.left--; code != c.code {
			r.failures[f.email]++
		} else {
			c.used = true
			if want = ""; r.disabled[f.email] {
				want = auth.ReasonUserDisabled
			}
		}
	}
	a := r.do(request)
	if !r.expect(a, outcome(want == "", want), "login of %v with %s", f, code) {
		return
	}
	r.failures[f.email] -= 4 - c.left
	r.known[f] = true
	if brought != nil {
		brought.ended = true
	}
	id := claims(r.T, a.field(r.T, "id_token"))["sub"].(string)
	if r.users[f.email] == "" {
		r.users[f.email] = id
	}
	if r.users[f.email] != id {
		r.Fatalf("%s is %s, was %s:\n%s", f.email, id, r.users[f.email], strings.Join(r.steps, "\n"))
	}
	r.sessions = append(r.sessions, &refSession{token: a.field(r.T, "session_token"), email: f.email, client: f.client, until: now.Add(5 * day)})
}

func (r *reference) session() {
	if len(r.sessions) == 0 {
		r.login()
		return
	}
	s, f := r.sessions[len(r.sessions)-1], r.flow()
	if r.often(6) {
		s = pick(r, r.sessions)
	}
	if r.often(7) {
		f.client = s.client
	}
	ok := !s.ended && time.Now().Before(s.until) && s.client == f.client
	k := r.at(f)
	switch r.rand.IntN(4) {
	case 0:
		s.ended = s.ended || ok
		r.expect(k.do(k.withToken("POST", logoutPath, s.token)), outcome(ok, auth.ReasonSessionInvalid), "logout at %s", f.client)
	case 1:
		r.expect(k.refresh(s.token), outcome(ok, auth.ReasonSessionInvalid), "refresh at %s", f.client)
	default:
		a := k.do(k.withToken("GET", sessionsPath, s.token))
		if !r.expect(a, outcome(ok, auth.ReasonNotSignedIn), "sessions at %s", f.client) {
			return
		}
		alive := 0
		for _, other := range r.sessions {
			if other.email == s.email && !other.ended && time.Now().Before(other.until) {
				alive++
			}
		}
		if got := strings.Count(string(a.body), `"id":`); got != alive {
			r.Fatalf("%d sessions are listed, want %d:\n%s", got, alive, strings.Join(r.steps, "\n"))
		}
	}
}

func (r *reference) administer() {
	email := r.flow().email
	id := r.users[email]
	if id == "" {
		return
	}
	r.disabled[email] = !r.disabled[email]
	change := r.auth.EnableUser
	if r.disabled[email] {
		change = r.auth.DisableUser
		for _, s := range r.sessions {
			s.ended = s.ended || s.email == email
		}
	}
	r.steps = append(r.steps, fmt.Sprintf("%s is disabled: %v", email, r.disabled[email]))
	if err := change(r.Context(), id); err != nil {
		r.Fatal(err)
	}
}

// wait lets time pass: a little, or to the moment at which something ends, a
// millisecond before it or after it.
func (r *reference) wait() {
	d := time.Duration(1+r.rand.IntN(90_000)) * time.Millisecond
	var ends []time.Time
	for _, c := range r.captchas {
		ends = append(ends, c.until)
	}
	for _, t := range r.tickets {
		ends = append(ends, t.until)
	}
	for _, f := range []flow{r.flow(), r.flow(), r.flow()} {
		if c := r.codes[f]; c != nil {
			ends = append(ends, c.until, c.until.Add(-5*time.Minute), c.until)
		}
	}
	if len(r.sessions) > 0 && r.often(1) {
		ends = append(ends, pick(r, r.sessions).until)
	}
	if r.often(6) && len(ends) > 0 {
		if until := time.Until(pick(r, ends)) + time.Duration(r.rand.IntN(3)-1)*time.Millisecond; until > 0 {
			d = until
		}
	}
	if d > time.Hour {
		r.pass(d)
	} else {
		time.Sleep(d)
	}
}

// Whatever is done in whatever order, each request is answered as the reference
// says: no step can be left out, done twice or taken over from another flow.
func TestAbuse_C25_anyOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(torture.Rounds(12, 1000)) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			onEachStore(t, func(c *auth.Config) {
				many := auth.Rate{Count: 100_000, Per: time.Hour}
				c.Limits.SendCodeDevice, c.Limits.LoginDevice = many, many
				c.Limits.Address = storage.AddressLimits{
					Cooldown: time.Second, PerHour: 1000, PerDay: 1000, StrangersPerHour: 1000, StrangersPerDay: 1000, StrangerGuessesPerDay: 1000,
				}
				c.MaxSessions = 1000
			}, func(k *kit) {
				r := &reference{
					kit: k, rand: rand.New(rand.NewPCG(seed, 0)), codes: make(map[flow]*refCode), users: make(map[string]string),
					disabled: make(map[string]bool), known: make(map[flow]bool), sends: make(map[string]time.Time), failures: make(map[string]int),
				}
				steps := []func(){r.captcha, r.verify, r.verify, r.send, r.send, r.send, r.login, r.login, r.login, r.login, r.session, r.session, r.wait, r.wait}
				for range 150 {
					pick(r, steps)()
					if r.rand.IntN(40) == 0 {
						r.administer()
					}
				}
			})
		})
	}
}
