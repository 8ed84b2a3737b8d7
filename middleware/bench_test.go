package middleware_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"github.com/golang-jwt/jwt/v5"

	"example.com/mailkey/auth"
	"example.com/mailkey/middleware"
	"example.com/mailkey/storage/memory"
)

// discard is a ResponseWriter that costs nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(status int) {
	if status >= 400 {
		panic(http.StatusText(status))
	}
}

// requests serves one request after the other.
func requests(b *testing.B, h http.Handler, r *http.Request) {
	b.Helper()
	w := discard{make(http.Header)}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		h.ServeHTTP(w, r)
	}
}

// parallel serves them from all processors.
func parallel(b *testing.B, h http.Handler, r *http.Request) {
	b.Helper()
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		w := discard{make(http.Header)}
		for p.Next() {
			clear(w.header)
			h.ServeHTTP(w, r)
		}
	})
}

// BenchmarkSession is what it costs a request to know who is calling: nothing
// at all, with scs alone and the user's id as a value, and with ours.
func BenchmarkSession(b *testing.B) {
	ours := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if id, ok := auth.FromContext(r.Context()); !ok || id.UserID == "" {
			b.Error("nobody")
		}
	})
	b.Run("bare", func(b *testing.B) {
		requests(b, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), request("GET", "/"))
	})
	for _, store := range []string{"memory", "sqlite"} {
		b.Run("scs/"+store, func(b *testing.B) {
			h, r := scsAlone(b, store, scs.GobCodec{}) // as it comes
			b.Run("one", func(b *testing.B) { requests(b, h, r) })
			b.Run("parallel", func(b *testing.B) { parallel(b, h, r) })
			h, r = scsAlone(b, store, jsonCodec{})
			b.Run("one, with JSON", func(b *testing.B) { requests(b, h, r) })
		})
		k := func(b *testing.B) *kit {
			if store == "memory" {
				return newKit(b, memory.New(), nil)
			}
			return newKit(b, openSQLite(b), nil)
		}
		b.Run("LoadSession/"+store, func(b *testing.B) {
			k := k(b)
			h, r := middleware.LoadSession(k.auth)(ours), request("GET", "/", byCookie(k.login("web", "a@b.example").session))
			b.Run("one", func(b *testing.B) { requests(b, h, r) })
			b.Run("parallel", func(b *testing.B) { parallel(b, h, r) })
		})
		b.Run("RequireSession/"+store, func(b *testing.B) {
			k := k(b)
			h, r := middleware.RequireSession(k.auth)(ours), request("GET", "/", bySessionToken(k.login("app", "a@b.example").session))
			b.Run("one", func(b *testing.B) { requests(b, h, r) })
		})
	}
	b.Run("LoadSession of nobody", func(b *testing.B) {
		k := newKit(b, memory.New(), nil)
		requests(b, middleware.LoadSession(k.auth)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})), request("GET", "/"))
	})
}

// scsAlone is an app with scs and nothing else, and a request of somebody who
// is signed in to it.
func scsAlone(b *testing.B, store string, codec scs.Codec) (http.Handler, *http.Request) {
	b.Helper()
	m := scs.New()
	m.HashTokenInStore, m.Codec = true, codec
	m.Store = memstore.NewWithCleanupInterval(0)
	if store == "sqlite" {
		m.Store = newSCSTable(b)
	}
	ctx, err := m.Load(b.Context(), "")
	if err != nil {
		b.Fatal(err)
	}
	m.Put(ctx, "user", "01234567890123456789012345678901")
	token, _, err := m.Commit(ctx)
	if err != nil {
		b.Fatal(err)
	}
	return m.LoadAndSave(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if m.GetString(r.Context(), "user") == "" {
			b.Error("nobody")
		}
	})), request("GET", "/", header("Cookie", "session="+token))
}

// jsonCodec is what an app would use that finds gob too slow.
type jsonCodec struct{}

type jsonSession struct {
	Deadline time.Time
	Values   map[string]any
}

func (jsonCodec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	return json.Marshal(jsonSession{deadline, values})
}

