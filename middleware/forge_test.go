package middleware_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"example.com/mailkey/auth"
)

// signer is an issuer's key, or somebody else's.
type signer struct {
	alg, kid string
	private  crypto.Signer
}

var (
	makeRSA = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })
	evilRSA = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })
)

func newSigner(tb testing.TB, alg, kid string) signer {
	tb.Helper()
	var private crypto.Signer
	var err error
	switch {
	case alg == auth.ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case alg == auth.EdDSA:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	case kid == "evil":
		private, err = evilRSA()
	default:
		private, err = makeRSA()
	}
	if err != nil {
		tb.Fatal(err)
	}
	return signer{alg, kid, private}
}

// object is a JSON object.
type object = map[string]any

func segment(tb testing.TB, v any) string {
	tb.Helper()
	if raw, ok := v.(string); ok {
		return base64.RawURLEncoding.EncodeToString([]byte(raw))
	}
	doc, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(doc)
}

// sign signs whatever the header says. Strings stand for themselves.
func (s signer) sign(tb testing.TB, header, claims any) string {
	tb.Helper()
	return signWith(tb, jwt.GetSigningMethod(s.alg), s.private, header, claims)
}

func signWith(tb testing.TB, method jwt.SigningMethod, key, header, claims any) string {
	tb.Helper()
	text := segment(tb, header) + "." + segment(tb, claims)
	sig, err := method.Sign(text, key)
	if err != nil {
		tb.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig)
}

func (s signer) header() object { return object{"alg": s.alg, "kid": s.kid, "typ": "JWT"} }

func claims() object {
	now := time.Now().Unix()
	return object{
		"iss": "https://app.example", "sub": "u1", "aud": "app", "exp": now + 300, "iat": now, "nbf": now,
		"jti": "x", "auth_time": now, "sid": "s1", "amr": []string{"otp"}, "email": "a@b.example", "email_verified": true,
	}
}

// with returns a copy of the object with another member; nil removes it.
func with(o object, name string, value any) object {
	o = maps.Clone(o)
	o[name] = value
	if value == nil {
		delete(o, name)
	}
	return o
}

// valid is a token that is accepted.
func (s signer) valid(tb testing.TB) string { return s.sign(tb, s.header(), claims()) }

func (s signer) jwk(tb testing.TB, meta jwkset.JWKMetadataOptions) jwkset.JWKMarshal {
	tb.Helper()
	jwk, err := jwkset.NewJWKFromKey(s.private.Public(), jwkset.JWKOptions{Metadata: meta})
	if err != nil {
		tb.Fatal(err)
	}
	return jwk.Marshal()
}

// jwks is the document with the public halves of the keys.
func jwks(tb testing.TB, signers ...signer) string {
	tb.Helper()
	var set jwkset.JWKSMarshal
	for _, s := range signers {
		set.Keys = append(set.Keys, s.jwk(tb, jwkset.JWKMetadataOptions{KID: s.kid, ALG: jwkset.ALG(s.alg), USE: jwkset.UseSig}))
	}
	doc, err := json.Marshal(set)
	if err != nil {
		tb.Fatal(err)
	}
	return string(doc)
}

// network is an http.RoundTripper without a network.
type network struct {
	answer  atomic.Pointer[func(*http.Request) (*http.Response, error)]
	fetches atomic.Int64
}

func newNetwork(answer func(*http.Request) (*http.Response, error)) *network {
	n := &network{}
	n.become(answer)
	return n
}

func (n *network) become(answer func(*http.Request) (*http.Response, error)) { n.answer.Store(&answer) }

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.fetches.Add(1)
	return (*n.answer.Load())(r)
}

func (n *network) client() *http.Client { return &http.Client{Transport: n} }

// says answers everything with a status and a body.
func says(status int, body string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
			Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: -1,
			Body: io.NopCloser(strings.NewReader(body)),
		}, nil
	}
}

// hangs never answers.
func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}
