package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// idToken is a JWT, taken apart and not verified.
type idToken struct {
	header, claims map[string]any
	signed         string // what the signature is about
	signature      []byte
}

func parseIDToken(token string) (t idToken, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return t, fmt.Errorf("%q is no JWT", token)
	}
	t.signed = parts[0] + "." + parts[1]
	if err := decodePart(parts[0], &t.header); err != nil {
		return t, fmt.Errorf("the header of %s: %w", token, err)
	}
	if err := decodePart(parts[1], &t.claims); err != nil {
		return t, fmt.Errorf("the claims of %s: %w", token, err)
	}
	t.signature, err = base64.RawURLEncoding.DecodeString(parts[2])
	return t, err
}

func decodePart(part string, to any) error {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, to)
}

// has is nil when a claim is so.
func (t idToken) has(claim, want string) error {
	if t.claims[claim] != want {
		return fmt.Errorf("%s is %v and should be %s", claim, t.claims[claim], want)
	}
	return nil
}

func (t idToken) number(claim string) float64 { n, _ := t.claims[claim].(float64); return n }

// jwk is a public key as RFC 7517 has it.
type jwk struct {
	ID        string `json:"kid"`
	Algorithm string `json:"alg"`
	N         number `json:"n"`
	E         number `json:"e"`
	X         number `json:"x"`
	Y         number `json:"y"`
}

// number is one in base64url.
type number []byte

func (n *number) UnmarshalText(text []byte) (err error) {
	*n, err = base64.RawURLEncoding.DecodeString(string(text))
	return err
}

// verify checks the signature with the key that the token names.
func verify(token string, keys []byte) error {
	t, err := parseIDToken(token)
	if err != nil {
		return err
	}
	var set struct {
		Keys []jwk `json:"keys"`
	}
	if err := json.Unmarshal(keys, &set); err != nil {
		return fmt.Errorf("the keys: %w", err)
	}
	for _, key := range set.Keys {
		if key.ID == t.header["kid"] && key.Algorithm == t.header["alg"] {
			return key.verify([]byte(t.signed), t.signature)
		}
	}
	return fmt.Errorf("no public key is the one of the header %v", t.header)
}

func (k jwk) verify(signed, signature []byte) error {
	sum := sha256.Sum256(signed)
	switch k.Algorithm {
	case "RS256":
		public := &rsa.PublicKey{N: new(big.Int).SetBytes(k.N), E: int(new(big.Int).SetBytes(k.E).Int64())}
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], signature)
	case "ES256":
		public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, k.X, k.Y))
		if err != nil {
			return err
		}
		if len(signature) != 64 || !ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
			return errors.New("the key does not verify the signature")
		}
		return nil
	case "EdDSA":
		if len(k.X) != ed25519.PublicKeySize || !ed25519.Verify(ed25519.PublicKey(k.X), signed, signature) {
			return errors.New("the key does not verify the signature")
		}
		return nil
	}
	return fmt.Errorf("there is no algorithm %s on this wire", k.Algorithm)
}
