package auth

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"slices"
	"time"

	"example.com/mailkey/internal/failpoint"
)

const (
	keysMaxAge  = time.Minute    // how late an instance sees what another one did
	keysAhead   = 25 * time.Hour // how long a key is published before it signs: a day, and what verifiers cache
	keysLinger  = 24 * time.Hour // how long a key is published after the last token of its may have expired
	keysChecked = time.Hour      // how often Run looks whether it is time
)

// keyring is what an instance knows of the keys.
type keyring struct {
	set    *keySet
	public []byte // the JWK set
	readAt time.Time
}

func newKeyring(set *keySet, now time.Time) (*keyring, error) {
	public, err := publicKeys(set)
	if err != nil {
		return nil, err
	}
	return &keyring{set, public, now}, nil
}

// currentKeys returns the keys, read anew once in a while, since any instance
// may rotate them. If that fails the ones at hand are good for longer.
func (a *Auth) currentKeys(ctx context.Context, now time.Time) *keyring {
	ring := a.ring.Load()
	age := now.Sub(ring.readAt).Abs()
	if age < keysMaxAge {
		return ring
	}
	if !a.reading.TryLock() { // somebody else reads them
		if age < 2*keysMaxAge {
			return ring
		}
		a.reading.Lock()
	}
	defer a.reading.Unlock()
	if ring = a.ring.Load(); now.Sub(ring.readAt).Abs() < keysMaxAge {
		return ring
	}
	// For all who come within the next minute: it does not end with this request.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestDeadline)
	defer cancel()
	fresh, err := a.updateKeys(ctx, now, func(*keySet) (bool, error) { return false, nil })
	if err != nil {
		a.config.Logger.Error("the signing keys were not read anew", "cause", err)
		later := *ring
		later.readAt = now
		a.ring.CompareAndSwap(ring, &later)
		return ring
	}
	return fresh
}

// signingKey returns the key to sign with, and makes one when there is none any
// more: an instance with another algorithm may have withdrawn ours.
func (a *Auth) signingKey(ctx context.Context, now time.Time) (*signingKey, error) {
	algorithm := a.config.SigningAlgorithm
	if key := a.currentKeys(ctx, now).set.signing(algorithm, now); key != nil {
		return key, nil
	}
	ring, err := a.updateKeys(ctx, now, func(set *keySet) (bool, error) { return set.ensure(algorithm, now) })
	if err != nil {
		return nil, err
	}
	return ring.set.signing(algorithm, now), nil
}

var errKeysReplaced = errors.New("the keys in the store were removed, or replaced by those of another: restore a backup")

// updateKeys changes the keys for all instances.
func (a *Auth) updateKeys(ctx context.Context, now time.Time, change func(*keySet) (bool, error)) (*keyring, error) {
	set, err := changeKeys(ctx, a.config.Store, a.secrets, func(set *keySet) (bool, error) {
		if !bytes.Equal(set.Pseudonym, a.keys.Pseudonym) { // which never changes
			return false, errKeysReplaced
		}
		return change(set)
	})
	if err != nil {
		return nil, err
	}
	ring, err := newKeyring(set, now)
	if err != nil {
		return nil, err
	}
	for {
		known := a.ring.Load()
		if known.set.version > set.version || // they were changed since these were read
			a.ring.CompareAndSwap(known, ring) {
			return ring, nil
		}
	}
}

// PublicKey returns the key that id_tokens with this kid are signed with, and
// its algorithm, for checking them in this process; ok is false when there is
// none.
func (a *Auth) PublicKey(ctx context.Context, kid string) (key crypto.PublicKey, algorithm string, ok bool) {
	for _, k := range a.currentKeys(ctx, failpoint.Now()).set.Signing {
		if k.ID == kid {
			return k.private.Public(), k.Algorithm, true
		}
	}
	return nil, "", false
}

// RotateKeys makes a new signing key and signs with it at once, on this
// instance now and on the others within a minute. The old keys stay published
// while tokens that they signed are valid. Verifiers that cache the keys may
// refuse new tokens until they look again; the scheduled rotation of [Auth.Run]
// publishes a key a day before its use.
func (a *Auth) RotateKeys(ctx context.Context) error {
	now := failpoint.Now()
	_, err := a.updateKeys(ctx, now, func(set *keySet) (bool, error) {
		set.dropPending(a.config.SigningAlgorithm, now)
		return true, set.add(a.config.SigningAlgorithm, now, now)
	})
	return err
}

// RevokeKeys makes a new signing key and withdraws all others, after one was
// stolen: every id_token that is out becomes invalid as soon as its verifier
// looks at the published keys again. Sessions go on.
func (a *Auth) RevokeKeys(ctx context.Context) error {
	now := failpoint.Now()
	_, err := a.updateKeys(ctx, now, func(set *keySet) (bool, error) {
		set.Signing = nil
		return true, set.add(a.config.SigningAlgorithm, now, now)
	})
	return err
}

// tendKeys rotates the keys on schedule and withdraws those that are not needed
// any more.
func (a *Auth) tendKeys(ctx context.Context) {
	now := failpoint.Now()
	_, err := a.updateKeys(ctx, now, func(set *keySet) (bool, error) {
		return set.tend(a.config.SigningAlgorithm, a.config.KeyRotation, a.config.IDTokenLifetime, now)
	})
	if err != nil && ctx.Err() == nil {
		a.config.Logger.Error("the signing keys were not rotated", "cause", err)
	}
}

// tend adds the next key in time and removes keys that have been replaced for
// so long that no token of theirs can be valid. A key is replaced by the first
// one after it that has our algorithm; there may be instances with another.
func (s *keySet) tend(algorithm string, interval, tokenLife time.Duration, now time.Time) (changed bool, err error) {
	var kept []signingKey
	newest := -1
	for i, k := range s.Signing {
		next := slices.IndexFunc(s.Signing[i+1:], func(k signingKey) bool { return k.Algorithm == algorithm })
		if next >= 0 && now.Sub(s.Signing[i+1+next].NotBefore) > tokenLife+keysLinger {
			changed = true
			continue
		}
		kept = append(kept, k)
		if k.Algorithm == algorithm {
			newest = len(kept) - 1
		}
	}
	s.Signing = kept
	if newest < 0 {
		return true, s.add(algorithm, now, now)
	}
	due := kept[newest].NotBefore.Add(interval)
	early := now.Add(keysAhead)
	if due.After(early) {
		return changed, nil
	}
	return true, s.add(algorithm, early, now) // a day ahead, however late it is noticed
}

// dropPending removes keys of the algorithm that do not sign yet.
func (s *keySet) dropPending(algorithm string, now time.Time) {
	s.Signing = slices.DeleteFunc(s.Signing, func(k signingKey) bool { return k.Algorithm == algorithm && now.Before(k.NotBefore) })
}
