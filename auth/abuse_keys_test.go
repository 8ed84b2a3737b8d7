package auth

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"strings"
	"testing"

	"example.com/mailkey/storage/memory"
)

// mustKey makes a key for a test.
func mustKey[K any](key K, err error) K {
	if err != nil {
		panic(err)
	}
	return key
}

// A key that is too weak, or not of its algorithm, is noticed at the start, not
// with the first token.
func TestAbuse_G16_WeakKeys(t *testing.T) {
	t.Parallel()
	_, edKey, _ := ed25519.GenerateKey(rand.Reader)
	small := mustKey(rsa.GenerateKey(rand.Reader, 1024))
	large := mustKey(rsa.GenerateKey(rand.Reader, 2048))
	curve := func(c elliptic.Curve) crypto.PrivateKey { return mustKey(ecdsa.GenerateKey(c, rand.Reader)) }
	for _, row := range []struct {
		name, algorithm string
		key             crypto.PrivateKey
		ok              bool
	}{
		{"RSA", RS256, large, true},
		{"P-256", ES256, curve(elliptic.P256()), true},
		{"Ed25519", EdDSA, edKey, true},
		{"RSA of 1024 bits", RS256, small, false},
		{"P-224", ES256, curve(elliptic.P224()), false},
		{"P-384", ES256, curve(elliptic.P384()), false},
		{"P-521", ES256, curve(elliptic.P521()), false},
		{"RSA as ES256", ES256, large, false},
		{"P-256 as RS256", RS256, curve(elliptic.P256()), false},
		{"P-256 as EdDSA", EdDSA, curve(elliptic.P256()), false},
		{"Ed25519 as RS256", RS256, edKey, false},
		{"RSA as HS256", "HS256", large, false},
		{"Ed25519 as none", "none", edKey, false},
		{"Ed25519 as nothing", "", edKey, false},
		{"a key that cannot sign", EdDSA, mustKey(ecdh.X25519().GenerateKey(rand.Reader)), false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			der, err := x509.MarshalPKCS8PrivateKey(row.key)
			if err != nil {
				t.Fatal(err)
			}
			config := leastConfig()
			config.SigningAlgorithm = EdDSA
			if row.ok {
				config.SigningAlgorithm = row.algorithm
			}
			set := &keySet{Pseudonym: randomBytes(32), Signing: []signingKey{{ID: "x", Algorithm: row.algorithm, PKCS8: der}}}
			sealed, err := sealKeys(set, []secretKeys{config.Secret.keys()})
			if err != nil {
				t.Fatal(err)
			}
			store := memory.New()
			if ok, err := store.SaveKeys(t.Context(), sealed, 0); !ok || err != nil {
				t.Fatal(ok, err)
			}
			config.Store = store
			_, err = New(config)
			if (err == nil) != row.ok {
				t.Errorf("accepted is %v: %v", err == nil, err)
			}
			if err != nil && !strings.HasPrefix(err.Error(), "auth: signing key x in the store: ") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
