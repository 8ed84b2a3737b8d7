package middleware_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/MicahParks/jwkset"

	"example.com/mailkey/auth"
	"example.com/mailkey/middleware"
	"example.com/mailkey/storage/memory"
)

// handled answers with a handler, without a network.
func handled(h http.Handler) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result(), nil
	}
}

// Whatever the issuer answers, or not, the last good keys stay in use.
func TestAbuse_G10_BadAnswersKeepTheLastGoodKeys(t *testing.T) {
	t.Parallel()
	k1 := newSigner(t, auth.ES256, "k1")
	unusable := func(change func(*jwkset.JWKMarshal)) func(*http.Request) (*http.Response, error) {
		m := newSigner(t, auth.ES256, "k1").jwk(t, jwkset.JWKMetadataOptions{KID: "k1", ALG: jwkset.AlgES256, USE: jwkset.UseSig})
		change(&m)
		doc, err := json.Marshal(jwkset.JWKSMarshal{Keys: []jwkset.JWKMarshal{m}})
		if err != nil {
			t.Fatal(err)
		}
		return says(200, string(doc))
	}
	for _, row := range []struct {
		name   string
		answer func(*http.Request) (*http.Response, error)
	}{
		{"200 and an error", says(200, `{"error_code":"IDAAS.SDK.COM.0002","error_msg":"System busy"}`)},
		{"an empty set", says(200, `{"keys":[]}`)},
		{"a null set", says(200, `{"keys":null}`)},
		{"an empty object", says(200, `{}`)},
		{"a list", says(200, `[]`)},
		{"nothing", says(200, ``)},
		{"garbage", says(200, "\x00\xff<html>")},
		{"a good set and more", says(200, jwks(t, newSigner(t, auth.ES256, "k1"))+"x")},
		{"half a set", says(200, jwks(t, newSigner(t, auth.ES256, "k1"))[:80])},
		{"no objects", says(200, `{"keys":[1,null,"x"]}`)},
		{"500 and a set", says(500, jwks(t, newSigner(t, auth.ES256, "k1")))},
		{"404", says(404, `{}`)},
		{"204", says(204, ``)},
		{"a symmetric key", says(200, `{"keys":[{"kty":"oct","k":"AAAA","kid":"k1","alg":"ES256","use":"sig"}]}`)},
		{"a key of no known kind", says(200, `{"keys":[{"kty":"ZZ","kid":"k1","alg":"ES256","use":"sig"}]}`)},
		{"a point that is on no curve", says(200, `{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA","kid":"k1","alg":"ES256","use":"sig"}]}`)},
		{"a key for encryption", unusable(func(m *jwkset.JWKMarshal) { m.USE = jwkset.UseEnc })},
		{"a key for nothing", unusable(func(m *jwkset.JWKMarshal) { m.USE = "" })},
		{"a key of no algorithm", unusable(func(m *jwkset.JWKMarshal) { m.ALG = "" })},
		{"a key of another algorithm", unusable(func(m *jwkset.JWKMarshal) { m.ALG = jwkset.AlgES512 })},
		{"a key without a name", unusable(func(m *jwkset.JWKMarshal) { m.KID = "" })},
		{"keys of another algorithm", says(200, jwks(t, newSigner(t, auth.EdDSA, "k1")))},
		{"no answer", hangs},
		{"no connection", func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }},
		{"a body that hangs", func(r *http.Request) (*http.Response, error) {
			res, err := says(200, "")(r)
			res.Body = io.NopCloser(trickle{r.Context()})
			return res, err
		}},
		{"a body without an end", func(r *http.Request) (*http.Response, error) {
			res, err := says(200, "")(r)
			res.Body = io.NopCloser(&endless{t: t})
			return res, err
		}},
		{"more than 64 KiB", says(200, long(jwks(t, newSigner(t, auth.ES256, "k1")), 64<<10+1))},
		{"a redirect", func(r *http.Request) (*http.Response, error) {
			if r.URL.Host != "app.example" {
				t.Errorf("%s was asked", r.URL)
			}
			res, err := says(302, jwks(t, newSigner(t, auth.ES256, "k1")))(r)
			res.Header.Set("Location", "https://evil.example/keys")
			return res, err
		}},
		{"a redirect to itself", func(r *http.Request) (*http.Response, error) {
			res, err := says(307, "")(r)
			res.Header.Set("Location", r.URL.Path)
			return res, err
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(says(200, jwks(t, k1)))
				h := guard(t, middleware.IDTokenConfig{Algorithm: auth.ES256, HTTPClient: n.client()})
				n.become(row.answer)
				for range 20 {
					time.Sleep(time.Minute)
					before := time.Now()
					wantBody(t, serve(h, request("GET", "/", byBearer(k1.valid(t)))), "a@b.example")
					if waited := time.Since(before); waited != 0 {
						t.Fatalf("a request waited for %v", waited)
					}
				}
				if got := n.fetches.Load(); got < 4 || got > 1+20*6 {
					t.Errorf("%d fetches in 20 minutes", got)
				}
				// It notices when the issuer is well again.
				k2 := newSigner(t, auth.ES256, "k2")
				n.become(says(200, jwks(t, k2)))
				time.Sleep(16 * time.Second) // ten, and a fetch that is on its way
				wantBody(t, serve(h, request("GET", "/", byBearer(k2.valid(t)))), "a@b.example")
				wantNotSignedIn(t, serve(h, request("GET", "/", byBearer(k1.valid(t)))))
			})
		})
	}
}

