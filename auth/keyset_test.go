package auth

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"
)

// Where no other key can sign, one does whose time comes within a minute: the
// clock may be behind by as much.
func TestKeyOfAFasterClock(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, row := range []struct {
		ahead time.Duration
		signs bool
	}{{0, true}, {time.Minute, true}, {time.Minute + time.Nanosecond, false}} {
		set := &keySet{Signing: []signingKey{{ID: "a", Algorithm: ES256, NotBefore: now.Add(row.ahead)}}}
		if got := set.signing(ES256, now) != nil; got != row.signs {
			t.Errorf("a key that signs in %v: %v", row.ahead, got)
		}
	}
}

// Where there are only keys of another algorithm, one of ours is made at once.
func TestTendMakesTheFirstOfAnAlgorithm(t *testing.T) {
	t.Parallel()
	now := time.Now()
	set := &keySet{}
	if err := set.add(EdDSA, now, now); err != nil {
		t.Fatal(err)
	}
	changed, err := set.tend(ES256, 30*24*time.Hour, time.Minute, now)
	if key := set.signing(ES256, now); err != nil || !changed || key == nil || len(set.Signing) != 2 {
		t.Errorf("changed %v, %v, and the key to sign with is %v of %d", changed, err, key, len(set.Signing))
	}
}

// Until they are two minutes old, nobody waits for whoever reads the keys anew.
// Then everybody does.
func TestKeysWhileTheyAreRead(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		age   time.Duration
		waits bool
		wait  time.Duration // for what must come, or must not
	}{{2*time.Minute - time.Nanosecond, false, 10 * time.Second}, {2 * time.Minute, true, 100 * time.Millisecond}} {
		t.Run(row.age.String(), func(t *testing.T) {
			t.Parallel()
			a := new(Auth)
			now := time.Now()
			old, fresh := &keyring{readAt: now.Add(-row.age)}, &keyring{readAt: now}
			a.ring.Store(old)
			a.reading.Lock()
			got := make(chan *keyring)
			go func() { got <- a.currentKeys(t.Context(), now) }()
			var ring *keyring
			select {
			case ring = <-got:
			case <-time.After(row.wait):
			}
			a.ring.Store(fresh)
			a.reading.Unlock()
			if waits := ring == nil; waits != row.waits {
				t.Errorf("it waits: %v", waits)
			}
			want := old
			if ring == nil {
				ring, want = <-got, fresh
			}
			if ring != want {
				t.Error("it has other keys")
			}
		})
	}
}

// A key is withdrawn a day after the last token of its has expired, and not
// before.
func TestTendWithdraws(t *testing.T) {
	t.Parallel()
	const tokenLife = 10 * time.Minute
	replaced := time.Now().Truncate(time.Second)
	for after, want := range map[time.Duration][]string{
		tokenLife + 24*time.Hour:                   {"old", "new"},
		tokenLife + 24*time.Hour + time.Nanosecond: {"new"},
	} {
		set := &keySet{Signing: []signingKey{
			{ID: "old", Algorithm: ES256, NotBefore: replaced.Add(-time.Hour)}, {ID: "new", Algorithm: ES256, NotBefore: replaced},
		}}
		if _, err := set.tend(ES256, 30*24*time.Hour, tokenLife, replaced.Add(after)); err != nil {
			t.Fatal(err)
		}
		var left []string
		for _, k := range set.Signing {
			left = append(left, k.ID)
		}
		if !slices.Equal(left, want) {
			t.Errorf("after %v there are %v, want %v", after, left, want)
		}
	}
}

// A pseudonym is as another implementation of HMAC has it, which says that parts
// are told apart whatever their lengths are.
func TestPseudonym(t *testing.T) {
	t.Parallel()
	set := &keySet{}
	for i := range byte(32) {
		set.Pseudonym = append(set.Pseudonym, i)
	}
	const want = "9ba5c944830241664c23b50b8b3e2851c4e052a931b8422c966093cc0442ec63"
	if got := hex.EncodeToString(set.pseudonym(strings.Repeat("x", 300), "", "ann@b.example")); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	fresh, _, err := openKeys(nil, nil)
	if err != nil || len(fresh.Pseudonym) != 32 || bytes.Equal(fresh.Pseudonym, set.Pseudonym) {
		t.Errorf("a new set has the key %x: %v", fresh.Pseudonym, err)
	}
}

// RSA keys have 2048 bits; weaker ones are not signed with.
func TestStrengthOfRSA(t *testing.T) {
	t.Parallel()
	key, err := newSigningKey(RS256, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if public, ok := key.private.Public().(*rsa.PublicKey); !ok || public.N.BitLen() != 2048 || !fits(public, RS256) {
		t.Errorf("the key is a %T", key.private.Public())
	}
	weak, err := rsa.GenerateKey(rand.Reader, 2047)
	if err != nil {
		t.Fatal(err)
	}
	if fits(weak.Public(), RS256) {
		t.Error("a key of 2047 bits fits")
	}
}
