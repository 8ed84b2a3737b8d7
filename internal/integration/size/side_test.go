package size

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
	"example.com/mailkey/captcha"
	"example.com/mailkey/internal/integration/services"
	"example.com/mailkey/middleware"
	"example.com/mailkey/storage"
	"example.com/mailkey/storage/postgres"
	"example.com/mailkey/storage/sqlite"
)

// side is a login on one database, of which there are two: one with hardly
// anything in it, and one that is full.
type side struct {
	*testing.T
	name  string
	store storage.Store
	db    *sqlx.DB // for the test's own statements
	kit   *authtest.Kit
	page  http.Handler // that somebody who is signed in sees

	users  int      // who are stored; they are called from the last one on
	tokens []string // of sessions that were not checked yet
	people int      // who came
	token  string   // of who came last
}

// unswept keeps Run from sweeping: the test says when.
type unswept struct{ storage.Store }

func (unswept) Sweep(context.Context, time.Time, int) (int, error) { return 0, nil }

// swept counts what is.
type swept struct {
	storage.Store
	removed *atomic.Int64
}

func (s swept) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	n, err := s.Store.Sweep(ctx, now, limit)
	s.removed.Add(int64(n))
	return n, err
}

func newSide(t *testing.T, name string, store storage.Store, db *sqlx.DB, users int) *side {
	t.Helper()
	s := &side{T: t, name: name, store: store, db: db, users: users}
	s.kit = authtest.New(t, func(c *auth.Config) { c.Store, c.Logger = unswept{store}, slog.New(slog.DiscardHandler) })
	s.page = middleware.RequireSession(s.kit.Auth)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	return s
}

