package middleware_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
	"example.com/mailkey/captcha"
	"example.com/mailkey/storage"
	"example.com/mailkey/storage/memory"
	"example.com/mailkey/storage/sqlite"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // issuers that are down are reported there
	os.Exit(m.Run())
}

// kit is a login on a store that counts.
type kit struct {
	testing.TB
	auth  *auth.Auth
	conf  auth.Config
	mails *authtest.Mailbox
	store *countingStore
	lang  string
	stop  func() // ends the work in the background
}

// onEachStore runs f with a kit on memory and on SQLite.
func onEachStore(t *testing.T, f func(t *testing.T, k *kit)) {
	t.Parallel()
	t.Run("memory", func(t *testing.T) { t.Parallel(); f(t, newKit(t, memory.New(), nil)) })
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); f(t, newKit(t, openSQLite(t), nil)) })
}

func openSQLite(tb testing.TB) storage.Store {
	store, err := sqlite.Open(context.Background(), filepath.Join(tb.TempDir(), "test.db"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = store.Close() })
	return store
}

func newKit(tb testing.TB, store storage.Store, change func(*auth.Config)) *kit {
	tb.Helper()
	counting := &countingStore{Store: store}
	k := authtest.New(tb, func(c *auth.Config) {
		c.Store = counting
		c.Clients = []auth.Client{{ID: "app"}, {ID: "other"}, {ID: "web", Cookie: true}}
		c.Logger = slog.New(slog.DiscardHandler)
		if change != nil {
			change(c)
		}
	})
	return &kit{TB: tb, auth: k.Auth, conf: k.Config, mails: k.Mailbox, store: counting, lang: "en", stop: k.Stop}
}

// run works in the background, once more, until stop is called.
func (k *kit) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- k.auth.Run(ctx) }()
	return func() { cancel(); <-done }
}

// request makes a request that one of the login's endpoints accepts.
func (k *kit) request(method, path, client, body string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "X-Operating-Sys-Version": "windows10.1.1", "X-Agent": "Mozilla/5.0",
		"X-Device-Fingerprint": "156aysdna213sc50", "X-Client-Id": client, "X-L": k.lang,
	} {
		r.Header.Set(name, value)
	}
	return r
}

// call makes such a request and reads the JSON of its answer into reply.
func (k *kit) call(r *http.Request, reply any) *httptest.ResponseRecorder {
	k.Helper()
	w := serve(k.auth.Handler(), r)
	if w.Code != http.StatusOK {
		k.Fatalf("%s: %d %s", r.URL, w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), reply); err != nil {
		k.Fatalf("%s: %v in %s", r.URL, err, w.Body)
	}
	return w
}

// signedIn is what a login leaves the client with.
type signedIn struct{ session, idToken string }

// login logs in from the captcha to the session. An address gets one mail in a
// minute.
func (k *kit) login(client, email string) signedIn {
	k.Helper()
	var c struct {
		Token string
		Pow   captcha.Proof
	}
	k.call(k.request("GET", "/api/v2/sdk/captcha?type=pow", client, ""), &c)
	var ticket struct {
		Token string `json:"captcha_token"`
	}
	k.call(k.request("POST", "/api/v2/sdk/captcha/verify", client,
		fmt.Sprintf(`{"token":%q,"sender":%q,"captcha_code":%q}`, c.Token, email, authtest.Solve(c.Pow))), &ticket)
	k.call(k.request("POST", "/api/v2/sdk/email/send", client,
		fmt.Sprintf(`{"email":%q,"type":"LOGIN_EMS","captcha_token":%q}`, email, ticket.Token)), new(any))
	var reply struct {
		Session string `json:"session_token"`
		IDToken string `json:"id_token"`
	}
	w := k.call(k.request("POST", "/api/v2/sdk/login/email-verify-code", client,
		fmt.Sprintf(`{"email":%q,"verify_code":%q}`, email, k.mails.Code(k, email))), &reply)
	for _, c := range w.Result().Cookies() {
		reply.Session = c.Value
	}
	if reply.Session == "" || reply.IDToken == "" {
		k.Fatalf("login: %s %v", w.Body, w.Header())
	}
	return signedIn{reply.Session, reply.IDToken}
}

