package auth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
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

// bench is a login without a network and with limits that nobody reaches.
type bench struct {
	*testing.B
	handler http.Handler
	codes   sync.Map // address → code
	count   atomic.Int64
}

func (b *bench) SendCode(_ context.Context, m auth.CodeMail) error {
	b.codes.Store(m.To, m.Code)
	b.count.Add(1)
	return nil
}

func onEachStoreB(b *testing.B, f func(b *bench)) {
	b.Run("memory", func(b *testing.B) { f(newBench(b, memory.New())) })
	b.Run("sqlite", func(b *testing.B) {
		store, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "bench.db"))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = store.Close() })
		f(newBench(b, store))
	})
}

func newBench(b *testing.B, store storage.Store) *bench {
	b.Helper()
	k := &bench{B: b}
	k.handler = authtest.New(b, func(c *auth.Config) {
		c.Store, c.Mailer, c.Secret, c.Logger = store, k, testSecret, slog.New(slog.DiscardHandler)
		c.Clients = []auth.Client{{ID: "app"}}
		c.Captchas = []captcha.Engine{captcha.Digits(), captcha.ProofOfWork(1)}
		c.Limits.MaxPendingMails = 1_000_000
	}).Handler
	return k
}

func (b *bench) do(method, path, body string) []byte {
	status, answer := b.try(method, path, body)
	if status != http.StatusOK {
		b.Errorf("%s: %d %s", path, status, answer)
	}
	return answer
}

func (b *bench) try(method, path, body string) (status int, answer []byte) {
	r := httptest.NewRequest(method, path, bytes.NewBufferString(body))
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	for _, h := range []string{"X-Operating-Sys-Version", "X-Device-Fingerprint", "X-Agent"} {
		r.Header.Set(h, "bench")
	}
	r.Header.Set("X-Client-Id", "app")
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	answer, _ = io.ReadAll(w.Body)
	return w.Code, answer
}

func email(i int) string { return fmt.Sprintf("a%d@b.example", i) }

// sends returns the bodies of n requests for a code.
func (b *bench) sends(n int) []string {
	bodies := make([]string, n)
	for i := range bodies {
		var c struct {
			Token string
			Pow   captcha.Proof
		}
		if err := json.Unmarshal(b.do("GET", captchaPath+"?type=pow", ""), &c); err != nil {
			b.Fatal(err)
		}
		var t struct {
			Token string `json:"captcha_token"`
		}
		verified := b.do("POST", verifyPath, object("token", c.Token, "sender", email(i), "captcha_code", authtest.Solve(c.Pow)))
		if err := json.Unmarshal(verified, &t); err != nil {
			b.Fatal(err)
		}
		bodies[i] = object("email", email(i), "type", "LOGIN_EMS", "captcha_token", t.Token)
	}
	return bodies
}

// logins has n codes mailed and returns the bodies of the requests that redeem
// them.
func (b *bench) logins(n int) []string {
	for _, body := range b.sends(n) {
		b.do("POST", sendPath, body)
	}
	for b.count.Load() < int64(n) {
		time.Sleep(time.Millisecond)
	}
	bodies := make([]string, n)
	for i := range bodies {
		code, _ := b.codes.Load(email(i))
		bodies[i] = object("email", email(i), "verify_code", code.(string))
	}
	return bodies
}

// each runs one prepared request per iteration, from one client or from many.
func (b *bench) each(path string, bodies []string, clients int) {
	b.ReportAllocs()
	b.ResetTimer()
	if clients == 1 {
		for _, body := range bodies {
			b.do("POST", path, body)
		}
		return
	}
	var next atomic.Int64
	b.SetParallelism(clients)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			b.do("POST", path, bodies[next.Add(1)-1])
		}
	})
}

func BenchmarkCaptcha(b *testing.B) {
	for _, kind := range []string{"digits", "pow"} {
		b.Run(kind, func(b *testing.B) {
			onEachStoreB(b, func(b *bench) {
				b.ReportAllocs()
				for b.Loop() {
					b.do("GET", captchaPath+"?type="+kind, "")
				}
			})
		})
	}
}

func BenchmarkSendCode(b *testing.B) {
	onEachStoreB(b, func(b *bench) { b.each(sendPath, b.sends(b.N), 1) })
}

func BenchmarkLogin(b *testing.B) {
	onEachStoreB(b, func(b *bench) { b.each(loginPath, b.logins(b.N), 1) })
}

// Many clients at once share the commits of SQLite.
func BenchmarkLoginParallel(b *testing.B) {
	onEachStoreB(b, func(b *bench) { b.each(loginPath, b.logins(b.N), 32) })
}

func BenchmarkWrongCode(b *testing.B) {
	onEachStoreB(b, func(b *bench) {
		b.ReportAllocs()
		for b.Loop() {
			if status, _ := b.try("POST", loginPath, `{"email":"a@b.example","verify_code":"000000"}`); status != http.StatusBadRequest {
				b.Fatal(status)
			}
		}
	})
}
