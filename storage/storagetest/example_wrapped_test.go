package storagetest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
	"example.com/mailkey/internal/exampletest"
	"example.com/mailkey/storage"
	"example.com/mailkey/storage/memory"
	"example.com/mailkey/storage/storagetest"
)

// timed is a store around another one that tells how long the transactions of a
// login take. All other verbs are those of the store inside.
type timed struct {
	storage.Store
	observe func(verb string, took time.Duration, err error) // of a metrics library, perhaps
}

func (s timed) RequestCode(ctx context.Context, r storage.CodeRequest, l storage.AddressLimits, now time.Time) (done storage.CodeRequested, err error) {
	start := time.Now()
	defer func() { s.observe("RequestCode", time.Since(start), err) }()
	return s.Store.RequestCode(ctx, r, l, now)
}

func (s timed) Redeem(ctx context.Context, g storage.Guess, l storage.AddressLimits, now time.Time) (done storage.Redeemed, err error) {
	start := time.Now()
	defer func() { s.observe("Redeem", time.Since(start), err) }()
	return s.Store.Redeem(ctx, g, l, now)
}

// What its test file has in it, as TestConformance and TestRandom: it keeps all
// promises of the contracts.
func testConformance(t *testing.T) { storagetest.Run(t, openTimed) }

func testRandom(t *testing.T) { storagetest.RunRandom(t, openTimed, 1, 1000) }

func openTimed(*testing.T) storage.Store {
	return timed{memory.New(), func(string, time.Duration, error) {}}
}

// A store of one's own, around another one, proved by this package and used in
// a login.
func Example_wrapped() {
	t := exampletest.New() // stands in for a test; auth.New takes the same Config
	defer t.End()
	kit := authtest.New(t, func(c *auth.Config) {
		c.Store = timed{memory.New(), func(verb string, took time.Duration, err error) {
			fmt.Println(verb, took < time.Minute, err)
		}}
	})
	kit.Login(t, "ann@b.example")
	// Output:
	// RequestCode true <nil>
	// Redeem true <nil>
}