// long is a document with spaces behind it.
func long(doc string, size int) string { return doc + strings.Repeat(" ", size-len(doc)) }

// trickle is a body of a byte in a second.
type trickle struct{ ctx context.Context }

func (b trickle) Read(p []byte) (int, error) {
	select {
	case <-b.ctx.Done():
		return 0, b.ctx.Err()
	case <-time.After(time.Second):
		p[0] = ' '
		return 1, nil
	}
}

// endless is a body that nobody should read for long.
type endless struct {
	t    *testing.T
	read int
}

func (b *endless) Read(p []byte) (int, error) {
	if b.read += len(p); b.read > 1<<20 {
		b.t.Error("a megabyte was read")
		return 0, io.EOF
	}
	copy(p, strings.Repeat(" ", len(p)))
	return len(p), nil
}

// Keys that are not ours do no harm to those that are, and there may be 64 KiB of
// them.
func TestMixedSet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		es, ed, rsa := newSigner(t, auth.ES256, "es"), newSigner(t, auth.EdDSA, "ed"), newSigner(t, auth.RS256, "rsa")
		doc := long(strings.Replace(jwks(t, ed, es, rsa), `"keys":[`, `"keys":[{"kty":"ZZ"},7,`, 1), 64<<10)
		h := guard(t, middleware.IDTokenConfig{Algorithm: auth.ES256, HTTPClient: newNetwork(says(200, doc)).client()})
		wantBody(t, serve(h, request("GET", "/", byBearer(es.valid(t)))), "a@b.example")
		for _, s := range []signer{ed, rsa} {
			wantNotSignedIn(t, serve(h, request("GET", "/", byBearer(s.valid(t)))))
			wantNotSignedIn(t, serve(h, request("GET", "/", byBearer(s.sign(t, with(s.header(), "alg", "ES256"), claims())))))
		}
	})
}

// A service starts while the issuer is down, refuses everybody, and recovers.
func TestIssuerIsDownAtFirst(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		answer func(*http.Request) (*http.Response, error)
		most   time.Duration
	}{
		{"no connection", func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }, 0},
		{"no answer", hangs, 5 * time.Second},
		{"500", says(500, "{}"), 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := newKit(t, memory.New(), nil)
				n := newNetwork(row.answer)
				before := time.Now()
				h := guard(t, middleware.IDTokenConfig{Algorithm: auth.ES256, HTTPClient: n.client()})
				if took := time.Since(before); took > row.most {
					t.Errorf("the start took %v", took)
				}
				token := k.login("app", "a@b.example").idToken
				for range 6 {
					wantNotSignedIn(t, serve(h, request("GET", "/", byBearer(token))))
					time.Sleep(10 * time.Second)
				}
				n.become(handled(k.auth.Handler()))
				time.Sleep(16 * time.Second)
				wantBody(t, serve(h, request("GET", "/", byBearer(token))), "a@b.example")
			})
		})
	}
}

