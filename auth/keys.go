package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"example.com/mailkey/internal/failpoint"
	"example.com/mailkey/storage"
)

// keySet is the sealed document in the store: made once by whichever instance
// starts first, the same for all.
type keySet struct {
	// Pseudonym is the key under which addresses, devices and peers are
	// hashed. It never changes: with it all counters would start anew.
	Pseudonym []byte       `json:"pseudonym"`
	Signing   []signingKey `json:"signing"` // oldest first

	version int64 // in the store
}

// signingKey signs id_tokens.
type signingKey struct {
	ID        string    `json:"kid"`
	Algorithm string    `json:"alg"`
	CreatedAt time.Time `json:"created_at"`
	NotBefore time.Time `json:"not_before"` // signs from then on; it is published before
	PKCS8     []byte    `json:"key"`

	private crypto.Signer
}

// sealedKeys is how the document is stored. It is sealed under a key of its
// own, and that under each of the configured secrets, so instances that know
// the new secret already and those that know the old one only can run side by
// side.
type sealedKeys struct {
	Wraps map[string][]byte `json:"wraps"` // by the id of the secret
	Box   []byte            `json:"box"`
}

var errKeysDamaged = errors.New("the keys in the store are damaged: restore a backup")

var errKeysLocked = errors.New("the keys in the store are sealed under another Secret: configure that one, or list it in PreviousSecrets")

// loadKeys reads the keys, or makes them when there are none yet. It also
// makes a signing key when there is none for the algorithm, and seals the
// keys under the configured secrets when these changed.
func loadKeys(ctx context.Context, store storage.Keys, secrets []secretKeys, algorithm string, now time.Time) (*keySet, error) {
	return changeKeys(ctx, store, secrets, func(set *keySet) (bool, error) { return set.ensure(algorithm, now) })
}

// changeKeys reads the keys, changes them, and stores them if they changed or
// are not sealed under the configured secrets. When another instance changed
// them meanwhile it begins anew.
func changeKeys(ctx context.Context, store storage.Keys, secrets []secretKeys, change func(*keySet) (changed bool, err error)) (*keySet, error) {
	for {
		sealed, version, err := store.LoadKeys(ctx)
		if err != nil {
			return nil, fmt.Errorf("load keys: %w", err)
		}
		if version > 0 && len(sealed) == 0 {
			return nil, errKeysDamaged
		}
		set, current, err := openKeys(sealed, secrets)
		if err != nil {
			return nil, err
		}
		changed, err := change(set)
		if err != nil {
			return nil, err
		}
		if set.version = version; current && !changed {
			return set, nil
		}
		sealed, err = sealKeys(set, secrets)
		if err != nil {
			return nil, err
		}
		if err := failpoint.Hit("keys: made"); err != nil {
			return nil, err
		}
		saved, err := store.SaveKeys(ctx, sealed, version)
		if err == nil {
			err = failpoint.Hit("keys: saved")
		}
		if err != nil {
			return nil, fmt.Errorf("save keys: %w", err)
		}
		if saved {
			set.version++
			return set, nil
		}
		// Another instance was faster: take what it made.
	}
}

// openKeys opens the document with whichever secret fits. current is false
// when it has to be stored anew. No document yet is a new set.
func openKeys(sealed []byte, secrets []secretKeys) (set *keySet, current bool, err error) {
	if len(sealed) == 0 {
		return &keySet{Pseudonym: randomBytes(32)}, false, nil
	}
	var doc sealedKeys
	if err := json.Unmarshal(sealed, &doc); err != nil {
		return nil, false, fmt.Errorf("%w: %v", errKeysDamaged, err)
	}
	var key []byte
	current = len(doc.Wraps) == len(secrets)
	for _, s := range secrets {
		wrapped, ok := openBox(s.seal, doc.Wraps[s.id])
		if ok && key == nil {
			key = wrapped
		}
		current = current && ok
	}
	if key == nil {
		return nil, false, errKeysLocked
	}
	text, ok := openBox(key, doc.Box)
	if !ok {
		return nil, false, errKeysDamaged
	}
	set = new(keySet)
	if err := json.Unmarshal(text, set); err != nil {
		return nil, false, fmt.Errorf("%w: %v", errKeysDamaged, err)
	}
	for i := range set.Signing {
		if err := set.Signing[i].parse(); err != nil {
			return nil, false, err
		}
	}
	return set, current, nil
}

