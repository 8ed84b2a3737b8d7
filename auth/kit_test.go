package auth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
	"example.com/mailkey/captcha"
	"example.com/mailkey/storage"
	"example.com/mailkey/storage/memory"
)

// kit is a login served over HTTP inside a bubble of fake time: the connections
// are pipes, everything else is real.
type kit struct {
	*testing.T
	auth  *auth.Auth
	conf  auth.Config
	mails *mailbox
	log   *syncBuffer
	http  *http.Client
	stop  func() // ends Run

	peer   string // that requests come from, through a trusted proxy
	device string
	client string
	lang   string
	prefix string // that everything is mounted under
}

// play runs f with a kit whose configuration was changed by change, if that is
// not nil. Run works in the background.
func play(t *testing.T, change func(*auth.Config), f func(k *kit)) {
	t.Helper()
	playOn(t, openMemory, change, f)
}

// playOn is play on a store of one's choice.
func playOn(t *testing.T, open func(*testing.T) storage.Store, change func(*auth.Config), f func(k *kit)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t, open(t), change)
		k.run()
		synctest.Wait()
		f(k)
	})
}

var testSecret = auth.Secret("correct horse battery staple 0123456789")

func openMemory(*testing.T) storage.Store { return memory.New() }

func newKit(t *testing.T, store storage.Store, change func(*auth.Config)) *kit {
	t.Helper()
	k := &kit{
		T: t, mails: &mailbox{}, log: &syncBuffer{},
		peer: "192.0.2.1", device: "156aysdna213sc50", client: "app", lang: "en",
	}
	k.conf = auth.Config{
		Store:            store,
		Mailer:           k.mails,
		Secret:           testSecret,
		Issuer:           "https://app.example",
		ProductName:      "Acme",
		Clients:          []auth.Client{{ID: "app"}, {ID: "other"}, {ID: "web", Cookie: true}},
		Captchas:         []captcha.Engine{captcha.ProofOfWork(1), captcha.Digits()},
		SigningAlgorithm: auth.ES256,
		TrustedProxies:   []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		Logger:           slog.New(slog.NewTextHandler(k.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&k.conf)
	}
	k.restart()
	k.Cleanup(func() { canariesOf(t).searchLog(k) })
	return k
}

// restart makes a new Auth of the same configuration, as another process would.
func (k *kit) restart() {
	k.Helper()
	a, err := auth.New(k.conf)
	if err != nil {
		k.Fatal(err)
	}
	k.auth = a
	k.http = k.serve(a.Handler())
}

// serve returns a client whose every connection leads to the handler.
func (k *kit) serve(h http.Handler) *http.Client {
	l := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: recorded(h, k.conf), ErrorLog: slog.NewLogLogger(k.conf.Logger.Handler(), slog.LevelError)}
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(l) }()
	transport := &http.Transport{DialContext: l.dial}
	k.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		<-served
		time.Sleep(time.Second) // net/http lingers for half a second where it closes a connection
	})
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// run starts Run, which the end of the test or stop ends.
func (k *kit) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- k.auth.Run(ctx) }()
	k.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			k.Errorf("Run: %v", err)
		}
	})
	k.Cleanup(k.stop)
}

// pass lets a long time pass, in which nothing runs in the background: looking
// into the outbox every second of a year takes long even in fake time.
func (k *kit) pass(d time.Duration) {
	k.stop()
	time.Sleep(d)
	k.run()
	synctest.Wait()
}

// answer is a response, read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// code is the error_code, or "200".
func (a answer) code() string {
	var body struct {
		Code string `json:"error_code"`
	}
	if a.status == http.StatusOK {
		return "200"
	}
	if json.Unmarshal(a.body, &body) != nil {
		return string(a.body)
	}
	return body.Code
}

func (a answer) field(t *testing.T, name string) string {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal(a.body, &body); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
	s, _ := body[name].(string)
	return s
}

// request makes a request with all the headers that the contract asks for.
func (k *kit) request(method, path, body string) *http.Request {
	k.Helper()
	r, err := http.NewRequestWithContext(k.Context(), method, "http://app.example"+k.prefix+path, strings.NewReader(body))
	if err != nil {
		k.Fatal(err)
	}
	if body == "" {
		r.Body, r.ContentLength = nil, 0
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "X-Operating-Sys-Version": "windows10.1.1", "X-Agent": "Mozilla/5.0",
		"X-Device-Fingerprint": k.device, "X-Client-Id": k.client, "X-L": k.lang, "X-Forwarded-For": k.peer,
	} {
		r.Header.Set(name, value)
	}
	return r
}

