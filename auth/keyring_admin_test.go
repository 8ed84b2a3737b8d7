package auth_test

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/mailkey/auth"
)

// RotateKeys signs with a new key here now, and elsewhere within a minute. What
// the old one signed stays valid for as long as it lives.
func TestRotateKeys(t *testing.T) {
	t.Parallel()
	instances(t, 2, nil, func(auths []*auth.Auth) {
		here, there := auths[0], auths[1]
		old, first := signed(t, here)
		time.Sleep(time.Minute)
		if err := here.RotateKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		fresh, second := signed(t, here)
		if second == first || !slices.Equal(here.RingIDs(t.Context()), []string{first, second}) {
			t.Errorf("signed with %s of %v", second, here.RingIDs(t.Context()))
		}
		var v verifier
		for name, token := range map[string]string{"old": old, "fresh": fresh} {
			if err := v.verify(t, here, token); err != nil {
				t.Errorf("the %s token: %v", name, err)
			}
		}
		time.Sleep(time.Minute)
		if _, kid := signed(t, there); kid != second {
			t.Errorf("another instance signs with %s after a minute, want %s", kid, second)
		}
		time.Sleep(23 * time.Hour)
		here.Tend(t.Context())
		if len(here.RingIDs(t.Context())) != 2 {
			t.Error("the old key was withdrawn within a day")
		}
		time.Sleep(2 * time.Hour)
		here.Tend(t.Context())
		if ids := here.RingIDs(t.Context()); !slices.Equal(ids, []string{second}) {
			t.Errorf("keys %v, want %s alone", ids, second)
		}
	})
}

// Rotated by hand while the next key is out already, the keys do not pile up,
// and the schedule begins anew.
func TestRotateKeysBeforeTheSchedule(t *testing.T) {
	t.Parallel()
	instances(t, 1, nil, func(auths []*auth.Auth) {
		a := auths[0]
		time.Sleep(29 * day)
		a.Tend(t.Context())
		pending := a.RingIDs(t.Context())[1]
		for range 3 {
			if err := a.RotateKeys(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if ids := a.RingIDs(t.Context()); slices.Contains(ids, pending) || len(ids) != 4 {
			t.Errorf("keys %v, with the one that was pending: %v", ids, slices.Contains(ids, pending))
		}
		_, kid := signed(t, a)
		time.Sleep(28 * day)
		a.Tend(t.Context())
		if ids := a.RingIDs(t.Context()); !slices.Equal(ids, []string{kid}) {
			t.Errorf("after 28 days: keys %v, want %s alone", ids, kid)
		}
		time.Sleep(day)
		a.Tend(t.Context())
		if ids := a.RingIDs(t.Context()); len(ids) != 2 || ids[0] != kid {
			t.Errorf("after 29 days: keys %v, want the next one after %s", ids, kid)
		}
	})
}

// After a theft every token that is out is refused as soon as a verifier looks
// again, on each instance within a minute; people stay signed in.
func TestAbuse_G13_revokeKeys(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		session, _ := k.signIn("ann@b.example")
		stolen := k.refresh(session).field(t, "id_token")
		there := k.as(func(o *kit) { o.restart() })
		k.pass(time.Hour)
		before := k.auth.RingIDs(k.Context())
		etag := k.get(keysPath).header.Get("ETag")
		if err := k.auth.RevokeKeys(k.Context()); err != nil {
			t.Fatal(err)
		}
		after := k.auth.RingIDs(k.Context())
		if len(after) != 1 || slices.Contains(before, after[0]) {
			t.Errorf("keys %v after %v", after, before)
		}
		if again := k.get(keysPath).header.Get("ETag"); again == etag {
			t.Error("the published set has the ETag of the old one")
		}
		if _, err := strict(k, auth.ES256, stolen); err == nil {
			t.Error("a token of a withdrawn key is accepted")
		}
		fresh := k.refresh(session).field(t, "id_token")
		verify(k, auth.ES256, fresh)
		time.Sleep(time.Minute)
		if got := there.get(keysPath); !bytes.Equal(got.body, k.get(keysPath).body) {
			t.Errorf("another instance publishes %s after a minute", got.body)
		}
		if h := header(t, there.refresh(session).field(t, "id_token")); h["kid"] != after[0] {
			t.Errorf("another instance signs with %v", h)
		}
		there.restart()
		if ids := there.auth.KeyIDs(); !slices.Equal(ids, after) {
			t.Errorf("a restart has %v, want %v", ids, after)
		}
	})
}

// Tokens are signed, published and rotated at once without one being made that
// the published keys do not fit.
func TestKeysAtOnce(t *testing.T) {
	t.Parallel()
	instances(t, 2, nil, func(auths []*auth.Auth) {
		var mu sync.Mutex
		var tokens []string
		for range 5 {
			atOnce(12, func(i int) {
				a := auths[i%2]
				switch {
				case i == 0:
					if err := a.RotateKeys(t.Context()); err != nil {
						t.Error(err)
					}
				case i < 4:
					a.Tend(t.Context())
				default:
					token, _ := signed(t, a)
					mu.Lock()
					defer mu.Unlock()
					tokens = append(tokens, token)
				}
			})
			time.Sleep(time.Minute)
			for _, a := range auths {
				var v verifier
				for _, token := range tokens {
					if err := v.verify(t, a, token); err != nil {
						t.Error(err)
					}
				}
			}
			tokens = nil
		}
	})
}

// A change of the algorithm and the schedule go together: the old algorithm's
// key is withdrawn when none of its tokens can be valid any more.
func TestAlgorithmChangesWithTheSchedule(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		k.stop()
		old := k.auth
		token, first := signed(t, old)
		time.Sleep(10 * day)
		k.conf.SigningAlgorithm = auth.EdDSA
		k.restart()
		_, second := signed(t, k.auth)
		if ids := k.auth.RingIDs(k.Context()); !slices.Equal(ids, []string{first, second}) {
			t.Fatalf("keys %v", ids)
		}
		time.Sleep(23 * time.Hour)
		k.auth.Tend(k.Context())
		if body := string(k.get(keysPath).body); !strings.Contains(body, first) {
			t.Errorf("the old key was withdrawn within a day: %s", body)
		}
		time.Sleep(2 * time.Hour)
		k.auth.Tend(k.Context())
		if body := string(k.get(keysPath).body); strings.Contains(body, first) || !strings.Contains(body, second) {
			t.Errorf("keys %s, want %s alone", body, second)
		}
		if _, err := strict(k, auth.ES256, token); err == nil {
			t.Error("a token of a withdrawn key is accepted")
		}
		time.Sleep(28 * day)
		k.auth.Tend(k.Context())
		if ids := k.auth.RingIDs(k.Context()); len(ids) != 2 || ids[0] != second {
			t.Errorf("the schedule of the new algorithm: keys %v", ids)
		}
		k.run()
	})
}
