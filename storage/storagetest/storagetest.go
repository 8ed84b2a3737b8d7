// Package storagetest is the conformance suite for stores.
//
// A store that passes [Run] keeps every promise of the contracts in package
// storage:
//
//	func TestStore(t *testing.T) {
//		storagetest.Run(t, func(t *testing.T) storage.Store {
//			return openEmpty(t) // closed by t.Cleanup
//		})
//	}
//
// A check that fails prints the rule that was broken. [RunRandom] does more
// of the unexpected: it makes random calls and compares the answers with those
// of a model of the contracts.
package storagetest

import (
	"context"
	"testing"

	"example.com/mailkey/storage"
)

// A check shows that a store keeps one rule; the error says how it does not.
type check struct {
	name string
	rule string
	run  func(context.Context, storage.Store) error
}

// A group is the checks of one entity.
type group struct {
	name   string
	checks []check
}

func groups() []group {
	return []group{
		{"captchas", captchas},
		{"tickets", tickets},
		{"limits", limits},
		{"addresses", addresses},
		{"challenges", challenges},
		{"guesses", guesses},
		{"races", races},
		{"failures", failures},
		{"logins", logins},
		{"refusals", refusals},
		{"outbox", outbox},
		{"deliveries", deliveries},
		{"resends", resends},
		{"users", users},
		{"sessions", sessions},
		{"session limits", sessionLimits},
		{"rotations", rotations},
		{"session races", sessionRaces},
		{"administration", administration},
		{"address races", addressRaces},
		{"texts", texts},
		{"keys", keys},
		{"sweep", sweeps},
		{"contexts", contexts},
	}
}

// Run checks that the stores that open returns keep the contracts of package
// storage. Each check gets an empty store of its own; the checks of an entity
// run in parallel, so open must allow that.
func Run(t *testing.T, open func(t *testing.T) storage.Store) {
	for _, g := range groups() {
		t.Run(g.name, func(t *testing.T) {
			for _, c := range g.checks {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					if err := c.run(t.Context(), open(t)); err != nil {
						t.Errorf("%v\nthe rule: %s", err, c.rule)
					}
				})
			}
		})
	}
}
