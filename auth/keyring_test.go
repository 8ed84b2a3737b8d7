package auth_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"

	"example.com/mailkey/auth"
	"example.com/mailkey/storage"
	"example.com/mailkey/storage/memory"
)

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// signed is an id_token of the instance, and the id of its key.
func signed(t *testing.T, a *auth.Auth) (token, kid string) {
	t.Helper()
	token, err := a.SignFor(t.Context(), auth.Identity{UserID: "ann", ClientID: "app", LoginAt: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	kid, _ = header(t, token)["kid"].(string)
	return token, kid
}

// verifier checks tokens as another service does that caches the keys.
type verifier struct {
	keys  keyfunc.Keyfunc
	asked time.Time
	cache time.Duration
}

func (v *verifier) verify(t *testing.T, a *auth.Auth, token string) error {
	t.Helper()
	if v.keys == nil || time.Since(v.asked) >= v.cache {
		v.see(t, a)
	}
	_, err := jwt.Parse(token, v.keys.Keyfunc, jwt.WithExpirationRequired())
	return err
}

// see asks the instance for its keys.
func (v *verifier) see(t *testing.T, a *auth.Auth) {
	t.Helper()
	keys, err := keyfunc.NewJWKSetJSON(a.Published(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	v.keys, v.asked = keys, time.Now()
}

// instances are Auths on one store, inside a bubble.
func instances(t *testing.T, n int, change func(*auth.Config), f func(auths []*auth.Auth)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		store, auths := storage.Store(memory.New()), make([]*auth.Auth, n)
		for i := range auths {
			auths[i] = newAuth(t, func(c *auth.Config) {
				c.Store, c.SigningAlgorithm = store, auth.EdDSA
				if change != nil {
					change(c)
				}
			})
		}
		f(auths)
	})
}

// In a year of the schedule the key changes twelve times. Each one is published
// at least a day before it signs, and for as long after as one of its tokens
// can be valid, and a day; then it is withdrawn.
func TestAbuse_G12_aYearOfRotations(t *testing.T) {
	t.Parallel()
	instances(t, 1, nil, func(auths []*auth.Auth) {
		a := auths[0]
		published, withdrawn := make(map[string]time.Time), make(map[string]time.Time)
		lastSigned, order := make(map[string]time.Time), []string{}
		const step = 4 * time.Hour // Run looks more often than that
		for start := time.Now(); time.Since(start) < year; time.Sleep(step) {
			a.Tend(t.Context())
			now, ids := time.Now(), a.RingIDs(t.Context())
			if len(ids) > 3 {
				t.Fatalf("%d keys are published", len(ids))
			}
			for _, id := range ids {
				if published[id].IsZero() {
					published[id] = now
				}
			}
			for id := range published {
				if !slices.Contains(ids, id) && withdrawn[id].IsZero() {
					withdrawn[id] = now
				}
			}
			_, kid := signed(t, a)
			if len(order) == 0 || order[len(order)-1] != kid {
				order = append(order, kid)
			}
			lastSigned[kid] = now
		}
		if len(order) != 13 || len(lastSigned) != 13 {
			t.Errorf("%d keys signed, in %d turns; want 13", len(lastSigned), len(order))
		}
		for i, kid := range order {
			if i > 0 {
				first := lastSigned[order[i-1]].Add(step)
				if ahead := first.Sub(published[kid]); ahead < day || ahead > 25*time.Hour+step {
					t.Errorf("key %d was published %v before it signed", i, ahead)
				}
			}
			if i == len(order)-1 {
				continue
			}
			if i > 0 {
				if used := lastSigned[kid].Sub(lastSigned[order[i-1]]); used < 30*day || used > 30*day+2*step {
					t.Errorf("key %d signed for %v", i, used)
				}
			}
			if after := withdrawn[kid].Sub(lastSigned[kid]); after < day || after > day+3*step {
				t.Errorf("key %d was withdrawn %v after it signed", i, after)
			}
		}
	})
}

// Through many rotations, verifiers that look at the keys once in an hour
// accept every token for as long as it lives, whichever of two instances made
// it and whichever they ask. One of the instances runs nothing in the
// background.
func TestAbuse_G12_tokensVerify(t *testing.T) {
	t.Parallel()
	instances(t, 2, func(c *auth.Config) { c.KeyRotation, c.IDTokenLifetime = 3*day, time.Hour }, func(auths []*auth.Auth) {
		verifiers := make([]verifier, 4)
		type live struct {
			token string
			until time.Time
		}
		var tokens []live
		kids := make(map[string]bool)
		const step = 30 * time.Minute
		for i := range int(10 * day / step) {
			if i%2 == 0 {
				auths[0].Tend(t.Context())
			}
			for _, a := range auths {
				token, kid := signed(t, a)
				tokens, kids[kid] = append(tokens, live{token, time.Now().Add(time.Hour)}), true
			}
			tokens = slices.DeleteFunc(tokens, func(l live) bool { return !time.Now().Before(l.until) })
			for v := range verifiers {
				verifiers[v].cache = time.Hour + time.Duration(v)*7*time.Second                 // their phases drift
				for _, l := range append(slices.Clone(tokens[:1]), tokens[len(tokens)-2:]...) { // the oldest and the newest
					if err := verifiers[v].verify(t, auths[v%2], l.token); err != nil {
						t.Fatalf("step %d, verifier %d: %v", i, v, err)
					}
				}
			}
			time.Sleep(step - time.Duration(i%7)*time.Second)
		}
		if len(kids) < 4 {
			t.Errorf("only %d keys signed", len(kids))
		}
	})
}

// A schedule that was not kept, since nothing ran, is taken up without haste.
func TestRotationThatIsLate(t *testing.T) {
	t.Parallel()
	instances(t, 2, nil, func(auths []*auth.Auth) {
		_, first := signed(t, auths[0])
		time.Sleep(100 * day)
		if _, kid := signed(t, auths[0]); kid != first {
			t.Error("the key changed by itself")
		}
		auths[0].Tend(t.Context())
		_, kid := signed(t, auths[0])
		if ids := auths[0].RingIDs(t.Context()); kid != first || len(ids) != 2 {
			t.Errorf("signed with %s of %v, want %s", kid, ids, first)
		}
		time.Sleep(25*time.Hour - time.Second)
		if _, kid := signed(t, auths[1]); kid != first {
			t.Error("the next key signs sooner than announced")
		}
		time.Sleep(time.Second)
		for i, a := range auths {
			if _, kid := signed(t, a); kid == first {
				t.Errorf("instance %d still signs with the old key", i)
			}
		}
	})
}

// However many instances tend the keys at once, there is one next key.
func TestInstancesRotateTogether(t *testing.T) {
	t.Parallel()
	instances(t, 8, nil, func(auths []*auth.Auth) {
		for range 5 {
			time.Sleep(29 * day)
			atOnce(len(auths), func(i int) { auths[i].Tend(t.Context()) })
			time.Sleep(time.Minute)
			ids := auths[0].RingIDs(t.Context())
			if len(ids) != 2 {
				t.Fatalf("%d keys, want 2", len(ids))
			}
			for _, a := range auths {
				if other := a.RingIDs(t.Context()); !slices.Equal(other, ids) {
					t.Errorf("keys %v and %v", ids, other)
				}
			}
			time.Sleep(2 * day)
			auths[3].Tend(t.Context())
			time.Sleep(12 * time.Hour)
			auths[5].Tend(t.Context())
		}
	})
}
