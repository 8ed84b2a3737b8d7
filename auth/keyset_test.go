package auth

import (
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
func TestKeysWhileTheyAreRead(t *testing.T) {
	t.Parallel()
	a := new(Auth)
	now := time.Now()
	a.ring.Store(&keyring{readAt: now})
	a.reading.Lock()
	defer a.reading.Unlock()
	got := make(chan *keyring)
	go func() { got <- a.currentKeys(t.Context(), now.Add(2*time.Minute-time.Nanosecond)) }()
	select {
	case ring := <-got:
		if ring != a.ring.Load() {
			t.Error("it has other keys")
		}
	case <-time.After(10 * time.Second):
		t.Error("it waits")
	}
}
