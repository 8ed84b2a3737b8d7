package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"strings"

	"github.com/MicahParks/jwkset"
)

// publicHandler serves a document that is public and the same for a while: what
// a client of the API family, or a standard OIDC verifier, needs to check
// id_tokens.
func (a *Auth) publicHandler(document func(*call) []byte) http.Handler {
	return a.plain([]string{http.MethodGet, http.MethodHead}, func(c *call) error {
		doc := document(c)
		sum := sha256.Sum256(doc)
		etag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
		h := c.w.Header()
		h.Set("Cache-Control", "public, max-age=300")
		h.Set("ETag", etag)
		if match := strings.Join(c.r.Header.Values("If-None-Match"), ","); match == "*" || strings.Contains(match, etag) {
			c.w.WriteHeader(http.StatusNotModified)
			return nil
		}
		_, _ = c.w.Write(doc) // the client went away: nothing to do
		return nil
	})
}

// publicKeys is the JWK set (RFC 7517) with the public half of all keys.
func publicKeys(set *keySet) ([]byte, error) {
	ctx := context.Background()
	var keys []jwkset.JWK
	for _, k := range set.Signing {
		jwk, err := jwkset.NewJWKFromKey(k.private.Public(), jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{
			KID: k.ID, ALG: jwkset.ALG(k.Algorithm), USE: jwkset.UseSig,
		}})
		if err != nil {
			return nil, fmt.Errorf("publish key %s: %w", k.ID, err)
		}
		keys = append(keys, jwk)
	}
	all := jwkset.NewMemoryStorage()
	if err := all.KeyReplaceAll(ctx, keys); err != nil {
		return nil, err
	}
	return all.JSONPublic(ctx)
}

// discovery is the part of OpenID Connect Discovery 1.0 that a verifier of
// id_tokens needs.
func discovery(issuer, algorithm string) ([]byte, error) {
	return json.Marshal(map[string]any{
		"issuer":                                issuer,
		"jwks_uri":                              issuer + pathJWKS,
		"id_token_signing_alg_values_supported": []string{algorithm},
		"subject_types_supported":               []string{"public"},
		"response_types_supported":              []string{"id_token"},
	})
}

// thumbprint names a key by its RFC 7638 hash.
func thumbprint(public crypto.PublicKey) (string, error) {
	b64 := base64.RawURLEncoding.EncodeToString
	var members string // in lexical order, without spaces
	switch key := public.(type) {
	case *rsa.PublicKey:
		members = fmt.Sprintf(`{"e":%q,"kty":"RSA","n":%q}`, b64(big.NewInt(int64(key.E)).Bytes()), b64(key.N.Bytes()))
	case *ecdsa.PublicKey:
		point, err := key.Bytes() // 4, then x and y of 32 bytes each
		if err != nil {
			return "", err
		}
		members = fmt.Sprintf(`{"crv":"P-256","kty":"EC","x":%q,"y":%q}`, b64(point[1:33]), b64(point[33:]))
	case ed25519.PublicKey:
		members = fmt.Sprintf(`{"crv":"Ed25519","kty":"OKP","x":%q}`, b64(key))
	default:
		return "", fmt.Errorf("no thumbprint for a %T", public)
	}
	sum := sha256.Sum256([]byte(members))
	return b64(sum[:]), nil
}
