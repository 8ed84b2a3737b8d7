package middleware_test

import (
	"crypto/elliptic"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"

	"example.com/mailkey/auth"
	"example.com/mailkey/middleware"
)

// A claim is what has its name to the letter, whatever other claims the app
// adds.
func TestAbuse_G18_NamesAreExact(t *testing.T) {
	t.Parallel()
	ours := newSigner(t, auth.EdDSA, "k1")
	h := guard(t, middleware.IDTokenConfig{Algorithm: auth.EdDSA, HTTPClient: newNetwork(says(200, jwks(t, ours))).client()})
	for _, name := range []string{"EMAIL", "Email", "ema\u0131l", "\u017fub", "SUB", "i\u017fs", "AUD", "Exp", "EXP", "IAT", "Nbf", "\u017fid"} {
		w := serve(h, request("GET", "/", byBearer(ours.sign(t, ours.header(), with(claims(), name, "evil@b.example")))))
		wantBody(t, w, "a@b.example")
	}
	for _, name := range []string{"iss", "sub", "aud", "exp", "iat"} {
		c := with(with(claims(), strings.ToUpper(name), claims()[name]), name, nil)
		wantNotSignedIn(t, serve(h, request("GET", "/", byBearer(ours.sign(t, ours.header(), c)))))
	}
}

// Whoever sees a token of ES256 can make another that verifies, too: nothing
// may take the text of a token for its name. Whom it names is the same.
func TestAbuse_G08_TwinSignature(t *testing.T) {
	t.Parallel()
	ours := newSigner(t, auth.ES256, "k1")
	h := guard(t, middleware.IDTokenConfig{Algorithm: auth.ES256, HTTPClient: newNetwork(says(200, jwks(t, ours))).client()})
	token := ours.valid(t)
	text, sig := token[:strings.LastIndexByte(token, '.')+1], token[strings.LastIndexByte(token, '.')+1:]
	raw, err := base64.RawURLEncoding.DecodeString(sig)
	if err != nil {
		t.Fatal(err)
	}
	s := new(big.Int).SetBytes(raw[32:])
	s.Sub(elliptic.P256().Params().N, s).FillBytes(raw[32:])
	twin := text + base64.RawURLEncoding.EncodeToString(raw)
	if twin == token {
		t.Fatal("no twin")
	}
	wantBody(t, serve(h, request("GET", "/", byBearer(token))), "a@b.example")
	wantBody(t, serve(h, request("GET", "/", byBearer(twin))), "a@b.example")
}