// Who names a key that is missing has the keys fetched once, ten seconds after
// the last time, and never waits for it.
func TestMissingKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k1, k2 := newSigner(t, auth.ES256, "k1"), newSigner(t, auth.ES256, "k2")
		n := newNetwork(says(200, jwks(t, k1)))
		h := guard(t, middleware.IDTokenConfig{Algorithm: auth.ES256, HTTPClient: n.client()})
		n.become(func(r *http.Request) (*http.Response, error) {
			if at, _ := r.Context().Deadline(); time.Until(at) != 5*time.Second {
				t.Errorf("a fetch may take %v", time.Until(at))
			}
			return says(200, jwks(t, k1, k2))(r)
		})
		time.Sleep(3 * time.Second)
		for range 3 {
			wantNotSignedIn(t, serve(h, request("GET", "/", byBearer(k2.valid(t)))))
		}
		time.Sleep(7*time.Second - time.Nanosecond)
		synctest.Wait()
		early := n.fetches.Load()
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if late := n.fetches.Load(); early != 1 || late != 2 {
			t.Errorf("%d fetches before ten seconds were over, and %d then", early, late)
		}
		wantBody(t, serve(h, request("GET", "/", byBearer(k2.valid(t)))), "a@b.example")
		time.Sleep(4 * time.Minute)
		if got := n.fetches.Load(); got != 2 {
			t.Errorf("%d fetches for one key", got)
		}
	})
}

// A flood of tokens that name keys nobody has fetches at most once in ten
// seconds, and holds up nobody, not even while the issuer does not answer.
func TestAbuse_G09_UnknownKeys(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		hang bool
	}{{"the issuer answers", false}, {"the issuer hangs", true}} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ours, evil := newSigner(t, auth.ES256, "k1"), newSigner(t, auth.ES256, "junk")
				n := newNetwork(says(200, jwks(t, ours)))
				h := guard(t, middleware.IDTokenConfig{Algorithm: auth.ES256, HTTPClient: n.client()})
				var last atomic.Int64
				last.Store(time.Now().UnixNano())
				n.become(func(r *http.Request) (*http.Response, error) {
					if since := time.Since(time.Unix(0, last.Swap(time.Now().UnixNano()))); since < 10*time.Second {
						t.Errorf("a fetch %v after the last", since)
					}
					if row.hang {
						return hangs(r)
					}
					return says(200, jwks(t, ours))(r)
				})
				for second := range 60 {
					before := time.Now()
					for i := range 20 {
						junk := evil.sign(t, with(evil.header(), "kid", "junk"+string(rune('a'+i))), claims())
						wantNotSignedIn(t, serve(h, request("GET", "/", byBearer(junk))))
					}
					wantBody(t, serve(h, request("GET", "/", byBearer(ours.valid(t)))), "a@b.example")
					if waited := time.Since(before); waited != 0 {
						t.Fatalf("second %d: a request waited for %v", second, waited)
					}
					time.Sleep(time.Second)
				}
				if got := n.fetches.Load(); got < 4 || got > 7 {
					t.Errorf("%d fetches in a minute, want one in ten seconds, or fifteen", got)
				}
			})
		})
	}
}

// An emergency rotation is picked up within seconds, also while a flood of junk
// goes on; withdrawn keys die within five minutes.
func TestAbuse_G09_G13_RotationElsewhere(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		rotate  func(*auth.Auth, context.Context) error
		oldDies bool
	}{
		{"RotateKeys", (*auth.Auth).RotateKeys, false},
		{"RevokeKeys", (*auth.Auth).RevokeKeys, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := newKit(t, memory.New(), nil)
				session := k.login("app", "a@b.example").session
				n := newNetwork(handled(k.auth.Handler()))
				remote := guard(t, middleware.IDTokenConfig{Algorithm: auth.ES256, HTTPClient: n.client()})
				local := guard(t, middleware.IDTokenConfig{Algorithm: auth.ES256, Auth: k.auth})
				time.Sleep(time.Hour)
				old := k.refresh(session)
				wantBody(t, serve(remote, request("GET", "/", byBearer(old))), "a@b.example")
				if err := row.rotate(k.auth, t.Context()); err != nil {
					t.Fatal(err)
				}
				fresh := k.refresh(session)
				wantBody(t, serve(local, request("GET", "/", byBearer(fresh))), "a@b.example")
				evil := newSigner(t, auth.ES256, "junk")
				var picked time.Duration
				for picked = 0; serve(remote, request("GET", "/", byBearer(fresh))).Code != 200; picked += time.Second {
					if picked > 11*time.Second {
						t.Fatal("the new key was not picked up")
					}
					serve(remote, request("GET", "/", byBearer(evil.valid(t))))
					time.Sleep(time.Second)
				}
				for name, h := range map[string]http.Handler{"local": local, "remote": remote} {
					if w := serve(h, request("GET", "/", byBearer(old))); (w.Code == 401) != row.oldDies {
						t.Errorf("%s: a token of the old key: %d", name, w.Code)
					}
				}
			})
		})
	}
}

