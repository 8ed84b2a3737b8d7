package burst_test

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/captcha"
	"example.com/mailkey/internal/integration/burst"
	"example.com/mailkey/storage"
	"example.com/mailkey/storage/memory"
	"example.com/mailkey/storage/sqlite"
)

const (
	verifyPath  = "/api/v2/sdk/captcha/verify"
	sendPath    = "/api/v2/sdk/email/send"
	loginPath   = "/api/v2/sdk/login/email-verify-code"
	refreshPath = "/api/v2/sdk/sso/session-token/id-token"
	logoutPath  = "/api/v2/sdk/logout"
	pagePath    = "/page"
)

const (
	captchaRefused = "IDAAS.SDK.CAPTCHA.0002"
	codeRefused    = "IDAAS.SDK.CAPTCHA.0007"
	tokenRefused   = "IDAAS.SDK.PARAM.0023"
	busy           = "IDAAS.SDK.COM.0002"
)

// stores are all there are: each returns a function that connects one more
// instance to the same data.
var stores = map[string]func(t *testing.T) (connect func() storage.Store){
	"memory": func(*testing.T) func() storage.Store {
		store := memory.New()
		return func() storage.Store { return store }
	},
	"sqlite": func(t *testing.T) func() storage.Store {
		store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "burst.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		})
		return func() storage.Store { return store }
	},
}

// house is a login under siege: one or more instances that share a store.
type house struct {
	*testing.T
	servers []*burst.Server
	auths   []*auth.Auth
	store   storage.Store
	watcher *watcher
	mails   *mailbox

	until   context.Context
	running *sync.WaitGroup
	stop    func() // lets what is being delivered come to its end
}

// siege plays f on each store.
func siege(t *testing.T, instances int, change func(*auth.Config), f func(h *house)) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			h := &house{T: t, mails: newMailbox(), watcher: newWatcher()}
			var cancel context.CancelFunc
			h.until, cancel = context.WithCancel(context.Background())
			h.running = new(sync.WaitGroup)
			h.stop = func() { cancel(); h.running.Wait() }
			connect := open(t)
			t.Cleanup(h.stop) // before the store is closed
			for range instances {
				h.store = connect()
				config := auth.Config{
					Store:            watched{h.store, h.watcher},
					Mailer:           h.mails,
					Secret:           auth.Secret("correct horse battery staple 0123456789"),
					Issuer:           "https://burst.example",
					Clients:          []auth.Client{{ID: "app"}},
					Captchas:         []captcha.Engine{captcha.ProofOfWork(1)},
					SigningAlgorithm: auth.ES256,
					TrustedProxies:   []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
					Logger:           slog.New(slog.DiscardHandler),
				}
				config.Limits.LoginDevice = auth.Rate{Count: 1000, Per: 10 * time.Second} // the code's own five are what is tested
				if change != nil {
					change(&config)
				}
				h.open(config)
			}
			h.ready()
			f(h)
		})
	}
}

// open adds an instance, which works until stop.
func (h *house) open(config auth.Config) {
	h.Helper()
	a, err := auth.New(config)
	if err != nil {
		h.Fatal(err)
	}
	h.auths = append(h.auths, a)
	h.servers = append(h.servers, burst.Serve(h, withPage(a)))
	h.running.Go(func() {
		if err := a.Run(h.until); err != nil {
			h.Error(err)
		}
	})
}

// ready waits until somebody says that mails are delivered.
func (h *house) ready() {
	h.Helper()
	for late := time.After(30 * time.Second); ; {
		if beat, err := h.store.LastBeat(h.Context()); err != nil {
			h.Fatal(err)
		} else if !beat.IsZero() {
			return
		}
		select {
		case <-time.After(time.Millisecond):
		case <-late:
			h.Fatal("Run does not run")
		}
	}
}

// eachWay makes rounds of bursts in each way. A round may turn out not to prove
// anything.
func (h *house) eachWay(rounds int, round func(h *house, way burst.Way) (ok bool)) {
	for _, way := range ways {
		h.Run(way.Name, func(t *testing.T) {
			in := *h
			in.T = t
			for done, failed := 0, 0; done < rounds; {
				if round(&in, way) {
					done++
				} else if failed++; failed > 5+rounds/10 {
					t.Fatalf("%d rounds of %d: the machine is too busy", done, rounds)
				}
			}
		})
	}
}