func sealKeys(set *keySet, secrets []secretKeys) ([]byte, error) {
	text, err := json.Marshal(set)
	if err != nil {
		return nil, err
	}
	key := randomBytes(32)
	doc := sealedKeys{Wraps: make(map[string][]byte), Box: sealBox(key, text)}
	for _, s := range secrets {
		doc.Wraps[s.id] = sealBox(s.seal, key)
	}
	return json.Marshal(doc)
}

// signing returns the key that signs with the algorithm: the newest of those
// whose time has come.
func (s *keySet) signing(algorithm string, now time.Time) *signingKey {
	// Only where there is no other does a key sign whose time has not come by
	// this clock, which may be behind that of the instance that made it.
	for _, now := range []time.Time{now, now.Add(clockSkew)} {
		for i := len(s.Signing) - 1; i >= 0; i-- {
			if k := &s.Signing[i]; k.Algorithm == algorithm && !now.Before(k.NotBefore) {
				return k
			}
		}
	}
	return nil
}

// ensure makes a key if there is none to sign with.
func (s *keySet) ensure(algorithm string, now time.Time) (changed bool, err error) {
	if s.signing(algorithm, now) != nil {
		return false, nil
	}
	return true, s.add(algorithm, now, now)
}

// add makes another key that signs from notBefore on.
func (s *keySet) add(algorithm string, notBefore, now time.Time) error {
	key, err := newSigningKey(algorithm, now)
	if err != nil {
		return err
	}
	key.NotBefore = notBefore.UTC().Truncate(time.Second)
	s.Signing = append(s.Signing, key)
	return nil
}

// pseudonym is a keyed hash of parts that together name somebody. The parts
// are told apart by their lengths.
func (s *keySet) pseudonym(parts ...string) []byte {
	mac := hmac.New(sha256.New, s.Pseudonym)
	for _, p := range parts {
		mac.Write([]byte{byte(len(p) >> 8), byte(len(p))})
		mac.Write([]byte(p))
	}
	return mac.Sum(nil)
}

// The algorithms that id_tokens can be signed with.
const (
	RS256 = "RS256" // RSA of 2048 bits: what the API family's clients assume
	ES256 = "ES256" // ECDSA on P-256: signs twenty times as fast
	EdDSA = "EdDSA" // Ed25519
)

func newSigningKey(algorithm string, now time.Time) (key signingKey, err error) {
	var private crypto.Signer
	switch algorithm {
	case RS256:
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	case ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case EdDSA:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		return key, fmt.Errorf("make a signing key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return key, fmt.Errorf("make a signing key: %w", err)
	}
	key = signingKey{Algorithm: algorithm, CreatedAt: now.UTC().Truncate(time.Second), PKCS8: der}
	if err := key.parse(); err != nil {
		return key, err
	}
	key.ID, err = thumbprint(key.private.Public())
	return key, err
}

// parse makes the usable key from the stored one.
func (k *signingKey) parse() error {
	private, err := x509.ParsePKCS8PrivateKey(k.PKCS8)
	if err != nil {
		return fmt.Errorf("signing key %s in the store: %w", k.ID, err)
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return fmt.Errorf("signing key %s in the store: a %T cannot sign", k.ID, private)
	}
	if !fits(signer.Public(), k.Algorithm) {
		return fmt.Errorf("signing key %s in the store: too weak, or not one for %q", k.ID, k.Algorithm)
	}
	k.private = signer
	return nil
}

// fits is true for the keys that newSigningKey makes.
func fits(public crypto.PublicKey, algorithm string) bool {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return algorithm == RS256 && key.N.BitLen() >= 2048
	case *ecdsa.PublicKey:
		return algorithm == ES256 && key.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return algorithm == EdDSA
	}
	return false
}