// Keys that rotate on schedule are published long before they sign: no token is
// ever refused, though verifiers look once in five minutes only.
func TestAbuse_G12_ScheduledRotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t, memory.New(), func(c *auth.Config) {
			c.KeyRotation, c.SessionLifetime = 3*24*time.Hour, 30*24*time.Hour
		})
		session := k.login("app", "a@b.example").session
		k.stop() // looking for mails all the time takes long even in fake time
		n := newNetwork(handled(k.auth.Handler()))
		var guards []http.Handler
		for range 3 { // each looks at another time
			guards = append(guards, guard(t, middleware.IDTokenConfig{Algorithm: auth.ES256, HTTPClient: n.client()}))
			time.Sleep(73 * time.Second)
		}
		kids := make(map[string]bool)
		for range 7 * 24 { // what Run does in a week, but for the mails
			stop := k.run()
			synctest.Wait()
			stop()
			token := k.refresh(session)
			header, _, _ := strings.Cut(token, ".")
			kids[header] = true
			for range 2 {
				for i, h := range guards {
					if w := serve(h, request("GET", "/", byBearer(token))); w.Code != 200 {
						t.Fatalf("verifier %d: %d %s", i, w.Code, w.Body)
					}
				}
				time.Sleep(4 * time.Minute)
			}
			time.Sleep(52 * time.Minute)
		}
		if len(kids) < 3 {
			t.Errorf("%d keys have signed in a week, want three", len(kids))
		}
	})
}

// When ctx ends, nothing goes on, and the keys at hand are good for longer.
func TestEndOfContext(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(*http.Request) (*http.Response, error){
		"the issuer answers": says(200, jwks(t, newSigner(t, auth.ES256, "k1"))), "the issuer hangs": hangs,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, after := range []time.Duration{0, 11 * time.Second, 5*time.Minute + time.Second} {
				synctest.Test(t, func(t *testing.T) {
					ours := newSigner(t, auth.ES256, "k1")
					n := newNetwork(says(200, jwks(t, ours)))
					ctx, cancel := context.WithCancel(t.Context())
					require, err := middleware.RequireIDToken(ctx, middleware.IDTokenConfig{
						Issuer: "https://app.example", Clients: []string{"app"}, Algorithm: auth.ES256, HTTPClient: n.client(),
					})
					if err != nil {
						t.Fatal(err)
					}
					h := require(whoami)
					n.become(answer)
					if name == "the issuer answers" {
						n.become(says(200, jwks(t, ours)))
					}
					time.Sleep(after)
					cancel()
					synctest.Wait()
					fetches := n.fetches.Load()
					time.Sleep(time.Hour)
					serve(h, request("GET", "/", byBearer(newSigner(t, auth.ES256, "k2").valid(t))))
					wantBody(t, serve(h, request("GET", "/", byBearer(ours.valid(t)))), "a@b.example")
					time.Sleep(time.Hour)
					if got := n.fetches.Load(); got != fetches {
						t.Errorf("%d fetches after the end", got-fetches)
					}
				}) // which fails if a goroutine is left
			}
		})
	}
}

// A context that has ended before the start is no reason to hang.
func TestContextEndedBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := middleware.RequireIDToken(ctx, middleware.IDTokenConfig{
			Issuer: "https://app.example", Clients: []string{"app"}, HTTPClient: newNetwork(hangs).client(),
		}); err != nil {
			t.Error(err)
		}
	})
}