// refresh returns a fresh id_token for the session of a header client.
func (k *kit) refresh(token string) (idToken string) {
	k.Helper()
	r := k.request("POST", "/api/v2/sdk/sso/session-token/id-token", "app", "")
	r.Header.Set("Session-Token", token)
	var reply struct {
		IDToken string `json:"id_token"`
	}
	k.call(r, &reply)
	return reply.IDToken
}

// logout ends the session of a header client.
func (k *kit) logout(token string) {
	k.Helper()
	r := k.request("POST", "/api/v2/sdk/logout", "app", "")
	r.Header.Set("Session-Token", token)
	k.call(r, new(any))
}

// countingStore counts what happens to sessions and keys.
type countingStore struct {
	storage.Store
	finds, saves, touches, keyReads atomic.Int64

	failing atomic.Pointer[error] // of FindSession
}

func (s *countingStore) FindSession(ctx context.Context, tokenHash string, now time.Time) (storage.LiveSession, bool, error) {
	s.finds.Add(1)
	if err := s.failing.Load(); err != nil {
		return storage.LiveSession{}, false, *err
	}
	return s.Store.FindSession(ctx, tokenHash, now)
}

func (s *countingStore) SaveSessionData(ctx context.Context, tokenHash string, data []byte, now time.Time) (bool, error) {
	s.saves.Add(1)
	return s.Store.SaveSessionData(ctx, tokenHash, data, now)
}

func (s *countingStore) TouchSession(ctx context.Context, tokenHash string, now time.Time) error {
	s.touches.Add(1)
	return s.Store.TouchSession(ctx, tokenHash, now)
}

func (s *countingStore) LoadKeys(ctx context.Context) ([]byte, int64, error) {
	s.keyReads.Add(1)
	return s.Store.LoadKeys(ctx)
}

// counts are the reads and writes since the last call.
func (s *countingStore) counts() (finds, saves, touches int64) {
	return s.finds.Swap(0), s.saves.Swap(0), s.touches.Swap(0)
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// edit changes a request.
type edit func(*http.Request)

func request(method, target string, edits ...edit) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	for _, e := range edits {
		e(r)
	}
	return r
}

func header(name, value string) edit { return func(r *http.Request) { r.Header.Add(name, value) } }

func byCookie(token string) edit {
	return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: auth.CookieName, Value: token}) }
}

func bySessionToken(token string) edit { return header("session-token", token) }
func byBearer(token string) edit       { return header("Authorization", "Bearer "+token) }

// whoami answers with who is calling.
var whoami = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	id, ok := auth.FromContext(r.Context())
	if !ok {
		fmt.Fprint(w, "nobody")
		return
	}
	fmt.Fprint(w, id.Email)
})

// unreachable fails the test when it is reached.
func unreachable(t *testing.T) http.Handler {
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the handler was reached: %s %s %v", r.Method, r.URL, r.Header)
	})
}

// wantRefusal checks that an answer has the contract's form.
func wantRefusal(t *testing.T, w *httptest.ResponseRecorder, status int, code, text string) {
	t.Helper()
	want := fmt.Sprintf("{\"error_code\":%q,\"error_msg\":%q}\n", code, text)
	if got := w.Body.String(); w.Code != status || got != want {
		t.Errorf("got %d %s, want %d %s", w.Code, got, status, want)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json; charset=utf-8", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if got := w.Header().Values("Set-Cookie"); len(got) > 0 {
		t.Errorf("Set-Cookie: %q", got)
	}
}

func wantNotSignedIn(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	wantRefusal(t, w, 401, "MAILKEY.SESSION.0001", "Not signed in")
}

func wantBody(t *testing.T, w *httptest.ResponseRecorder, want string) {
	t.Helper()
	if got := w.Body.String(); w.Code != 200 || got != want {
		t.Errorf("got %d %q, want 200 %q", w.Code, got, want)
	}
}
