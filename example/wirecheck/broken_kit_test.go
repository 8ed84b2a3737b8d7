package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// between returns a handler in front of another one, which sees requests and
// answers, and may change them.
func between(h http.Handler, before func(*http.Request), after func(*http.Request, *httptest.ResponseRecorder)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		before(r)
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		after(r, answer)
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

// answers spoils answers.
func answers(after func(*http.Request, *httptest.ResponseRecorder)) func(http.Handler) http.Handler {
	return requests(func(*http.Request) {}, after)
}

// requests spoils requests, and the answers to them.
func requests(before func(*http.Request), after ...func(*http.Request, *httptest.ResponseRecorder)) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		return between(h, before, func(r *http.Request, w *httptest.ResponseRecorder) {
			for _, f := range after {
				f(r, w)
			}
		})
	}
}

// remembers answers a request at the path as it did before, if that was with
// 200. Spaces do not make another request.
func remembers(path string) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		var known sync.Map
		key := func(r *http.Request) string {
			return r.URL.Path + r.Header.Get("X-Device-Fingerprint") + r.Header.Get("X-Client-Id") + strings.ReplaceAll(body(r), " ", "")
		}
		before := func(r *http.Request) { r.Header.Set("Key", key(r)) }
		return between(h, before, func(r *http.Request, w *httptest.ResponseRecorder) {
			if r.URL.Path != path {
				return
			}
			if w.Code == http.StatusOK {
				known.Store(r.Header.Get("Key"), w.Body.String())
			} else if earlier, ok := known.Load(r.Header.Get("Key")); ok {
				w.Code = http.StatusOK
				w.Body.Reset()
				w.Body.WriteString(earlier.(string))
			}
		})
	}
}

// unboundTickets lets every client and device use a captcha_token: as that
// which it was given to.
func unboundTickets(h http.Handler) http.Handler {
	var owners sync.Map
	before := func(r *http.Request) {
		var sent struct {
			Ticket string `json:"captcha_token"`
		}
		_ = json.Unmarshal([]byte(body(r)), &sent)
		if owner, ok := owners.Load(sent.Ticket); ok && r.URL.Path == sendPath {
			r.Header.Set("X-Device-Fingerprint", owner.([2]string)[0])
			r.Header.Set("X-Client-Id", owner.([2]string)[1])
		}
	}
	return between(h, before, func(r *http.Request, w *httptest.ResponseRecorder) {
		if ticket, ok := object(w)["captcha_token"]; ok {
			owners.Store(ticket, [2]string{r.Header.Get("X-Device-Fingerprint"), r.Header.Get("X-Client-Id")})
		}
	})
}

// uncountedGuesses refuses the first five guesses at the third address, which
// is the one that is guessed at, without asking the server.
func uncountedGuesses(h http.Handler) http.Handler {
	var mu sync.Mutex
	guesses := 0
	return between(h, func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if text := body(r); r.URL.Path == loginPath && strings.Contains(text, `3@example.org"`) {
			if guesses++; guesses <= 5 {
				setBody(r, strings.Replace(text, "3@example.org", "4@example.org", 1))
			}
		}
	}, func(*http.Request, *httptest.ResponseRecorder) {})
}

// body returns the body of a request, which can still be read.
func body(r *http.Request) string {
	text, _ := io.ReadAll(r.Body) // in memory
	r.Body = io.NopCloser(bytes.NewReader(text))
	return string(text)
}

func setBody(r *http.Request, text string) {
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
}

// lastMembers is what a forgiving parser makes of an object with a member that
// is there twice.
func lastMembers(text string) string {
	var object map[string]string
	if strings.Count(text, `"email":`) < 2 || json.Unmarshal([]byte(text), &object) != nil {
		return text
	}
	doc, _ := json.Marshal(object)
	return string(doc)
}

// object is the body of an answer; nil when it is none.
func object(w *httptest.ResponseRecorder) (members map[string]any) {
	_ = json.Unmarshal(w.Body.Bytes(), &members)
	return members
}

func setMember(w *httptest.ResponseRecorder, name string, value any) {
	members := object(w)
	members[name] = value
	doc, _ := json.Marshal(members)
	w.Body.Reset()
	w.Body.Write(doc)
}

func replace(w *httptest.ResponseRecorder, before, after string) {
	text := strings.ReplaceAll(w.Body.String(), before, after)
	w.Body.Reset()
	w.Body.WriteString(text)
}

// spoiler is a key that is not the server's.
var spoiler = func() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}()

// sign makes a token of its header and claims.
func sign(signed string) string {
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, spoiler, sum[:])
	if err != nil {
		panic(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// signs changes the claims of id_tokens, and signs and publishes with a key of
// its own.
func signs(change func(claims map[string]any)) func(http.Handler) http.Handler {
	b64 := base64.RawURLEncoding.EncodeToString
	return answers(func(r *http.Request, w *httptest.ResponseRecorder) {
		if r.URL.Path == jwksPath || r.URL.Path == keysPath {
			point, _ := spoiler.PublicKey.Bytes()
			w.Body.Reset()
			fmt.Fprintf(w.Body, `{"keys":[{"kty":"EC","crv":"P-256","kid":"spoiler","alg":"ES256","use":"sig","x":%q,"y":%q}]}`, b64(point[1:33]), b64(point[33:]))
		}
		token, ok := object(w)["id_token"].(string)
		if !ok {
			return
		}
		t, err := parseIDToken(token)
		if err != nil {
			panic(err)
		}
		change(t.claims)
		claims, _ := json.Marshal(t.claims)
		setMember(w, "id_token", sign(b64([]byte(`{"alg":"ES256","kid":"spoiler","typ":"JWT"}`))+"."+b64(claims)))
	})
}
