package middleware_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"example.com/mailkey/auth"
	"example.com/mailkey/middleware"
)

// A token that is let in is spelt in the one way there is, and says itself, in
// members of exactly these names, who it is for and until when. The fuzzer has
// the issuer's key: it signs whatever header and claims it finds, unless it
// makes up the whole token.
func FuzzIDToken(f *testing.F) {
	ours := newSigner(f, auth.EdDSA, "k1")
	require, err := middleware.RequireIDToken(f.Context(), middleware.IDTokenConfig{
		Issuer: "https://app.example", Clients: []string{"app"}, Algorithm: auth.EdDSA, HTTPClient: newNetwork(says(200, jwks(f, ours))).client(),
	})
	if err != nil {
		f.Fatal(err)
	}
	var seen *auth.Identity
	h := require(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		seen = &id
	}))

	c := with(claims(), "exp", time.Now().Unix()+3600)
	header, body := jsonOf(f, ours.header()), jsonOf(f, c)
	f.Add(header, body, "")
	f.Add(header, body, ours.valid(f))
	f.Add(header, body, strings.Repeat(".", 1<<12))
	for _, seed := range [][2]string{
		{`"alg":"EdDSA"`, `"alg":"none"`}, {`"alg":"EdDSA"`, `"alg":"HS256"`}, {`"kid":"k1"`, `"kid":"../k1"`}, {`"typ"`, `"jwk":{},"typ"`},
		{`"typ":"JWT"`, `"typ":"at+jwt"`}, {`"alg"`, `"ALG":"none","alg"`},
	} {
		f.Add(strings.Replace(header, seed[0], seed[1], 1), body, "")
	}
	for _, seed := range [][2]string{
		{`"exp":`, `"exp":1`}, {`"exp":`, `"nexp":`}, {`"aud":"app"`, `"aud":["app"]`}, {`"aud":"app"`, `"aud":["app","b"]`}, {`"sub"`, `"SUB"`},
		{`"sub"`, `"ſub":"x","sub"`}, {`"sub":"u1"`, `"sub":"u1","ſub":"u2"`}, {`"iss"`, `"ISS":"x","iss"`}, {`"iat":`, `"iat":-`}, {`"nbf":`, `"nbf":9`},
		{`"email"`, `"email":null,"email"`}, {`"exp":`, `"exp":1e300,"x":`}, {`{`, `{"sub":"u0",`},
	} {
		f.Add(header, strings.Replace(body, seed[0], seed[1], 1), "")
	}
	f.Fuzz(func(t *testing.T, header, claims, whole string) {
		token := whole
		if token == "" {
			text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
			sig, err := jwt.SigningMethodEdDSA.Sign(text, ours.private)
			if err != nil {
				t.Fatal(err)
			}
			token = text + "." + base64.RawURLEncoding.EncodeToString(sig)
		}
		seen = nil
		w := serve(h, request("GET", "/", byBearer(token)))
		if w.Code != 200 {
			wantNotSignedIn(t, w)
			return
		}
		token = strings.TrimSpace(token) // as a header is read
		parts := strings.Split(token, ".")
		docs := make([]map[string]any, 2)
		for i, part := range parts {
			raw, err := base64.RawURLEncoding.DecodeString(part)
			if err != nil || base64.RawURLEncoding.EncodeToString(raw) != part || len(parts) != 3 {
				t.Fatalf("%q was let in", token)
			}
			if i < 2 && json.Unmarshal(raw, &docs[i]) != nil {
				t.Fatalf("%s was let in", raw)
			}
		}
		head, said, now := docs[0], docs[1], time.Now().Unix()
		for name := range head {
			if !slices.Contains([]string{"alg", "kid", "typ"}, name) {
				t.Fatalf("the header %v was let in", head)
			}
		}
		exp, expOK := said["exp"].(float64)
		iat, iatOK := said["iat"].(float64)
		list, _ := said["aud"].([]any)
		audOK := said["aud"] == "app" || len(list) == 1 && list[0] == "app"
		if head["alg"] != "EdDSA" || head["kid"] != "k1" || !expOK || !iatOK || !audOK || said["iss"] != "https://app.example" ||
			exp < float64(now-31) || exp-iat > 3601 || iat > float64(now+31) {
			t.Fatalf("%v, %v was let in", head, said)
		}
		text := func(name string) string { s, _ := said[name].(string); return s }
		if seen == nil || seen.UserID != text("sub") || seen.UserID == "" || seen.ClientID != "app" || seen.Email != text("email") || seen.SessionID != text("sid") {
			t.Fatalf("%v was let in as %+v", said, seen)
		}
	})
}
