package auth_test

import (
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"

	"example.com/mailkey/auth"
)

const (
	keysPath      = "/api/v1/oauth2/keys"
	jwksPath      = "/.well-known/jwks.json"
	discoveryPath = "/.well-known/openid-configuration"
)

// bare is a request without any of the headers of a device.
func bare(k *kit, method, path string) *http.Request {
	r := k.request(method, path, "")
	r.Header = make(http.Header)
	return r
}

// The example of RFC 7638, section 3.1.
func TestThumbprint(t *testing.T) {
	t.Parallel()
	n, err := base64.RawURLEncoding.DecodeString("0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86z" +
		"wu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_" +
		"FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcR" +
		"wr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw")
	if err != nil {
		t.Fatal(err)
	}
	got, err := auth.Thumbprint(&rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537})
	if want := "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	if got, err := auth.Thumbprint([]byte("no key")); err == nil {
		t.Errorf("got %s for what is no key", got)
	}
}

// members are those of a public key, by its type: the required ones, of which
// the thumbprint is made, in order.
var members = map[string][]string{"RSA": {"e", "kty", "n"}, "EC": {"crv", "kty", "x", "y"}, "OKP": {"crv", "kty", "x"}}

func TestAbuse_G11_KeySet(t *testing.T) {
	t.Parallel()
	for _, algorithm := range algorithms {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			play(t, func(c *auth.Config) { c.SigningAlgorithm = algorithm }, func(k *kit) {
				a := k.do(bare(k, "GET", keysPath))
				if other := k.do(bare(k, "GET", jwksPath)); string(other.body) != string(a.body) {
					t.Errorf("two sets: %s and %s", a.body, other.body)
				}
				var set map[string][]map[string]any
				if err := json.Unmarshal(a.body, &set); err != nil || len(set) != 1 || len(set["keys"]) != 1 || len(a.body) > 8<<10 {
					t.Fatalf("%v: %s", err, a.body)
				}
				key := set["keys"][0]
				if key["alg"] != algorithm || key["use"] != "sig" || key["kid"] != k.auth.KeyIDs()[0] {
					t.Errorf("alg %v, use %v, kid %v", key["alg"], key["use"], key["kid"])
				}
				required := members[key["kty"].(string)]
				var canonical []string
				for _, name := range required {
					canonical = append(canonical, fmt.Sprintf("%q:%q", name, key[name]))
				}
				sum := sha256.Sum256([]byte("{" + strings.Join(canonical, ",") + "}"))
				if got := base64.RawURLEncoding.EncodeToString(sum[:]); got != key["kid"] {
					t.Errorf("the kid is %v, but the thumbprint %s", key["kid"], got)
				}
				names := slices.Sorted(maps.Keys(key))
				want := slices.Sorted(slices.Values(append([]string{"alg", "kid", "use"}, required...)))
				if !slices.Equal(names, want) {
					t.Errorf("members %v, want %v", names, want)
				}
				for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
					if strings.Contains(string(a.body), `"`+private+`"`) {
						t.Errorf("%s is published", private)
					}
				}
			})
		})
	}
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"", "/auth", "/a/b"} {
		play(t, func(c *auth.Config) { c.Issuer = "https://app.example" + prefix; c.SigningAlgorithm = auth.EdDSA }, func(k *kit) {
			a := k.do(bare(k, "GET", prefix+discoveryPath))
			var doc struct {
				Issuer     string   `json:"issuer"`
				JWKS       string   `json:"jwks_uri"`
				Algorithms []string `json:"id_token_signing_alg_values_supported"`
				Subjects   []string `json:"subject_types_supported"`
				Types      []string `json:"response_types_supported"`
			}
			if err := json.Unmarshal(a.body, &doc); err != nil || a.status != 200 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			// A verifier appends the path to the issuer and believes the answer
			// only if it names the same issuer.
			if doc.Issuer != k.conf.Issuer || doc.Issuer+discoveryPath != "https://app.example"+prefix+discoveryPath {
				t.Errorf("the issuer is %s", doc.Issuer)
			}
			if !slices.Equal(doc.Algorithms, []string{auth.EdDSA}) || !slices.Equal(doc.Subjects, []string{"public"}) || len(doc.Types) == 0 {
				t.Errorf("%s", a.body)
			}
			path, ours := strings.CutPrefix(doc.JWKS, "https://app.example")
			keys := k.do(bare(k, "GET", path))
			if !ours || keys.status != 200 || !strings.Contains(string(keys.body), k.auth.KeyIDs()[0]) {
				t.Errorf("%s: %d %s", doc.JWKS, keys.status, keys.body)
			}
			token := k.login("ann@b.example", k.code("ann@b.example")).field(t, "id_token")
			if got := claims(t, token)["iss"]; got != doc.Issuer {
				t.Errorf("iss is %v, want %s", got, doc.Issuer)
			}
			verify(k, auth.EdDSA, token)
		})
	}
}

// The three public documents can be cached, and asked for without a device.
func TestPublicDocuments(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		for _, path := range []string{keysPath, jwksPath, discoveryPath} {
			a := k.do(bare(k, "GET", path))
			for name, want := range map[string]string{
				"Cache-Control": "public, max-age=300", "Content-Type": "application/json; charset=utf-8",
				"X-Content-Type-Options": "nosniff", "Set-Cookie": "",
			} {
				if got := a.header.Get(name); got != want {
					t.Errorf("%s: %s is %q, want %q", path, name, got, want)
				}
			}
			etag := a.header.Get("ETag")
			if a.status != 200 || len(etag) < 10 || etag[0] != '"' || etag[len(etag)-1] != '"' {
				t.Errorf("%s: %d, ETag %s", path, a.status, etag)
			}

			head := k.do(bare(k, "HEAD", path))
			if head.status != 200 || len(head.body) != 0 || head.header.Get("ETag") != etag || head.header.Get("Content-Length") != a.header.Get("Content-Length") {
				t.Errorf("HEAD %s: %d %q %v", path, head.status, head.body, head.header)
			}

			for _, row := range []struct {
				name, match string
				want        int
			}{
				{"the same", etag, 304},
				{"the same, compressed on the way", "W/" + etag, 304},
				{"a list", `"x", ` + etag + `,"y"`, 304},
				{"a list without spaces", `W/"x",W/` + etag, 304},
				{"another", `"x"`, 200},
				{"a list of others", `"x", W/"y"`, 200},
				{"a part of it", etag[:8] + `"`, 200},
				{"without quotes", strings.Trim(etag, `"`), 200},
				{"none", "", 200},
			} {
				r := bare(k, "GET", path)
				r.Header.Set("If-None-Match", row.match)
				b := k.do(r)
				if b.status != row.want || (len(b.body) == 0) != (row.want == 304) || b.header.Get("ETag") != etag ||
					b.header.Get("Cache-Control") != "public, max-age=300" {
					t.Errorf("%s, If-None-Match %s: %d, %d bytes, %v", path, row.name, b.status, len(b.body), b.header)
				}
			}

			post := k.do(bare(k, "POST", path))
			if post.status != 405 || post.header.Get("Allow") != "GET, HEAD" || post.header.Get("Cache-Control") != "no-store" || post.header.Get("ETag") != "" {
				t.Errorf("POST %s: %d %v", path, post.status, post.header)
			}
		}

		first := k.do(bare(k, "GET", keysPath)).header.Get("ETag")
		k.restart()
		if again := k.do(bare(k, "GET", keysPath)).header.Get("ETag"); again != first {
			t.Errorf("another instance has ETag %s, not %s", again, first)
		}
	})
}
