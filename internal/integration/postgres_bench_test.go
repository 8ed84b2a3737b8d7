package integration

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
	"example.com/mailkey/captcha"
	"example.com/mailkey/internal/integration/services"
	"example.com/mailkey/middleware"
	"example.com/mailkey/storage"
	"example.com/mailkey/storage/sqlite"
)

// onEachDatabase runs a benchmark on a SQLite file and on a PostgreSQL server
// next to it. Both wait for the disk.
func onEachDatabase(b *testing.B, f func(b *testing.B, kit *authtest.Kit)) {
	b.Helper()
	run := func(name string, open func(b *testing.B) storage.Store) {
		b.Run(name, func(b *testing.B) {
			store := open(b)
			f(b, authtest.New(b, func(c *auth.Config) {
				c.Store, c.Limits.MaxPendingMails, c.Logger = store, 1_000_000, slog.New(slog.DiscardHandler)
			}))
		})
	}
	run("sqlite", func(b *testing.B) storage.Store {
		store, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "bench.db"))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			if err := store.Close(); err != nil {
				b.Error(err)
			}
		})
		return store
	})
	server := services.StartPostgres(b, "fsync=on")
	run("postgres", func(b *testing.B) storage.Store {
		return openPostgres(b, pool(b, server.URL("postgres"), 16), fmt.Sprint("bench ", schemas.Add(1)))
	})
}

// post calls an endpoint of the kit and decodes the answer.
func post(b *testing.B, kit *authtest.Kit, method, path string, fields map[string]string, answer any) {
	b.Helper()
	body, err := json.Marshal(fields)
	if err != nil {
		b.Fatal(err)
	}
	if method == http.MethodGet {
		body = nil
	}
	serve(b, kit, method, path, string(body), answer)
}

func serve(b *testing.B, kit *authtest.Kit, method, path, body string, answer any) {
	b.Helper()
	r := httptest.NewRequest(method, "https://app.example/api/v2/sdk/"+path, strings.NewReader(body))
	for _, h := range []string{"X-Operating-Sys-Version", "X-Device-Fingerprint", "X-Agent"} {
		r.Header.Set(h, "bench")
	}
	r.Header.Set("X-Client-Id", "app")
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	kit.Handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		b.Errorf("%s: %d %s", path, w.Code, w.Body)
	}
	if answer != nil {
		if err := json.Unmarshal(w.Body.Bytes(), answer); err != nil {
			b.Error(err)
		}
	}
}

// strangers is how many have asked for a code.
var strangers atomic.Int64

// sends solves n captchas and returns the addresses that they are for, and the
// bodies of the requests for a code.
func sends(b *testing.B, kit *authtest.Kit, n int) (emails, bodies []string) {
	b.Helper()
	for range n {
		email := fmt.Sprintf("a%d@b.example", strangers.Add(1))
		var c struct {
			Token string
			Pow   captcha.Proof
		}
		post(b, kit, "GET", "captcha", nil, &c)
		var verified struct {
			Ticket string `json:"captcha_token"`
		}
		post(b, kit, "POST", "captcha/verify", map[string]string{"token": c.Token, "sender": email, "captcha_code": authtest.Solve(c.Pow)}, &verified)
		body, err := json.Marshal(map[string]string{"email": email, "type": "LOGIN_EMS", "captcha_token": verified.Ticket})
		if err != nil {
			b.Fatal(err)
		}
		emails, bodies = append(emails, email), append(bodies, string(body))
	}
	return emails, bodies
}

// logins has n codes mailed and returns the bodies of the requests that redeem
// them.
func logins(b *testing.B, kit *authtest.Kit, n int) []string {
	b.Helper()
	emails, bodies := sends(b, kit, n)
	for i, email := range emails {
		serve(b, kit, "POST", "email/send", bodies[i], nil)
		body, err := json.Marshal(map[string]string{"email": email, "verify_code": kit.Mailbox.Code(b, email)})
		if err != nil {
			b.Fatal(err)
		}
		bodies[i] = string(body)
	}
	return bodies
}

// byClients measures requests to an endpoint, made by one client and by 32 at
// once.
func byClients(b *testing.B, path string, bodies func(*testing.B, *authtest.Kit) []string) {
	b.Helper()
	onEachDatabase(b, func(b *testing.B, kit *authtest.Kit) {
		for _, clients := range []int{1, 32} {
			b.Run(fmt.Sprint(clients), func(b *testing.B) {
				bodies := bodies(b, kit)
				var next atomic.Int64
				var all sync.WaitGroup
				b.ReportAllocs()
				b.ResetTimer()
				for range clients {
					all.Go(func() {
						for i := next.Add(1) - 1; i < int64(len(bodies)); i = next.Add(1) - 1 {
							serve(b, kit, "POST", path, bodies[i], nil)
						}
					})
				}
				all.Wait()
			})
		}
	})
}

// A login is the request that redeems the code.
func BenchmarkDatabaseLogin(b *testing.B) {
	byClients(b, "login/email-verify-code", func(b *testing.B, kit *authtest.Kit) []string { return logins(b, kit, b.N) })
}

// Whoever asks for a code has solved a captcha.
func BenchmarkDatabaseSend(b *testing.B) {
	byClients(b, "email/send", func(b *testing.B, kit *authtest.Kit) []string {
		_, bodies := sends(b, kit, b.N)
		return bodies
	})
}

// A session check is what every request of somebody who is signed in does.
func BenchmarkDatabaseSession(b *testing.B) {
	onEachDatabase(b, func(b *testing.B, kit *authtest.Kit) {
		h := middleware.RequireSession(kit.Auth)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		check := func(r *http.Request) {
			w := httptest.NewRecorder()
			if h.ServeHTTP(w, r); w.Code != http.StatusOK {
				b.Error(w.Code)
			}
		}
		r := kit.As(b, httptest.NewRequest("GET", "/", nil), auth.Identity{Email: "ann@b.example"})
		b.Run("one", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				check(r)
			}
		})
		b.Run("parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(16)
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					check(r.Clone(b.Context()))
				}
			})
		})
	})
}