// newSQLite makes a file, fills it, and opens it again.
func newSQLite(t *testing.T, name string, c counts, now time.Time) (s *side, opened time.Duration) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name+".db")
	open := func() *sqlite.Store {
		store, err := sqlite.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
	if err := open().Close(); err != nil {
		t.Fatal(err)
	}
	fillSQLite(t, path, c, now)
	start := time.Now()
	store := open()
	opened = time.Since(start)
	db, err := sqlx.Open("sqlite", path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return newSide(t, "sqlite, "+name, store, db, c.users), opened
}

// newPostgres makes a schema on the server, and fills it.
func newPostgres(t *testing.T, server *services.Postgres, name string, c counts, now time.Time) *side {
	t.Helper()
	config, err := pgx.ParseConfig(server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	config.RuntimeParams["search_path"] = name
	db := sqlx.NewDb(stdlib.OpenDB(*config), "pgx")
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	store, err := postgres.Open(t.Context(), db, name)
	if err != nil {
		t.Fatal(err)
	}
	fillPostgres(t, db, c, now)
	return newSide(t, "postgres, "+name, store, db, c.users)
}

// call makes a request of somebody at a device, in a network that nobody else
// is in, and returns how long the answer took.
func (s *side) call(person int, path string, fields map[string]string, answer any) time.Duration {
	s.Helper()
	method, body := http.MethodGet, ""
	if fields != nil {
		doc, err := json.Marshal(fields)
		if err != nil {
			s.Fatal(err)
		}
		method, body = http.MethodPost, string(doc)
	}
	r := httptest.NewRequest(method, "https://app.example/api/v2/sdk/"+path, strings.NewReader(body))
	r.Header = http.Header{
		"X-Operating-Sys-Version": {"test 1.0"}, "X-Agent": {"size"}, "X-Client-Id": {"app"}, "Content-Type": {"application/json"},
		"X-Device-Fingerprint": {fmt.Sprint("device ", person)},
	}
	r.RemoteAddr = fmt.Sprintf("10.%d.%d.1:1", person/256%256, person%256)
	w := httptest.NewRecorder()
	start := time.Now()
	s.kit.Handler.ServeHTTP(w, r)
	took := time.Since(start)
	if w.Code != http.StatusOK {
		s.Fatalf("%s, %s: %d %s", s.name, path, w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), answer); err != nil {
		s.Fatal(err)
	}
	return took
}

// login logs in with an address and returns how long the server took for the
// four requests.
func (s *side) login(email string) (took time.Duration) {
	s.Helper()
	s.people++
	var puzzle struct {
		Token string
		Pow   captcha.Proof
	}
	took += s.call(s.people, "captcha?type=pow", nil, &puzzle)
	var verified struct {
		Ticket string `json:"captcha_token"`
	}
	took += s.call(s.people, "captcha/verify",
		map[string]string{"token": puzzle.Token, "sender": email, "captcha_code": authtest.Solve(puzzle.Pow)}, &verified)
	var sent, in struct {
		Token string `json:"session_token"`
	}
	took += s.call(s.people, "email/send", map[string]string{"email": email, "type": "LOGIN_EMS", "captcha_token": verified.Ticket}, &sent)
	code := s.kit.Mailbox.Code(s, email)
	took += s.call(s.people, "login/email-verify-code", map[string]string{"email": email, "verify_code": code}, &in)
	s.token = in.Token
	return took
}

// loginOfUser logs a stored user in, another one each time.
func (s *side) loginOfUser() time.Duration {
	s.Helper()
	s.users--
	return s.login(emailOf(s.users))
}

// loginOfNewcomer logs somebody in who becomes a user by it.
func (s *side) loginOfNewcomer() time.Duration {
	s.Helper()
	return s.login(strings.ToLower(rand.Text()) + "@size.example")
}

// check is what every request of somebody who is signed in waits for.
func (s *side) check() time.Duration {
	s.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Session-Token", s.tokens[0])
	s.tokens = s.tokens[1:]
	w := httptest.NewRecorder()
	start := time.Now()
	s.page.ServeHTTP(w, r)
	took := time.Since(start)
	if w.Code != http.StatusOK {
		s.Fatalf("%s: a session is not known: %d", s.name, w.Code)
	}
	return took
}

// sweep removes one batch.
func (s *side) sweep(now time.Time) (removed int, took time.Duration) {
	s.Helper()
	start := time.Now()
	removed, err := s.store.Sweep(s.Context(), now, batch)
	if err != nil {
		s.Fatalf("%s: %v", s.name, err)
	}
	return removed, time.Since(start)
}

// signIn adds n sessions whose tokens are known, of users who do not log in here.
// They are like that of somebody who logs in, and were seen not long ago, so that
// to check them writes nothing.
func (s *side) signIn(n int) {
	s.Helper()
	s.loginOfUser()
	tx, err := s.db.BeginTxx(s.Context(), nil)
	if err != nil {
		s.Fatal(err)
	}
	insert := s.db.Rebind(`
		INSERT INTO sessions (token_hash, id, user_id, client_id, agent, os, claimed_ip, ip, data, created_at, last_seen_at, expires_at)
		SELECT ?, ?, ?, client_id, agent, os, claimed_ip, ip, data, created_at, last_seen_at + 7200000, expires_at
		  FROM sessions WHERE token_hash = ?`)
	for range n {
		token := make([]byte, 32)
		_, _ = rand.Read(token) // never fails
		s.tokens = append(s.tokens, base64.RawURLEncoding.EncodeToString(token))
		user := binary.BigEndian.Uint32(token) % uint32(s.users/2)
		_, err := tx.ExecContext(s.Context(), insert, hash(s.tokens[len(s.tokens)-1]), rand.Text(), userID(int(user)), hash(s.token))
		if err != nil {
			s.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		s.Fatal(err)
	}
}

// hash is what is stored of a token.
func hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// ask returns the one value of a query.
func (s *side) ask(query string) (value string) {
	s.Helper()
	if err := s.db.GetContext(s.Context(), &value, query); err != nil {
		s.Fatalf("%s: %v", query, err)
	}
	return value
}