func (jsonCodec) Decode(data []byte) (time.Time, map[string]any, error) {
	var s jsonSession
	err := json.Unmarshal(data, &s)
	return s.Deadline, s.Values, err
}

// scsTable keeps the sessions of scs in SQLite as the module's own store keeps
// ours: prepared statements, the clock of the app.
type scsTable struct{ find, commit, remove *sql.Stmt }

func newSCSTable(b *testing.B) scsTable {
	b.Helper()
	settings := url.Values{"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)"}}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "scs.db")+"?"+settings.Encode())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	if _, err := db.ExecContext(b.Context(), `CREATE TABLE scs (token TEXT PRIMARY KEY, data BLOB NOT NULL, expiry INTEGER NOT NULL) WITHOUT ROWID, STRICT`); err != nil {
		b.Fatal(err)
	}
	prepare := func(query string) *sql.Stmt {
		stmt, err := db.PrepareContext(b.Context(), query)
		if err != nil {
			b.Fatal(err)
		}
		return stmt
	}
	return scsTable{
		prepare(`SELECT data FROM scs WHERE token = ? AND expiry > ?`),
		prepare(`INSERT INTO scs VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET data = excluded.data, expiry = excluded.expiry`),
		prepare(`DELETE FROM scs WHERE token = ?`),
	}
}

func (s scsTable) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	err = s.find.QueryRowContext(ctx, token, time.Now().UnixMilli()).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	return data, err == nil, err
}

func (s scsTable) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	_, err := s.commit.ExecContext(ctx, token, data, expiry.UnixMilli())
	return err
}

func (s scsTable) DeleteCtx(ctx context.Context, token string) error {
	_, err := s.remove.ExecContext(ctx, token)
	return err
}

func (s scsTable) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

func (s scsTable) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}
func (s scsTable) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

// BenchmarkIDToken is what it costs to check an id_token, beside what golang-jwt
// takes for the signature and the claims alone.
func BenchmarkIDToken(b *testing.B) {
	for _, alg := range algorithms {
		b.Run(alg, func(b *testing.B) {
			k := newKit(b, memory.New(), func(c *auth.Config) { c.SigningAlgorithm, c.IDTokenLifetime = alg, time.Hour })
			token := k.login("app", "a@b.example").idToken
			parsed, _, err := jwt.NewParser().ParseUnverified(token, &jwt.RegisteredClaims{})
			if err != nil {
				b.Fatal(err)
			}
			key, _, ok := k.auth.PublicKey(b.Context(), parsed.Header["kid"].(string))
			if !ok {
				b.Fatal("the key is not there")
			}
			b.Run("golang-jwt", func(b *testing.B) {
				parser := jwt.NewParser(jwt.WithValidMethods([]string{alg}), jwt.WithIssuer(k.conf.Issuer), jwt.WithAudience("app"),
					jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithStrictDecoding())
				requests(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					var claims struct {
						jwt.RegisteredClaims
						AuthTime  int64  `json:"auth_time"`
						SessionID string `json:"sid"`
						Email     string `json:"email"`
					}
					if _, err := parser.ParseWithClaims(r.Header.Get("Authorization")[len("Bearer "):], &claims, func(*jwt.Token) (any, error) { return key, nil }); err != nil {
						w.WriteHeader(http.StatusUnauthorized)
					}
				}), request("GET", "/", byBearer(token)))
			})
			for _, where := range []string{"local", "remote"} {
				b.Run("RequireIDToken/"+where, func(b *testing.B) {
					config := middleware.IDTokenConfig{Issuer: k.conf.Issuer, Clients: []string{"app"}, Algorithm: alg}
					if where == "local" {
						config.Auth = k.auth
					}
					config.HTTPClient = newNetwork(handled(k.auth.Handler())).client()
					require, err := middleware.RequireIDToken(b.Context(), config)
					if err != nil {
						b.Fatal(err)
					}
					requests(b, require(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})), request("GET", "/", byBearer(token)))
				})
			}
		})
	}
}