// fire sends n requests at once, to all instances; ok is false when the machine
// was too busy to answer them all in time.
func (h *house) fire(way burst.Way, n int, request func(i int) burst.Request) (answers []burst.Answer, ok bool) {
	h.Helper()
	requests := make([]burst.Request, n)
	for i := range requests {
		requests[i] = request(i)
	}
	answers = way.Fire(h, requests, h.servers...)
	return answers, answers != nil && !slices.ContainsFunc(answers, func(a burst.Answer) bool {
		c := code(h, a)
		return c == busy || c == "MAILKEY.REQUEST.0009"
	})
}

// person returns an address that nobody had before.
func person() string { return fmt.Sprintf("ann%d@b.example", people.Add(1)) }

var people, peers atomic.Uint32

// request is one of a client that is never in the same network twice.
func request(method, path string, fields ...string) burst.Request {
	peer := [16]byte{0x20, 0x01}
	binary.BigEndian.PutUint32(peer[2:], peers.Add(1))
	r := burst.Request{Method: method, Path: path, Header: http.Header{
		"X-Operating-Sys-Version": {"test 1.0"}, "X-Device-Fingerprint": {"a device"}, "X-Agent": {"burst"}, "X-Client-Id": {"app"},
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

func guess(email, code string) burst.Request {
	return request("POST", loginPath, "email", email, "verify_code", code)
}

// with returns the request with one more header.
func with(r burst.Request, name, value string) burst.Request {
	r.Header = r.Header.Clone()
	r.Header.Set(name, value)
	return r
}

// call makes one request of the first instance.
func (h *house) call(r burst.Request) burst.Answer { return h.servers[0].Call(r) }

// ok is call for a request that has to succeed.
func (h *house) ok(r burst.Request) burst.Answer {
	h.Helper()
	a := h.call(r)
	if a.Status != http.StatusOK {
		h.Fatalf("%s: %d %s", r.Path, a.Status, a.Body)
	}
	return a
}

// field is a field of an answer.
func field(t testing.TB, a burst.Answer, name string) string {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal([]byte(a.Body), &body); err != nil {
		t.Fatalf("%s: %v", a.Body, err)
	}
	s, _ := body[name].(string)
	return s
}

// code is an answer's error_code, or its status.
func code(t testing.TB, a burst.Answer) string {
	t.Helper()
	if a.Status == http.StatusOK {
		return "200"
	}
	return cmp.Or(field(t, a, "error_code"), strconv.Itoa(a.Status))
}

// tally counts the answers by their codes.
func tally(t testing.TB, answers []burst.Answer) map[string]int {
	t.Helper()
	counts := make(map[string]int)
	for _, a := range answers {
		counts[code(t, a)]++
	}
	return counts
}

// puzzle gets a captcha, which a hash solves.
func (h *house) puzzle() (token, answer string) {
	h.Helper()
	a := h.ok(request("GET", "/api/v2/sdk/captcha?type=pow"))
	var c struct {
		Token string
		Pow   captcha.Proof
	}
	if err := json.Unmarshal([]byte(a.Body), &c); err != nil {
		h.Fatal(err)
	}
	return c.Token, solve(c.Pow)
}

// ticket gets a captcha_token for the address.
func (h *house) ticket(email string) string {
	h.Helper()
	token, answer := h.puzzle()
	return field(h, h.ok(request("POST", verifyPath, "token", token, "captcha_code", answer, "sender", email)), "captcha_token")
}

// mailed has a code mailed and returns it.
func (h *house) mailed(email string) string {
	h.Helper()
	h.ok(request("POST", sendPath, "email", email, "type", "LOGIN_EMS", "captcha_token", h.ticket(email)))
	return h.mails.wait(h, email).Code
}

// signedIn logs in and returns the session_token.
func (h *house) signedIn(email string) string {
	h.Helper()
	return field(h, h.ok(guess(email, h.mailed(email))), "session_token")
}

// noSecondMail ends delivery and looks whether somebody got two mails, or will.
func (h *house) noSecondMail() {
	h.Helper()
	h.stop()
	for email, mails := range h.mails.mails {
		if len(mails) > 1 {
			h.Errorf("%d mails to %s", len(mails), email)
		}
	}
	due, err := h.store.ClaimMails(h.Context(), 1000, time.Minute, 0, time.Now().Add(time.Minute))
	if err != nil || len(due) > 0 {
		h.Errorf("%d mails are still to come, %v", len(due), err)
	}
}