func (k *kit) do(r *http.Request) answer {
	k.Helper()
	res, err := k.http.Do(r)
	if err != nil {
		k.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		k.Fatal(err)
	}
	a := answer{res.StatusCode, res.Header, body}
	canariesOf(k.T).answered(a)
	return a
}

func (k *kit) get(path string) answer { k.Helper(); return k.do(k.request("GET", path, "")) }

// post sends an object of strings, given as names and values in turn.
func (k *kit) post(path string, fields ...string) answer {
	k.Helper()
	return k.do(k.request("POST", path, object(fields...)))
}

func object(fields ...string) string {
	body := make(map[string]string)
	for i := 0; i < len(fields); i += 2 {
		body[fields[i]] = fields[i+1]
	}
	doc, _ := json.Marshal(body)
	return string(doc)
}

const (
	captchaPath = "/api/v2/sdk/captcha"
	verifyPath  = "/api/v2/sdk/captcha/verify"
	sendPath    = "/api/v2/sdk/email/send"
	loginPath   = "/api/v2/sdk/login/email-verify-code"
	logoutPath  = "/api/v2/sdk/logout"
)

// solve gets a proof of work of one bit and solves it.
func (k *kit) solve() (token, code string) {
	k.Helper()
	a := k.get(captchaPath + "?type=pow")
	var c struct {
		Token string
		Pow   captcha.Proof
	}
	if err := json.Unmarshal(a.body, &c); err != nil || a.status != 200 {
		k.Fatalf("captcha: %d %s", a.status, a.body)
	}
	return c.Token, authtest.Solve(c.Pow)
}

// ticket passes a captcha for the address.
func (k *kit) ticket(email string) string {
	k.Helper()
	token, code := k.solve()
	a := k.post(verifyPath, "token", token, "sender", email, "captcha_code", code)
	if a.status != 200 {
		k.Fatalf("verify: %d %s", a.status, a.body)
	}
	return a.field(k.T, "captcha_token")
}

// send passes a captcha and asks for a code.
func (k *kit) send(email string) answer {
	k.Helper()
	return k.post(sendPath, "email", email, "type", "LOGIN_EMS", "captcha_token", k.ticket(email))
}

// code has a code mailed and returns it.
func (k *kit) code(email string) string {
	k.Helper()
	before := k.mails.count()
	if a := k.send(email); a.status != 200 {
		k.Fatalf("send: %d %s", a.status, a.body)
	}
	synctest.Wait()
	if k.mails.count() != before+1 {
		k.Fatalf("%d mails, want one more than %d", k.mails.count(), before)
	}
	return k.mails.last().Code
}

func (k *kit) login(email, code string) answer {
	k.Helper()
	return k.post(loginPath, "email", email, "verify_code", code)
}

// as returns the same kit for another device, client or peer.
func (k *kit) as(change func(*kit)) *kit {
	other := *k
	change(&other)
	return &other
}

func onDevice(fingerprint string) func(*kit) { return func(k *kit) { k.device = fingerprint } }

func wrong(code string) string {
	last := code[len(code)-1]
	other := byte('1')
	if last == other {
		other = '2'
	}
	return code[:len(code)-1] + string(other)
}

// mailbox is a Mailer that keeps the mails, or fails as it is told.
type mailbox struct {
	authtest.Mailbox

	mu    sync.Mutex
	tried []auth.CodeMail
	fail  func(try int) error // nil result: deliver
}

func (m *mailbox) SendCode(ctx context.Context, mail auth.CodeMail) error {
	m.mu.Lock()
	m.tried = append(m.tried, mail)
	fail, try := m.fail, len(m.tried)
	m.mu.Unlock()
	if fail != nil {
		if err := fail(try); err != nil {
			return err
		}
	}
	return m.Mailbox.SendCode(ctx, mail)
}

// failing tells how the next mails end; nil as the result of fail delivers.
func (m *mailbox) failing(fail func(try int) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = fail
}

func (m *mailbox) count() int { return len(m.Mails()) }

func (m *mailbox) last() auth.CodeMail {
	mails := m.Mails()
	return mails[len(mails)-1]
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// pipeListener connects clients and server without a network, so that the time
// they wait is fake, too.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *pipeListener) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- proxied{server}:
		return client, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

// proxied is a connection that comes from a trusted proxy.
type proxied struct{ net.Conn }

func (proxied) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// alive reports whether the store would let the token in.
func (k *kit) alive(token string) bool {
	k.Helper()
	_, ok, err := k.conf.Store.FindSession(k.Context(), auth.HashToken(token), time.Now())
	if err != nil {
		k.Fatal(err)
	}
	return ok
}
