package auth_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/storage/memory"
)

// mixed is an instance that signs with EdDSA beside two that sign with ES256,
// as while a change of the algorithm is rolled out.
func mixed(t *testing.T, f func(ed, es, es2 *auth.Auth)) {
	t.Helper()
	algorithms := []string{auth.EdDSA, auth.ES256, auth.ES256}
	i := 0
	instances(t, len(algorithms), func(c *auth.Config) {
		c.SigningAlgorithm = algorithms[i]
		i++
	}, func(auths []*auth.Auth) {
		time.Sleep(time.Minute) // until each knows the keys of the others
		f(auths[0], auths[1], auths[2])
	})
}

// everywhere checks a token against what each instance publishes.
func everywhere(t *testing.T, token string, want bool, auths ...*auth.Auth) {
	t.Helper()
	for i, a := range auths {
		var v verifier
		if err := v.verify(t, a, token); (err == nil) != want {
			t.Errorf("by instance %d: %v, want it accepted: %v", i, err, want)
		}
	}
}

// An instance whose algorithm lost all its keys makes one with its next
// signature: one for all instances of the algorithm, published with it.
func TestRevokedKeysOfAnotherAlgorithm(t *testing.T) {
	t.Parallel()
	mixed(t, func(ed, es, es2 *auth.Auth) {
		stolen, old := signed(t, es)
		if err := ed.RevokeKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, revoker := signed(t, ed)
		time.Sleep(time.Minute)
		everywhere(t, stolen, false, ed, es, es2)

		// Both sign at once, and make one key.
		tokens, kids := make([]string, 8), make([]string, 8)
		atOnce(len(tokens), func(i int) {
			tokens[i], kids[i] = signed(t, []*auth.Auth{es, es2}[i%2])
		})
		for i, kid := range kids {
			if kid != kids[0] || kid == old || kid == revoker {
				t.Errorf("signature %d is of %s, want one new key for all: %s", i, kid, kids[0])
			}
		}
		everywhere(t, tokens[0], true, es, es2)
		time.Sleep(time.Minute)
		everywhere(t, tokens[0], true, ed)
		for name, a := range map[string]*auth.Auth{"EdDSA": ed, "ES256": es, "the other ES256": es2} {
			if ids := a.RingIDs(t.Context()); !slices.Equal(ids, []string{revoker, kids[0]}) {
				t.Errorf("%s has the keys %v, want %s and %s", name, ids, revoker, kids[0])
			}
		}
		if _, kid := signed(t, ed); kid != revoker {
			t.Errorf("EdDSA signs with %s, want %s", kid, revoker)
		}
	})
}

// A rotation by hand leaves the keys of another algorithm alone, those that do
// not sign yet among them.
func TestRotateKeysOfAnotherAlgorithm(t *testing.T) {
	t.Parallel()
	mixed(t, func(ed, es, es2 *auth.Auth) {
		_, first := signed(t, es)
		_, before := signed(t, ed)
		time.Sleep(29*day - time.Minute)
		es.Tend(t.Context()) // publishes the next key, and withdraws that of EdDSA, as one that was replaced
		pending := es.RingIDs(t.Context())[1]
		time.Sleep(time.Minute)
		token, healed := signed(t, ed)
		if healed == before {
			t.Errorf("EdDSA signs with %s, which was withdrawn", healed)
		}
		everywhere(t, token, true, ed)

		if err := ed.RotateKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, rotated := signed(t, ed)
		time.Sleep(time.Minute)
		if ids := es2.RingIDs(t.Context()); !slices.Equal(ids, []string{first, pending, healed, rotated}) {
			t.Errorf("keys %v, want %s, the next one %s, and of EdDSA %s and %s", ids, first, pending, healed, rotated)
		}
		if _, kid := signed(t, es); kid != first {
			t.Errorf("ES256 signs with %s, want %s for a day still", kid, first)
		}
		time.Sleep(2 * day)
		for _, a := range []*auth.Auth{es, es2} {
			token, kid := signed(t, a)
			if kid != pending {
				t.Errorf("ES256 signs with %s, want the next one %s", kid, pending)
			}
			everywhere(t, token, true, ed, es, es2)
		}
	})
}

// While no key can be stored nothing is signed with an algorithm that has none:
// that is an error, and passes.
func TestRevokedKeysWhileTheStoreFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &keyStore{Store: memory.New()}
		es := newAuth(t, func(c *auth.Config) { c.Store = store })
		ed := newAuth(t, func(c *auth.Config) { c.Store, c.SigningAlgorithm = store, auth.EdDSA })
		if err := ed.RevokeKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		store.save = errors.New("the disk is full")
		for range 2 {
			if token, err := es.SignFor(t.Context(), auth.Identity{}); !errors.Is(err, store.save) || token != "" {
				t.Errorf("got %q, %v", token, err)
			}
		}
		signed(t, ed)
		store.save = nil
		token, _ := signed(t, es)
		everywhere(t, token, true, es)
	})
}
