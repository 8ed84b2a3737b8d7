package browser

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
	"example.com/mailkey/auth/loginpage"
	"example.com/mailkey/captcha"
	"example.com/mailkey/middleware"
	"example.com/mailkey/storage"
)

// site is an app with a login, the login page at /login, a page for everybody
// at / and one for people who are signed in at /account.
type site struct {
	auth   *auth.Auth
	server *httptest.Server
	url    string // http://localhost:port
	mails  *authtest.Mailbox
	clock  *clockStore
	right  *answers

	held  sync.Map // path → channel: requests wait until it is closed
	count sync.Map // path → *atomic.Int64: requests so far
}

// siteConfig is what a test may change.
type siteConfig struct {
	auth   auth.Config
	page   loginpage.Options
	prefix string // below which the API is mounted
}

func newSite(t *testing.T, changes ...func(*siteConfig)) *site {
	t.Helper()
	s := &site{server: httptest.NewUnstartedServer(nil), right: new(answers)}
	s.url = strings.Replace("http://"+s.server.Listener.Addr().String(), "127.0.0.1", "localhost", 1)
	var config siteConfig
	kit := authtest.New(t, func(c *auth.Config) {
		s.clock = &clockStore{Store: c.Store}
		c.Store, c.Limits, c.ProductName = s.clock, auth.Limits{}, "Acme Notes"
		c.Captchas = []captcha.Engine{
			digitsEngine{captcha.Digits(), s.right}, sliderEngine{captcha.Slider(), s.right}, captcha.ProofOfWork(10),
		}
		config.auth = *c
		for _, change := range changes {
			change(&config)
		}
		*c = config.auth
		c.Issuer = s.url + config.prefix
	})
	s.auth, s.mails = kit.Auth, kit.Mailbox
	page, err := loginpage.New(s.auth, config.page)
	if err != nil {
		t.Fatal(err)
	}
	at := cmp.Or(config.page.Path, "/login")
	app := http.NewServeMux()
	app.Handle(config.prefix+"/api/", s.auth.Handler())
	app.Handle(at, page)
	app.Handle(at+"/", page)
	app.Handle("/account", middleware.RequireSession(s.auth, middleware.LoginPage(at))(http.HandlerFunc(account)))
	app.HandleFunc("/logo.svg", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/svg+xml")
		fmt.Fprint(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="#2456d3"/><path d="M9 23V9l14 14V9" fill="none" stroke="#fff" stroke-width="3.5"/></svg>`)
	})
	app.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { html(w, "<p id=home>Welcome") })
	s.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		count, _ := s.count.LoadOrStore(r.URL.Path, new(atomic.Int64))
		count.(*atomic.Int64).Add(1)
		if hold, ok := s.held.Load(r.URL.Path); ok {
			<-hold.(chan struct{})
		}
		app.ServeHTTP(w, r)
	})
	s.server.Start()
	t.Cleanup(s.server.Close)
	return s
}

// hold makes requests for the path wait until it is called.
func (s *site) hold(t *testing.T, path string) (release func()) {
	hold := make(chan struct{})
	s.held.Store(path, hold)
	release = sync.OnceFunc(func() { close(hold) })
	t.Cleanup(release)
	return release
}

// served returns how many requests there were for the path.
func (s *site) served(path string) int64 {
	count, ok := s.count.Load(path)
	if !ok {
		return 0
	}
	return count.(*atomic.Int64).Load()
}

func account(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	html(w, "<p id=account>Account of "+id.Email+" <a href=/login/sessions>Devices</a>")
}

func html(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<!doctype html><html lang=en><title>App</title><link rel=icon href=data:,>%s", body)
}

// clockStore is a store whose clock can be put forward, as far as codes are
// concerned.
type clockStore struct {
	storage.Store
	mu    sync.Mutex
	ahead time.Duration
}

func (s *clockStore) forward(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
}

func (s *clockStore) at(now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return now.Add(s.ahead)
}

func (s *clockStore) RequestCode(ctx context.Context, r storage.CodeRequest, limits storage.AddressLimits, now time.Time) (storage.CodeRequested, error) {
	return s.Store.RequestCode(ctx, r, limits, s.at(now))
}

func (s *clockStore) ClaimMails(ctx context.Context, limit int, lease, minLife time.Duration, now time.Time) ([]storage.Mail, error) {
	return s.Store.ClaimMails(ctx, limit, lease, minLife, s.at(now))
}

func (s *clockStore) FindChallenge(ctx context.Context, binding []byte, limits storage.AddressLimits, now time.Time) (storage.Challenge, bool, error) {
	return s.Store.FindChallenge(ctx, binding, limits, s.at(now))
}

func (s *clockStore) Redeem(ctx context.Context, g storage.Guess, limits storage.AddressLimits, now time.Time) (storage.Redeemed, error) {
	return s.Store.Redeem(ctx, g, limits, s.at(now))
}

// answers are those to the newest captchas.
type answers struct {
	mu     sync.Mutex
	digits string
	x      int // of the slider
}

func (a *answers) get() (digits string, x int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.digits, a.x
}

// digitsEngine is captcha.Digits, whose state is the digits as text.
type digitsEngine struct {
	captcha.AudioEngine
	answers *answers
}

// New implements [captcha.Engine].
func (e digitsEngine) New() ([]byte, captcha.Puzzle, error) {
	state, puzzle, err := e.AudioEngine.New()
	e.answers.mu.Lock()
	defer e.answers.mu.Unlock()
	e.answers.digits = string(state)
	return state, puzzle, err
}

// sliderEngine is captcha.Slider, whose answer is found by trying: the middle
// of those that are right.
type sliderEngine struct {
	captcha.Engine
	answers *answers
}

// New implements [captcha.Engine].
func (e sliderEngine) New() ([]byte, captcha.Puzzle, error) {
	state, puzzle, err := e.Engine.New()
	var right []int
	for x := range 310 {
		if ok, _ := e.Check(context.Background(), state, captcha.Answer{Point: fmt.Sprintf(`{"x":%d,"y":5}`, x)}); ok {
			right = append(right, x)
		}
	}
	e.answers.mu.Lock()
	defer e.answers.mu.Unlock()
	e.answers.x = right[len(right)/2]
	return state, puzzle, err
}
