package storagetest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"example.com/mailkey/storage"
	"example.com/mailkey/storage/memory"
)

func TestMemory(t *testing.T) {
	Run(t, func(*testing.T) storage.Store { return memory.New() })
}

// broken is a store that breaks a rule, and the checks that notice.
type broken struct {
	does   string
	caught []string // group/name
	tamper func(*tampered)
}

func by(checks ...string) []string { return checks }

func brokenStores() []broken {
	return slices.Concat(
		brokenCaptchas, brokenTickets, brokenLimits, brokenAddresses, brokenChallenges, brokenGuesses, brokenLogins,
		brokenOutbox, brokenDeliveries, brokenUsers, brokenSessions, brokenRotations, brokenSessionRaces,
		brokenAdministration, brokenAddressRaces, brokenTexts, brokenKeys, brokenSweeps, brokenContexts,
	)
}

// A failure is a check that a store did not pass.
type failure struct {
	check string // group/name
	err   error
}

// failing runs the named checks, or all of them.
func failing(ctx context.Context, open func() storage.Store, names ...string) (list []failure) {
	for _, g := range groups() {
		for _, c := range g.checks {
			name := fmt.Sprint(g.name, "/", c.name)
			if len(names) > 0 && !slices.Contains(names, name) {
				continue
			}
			if err := c.run(ctx, open()); err != nil {
				list = append(list, failure{name, err})
			}
		}
	}
	return list
}

func TestBrokenStoresAreCaught(t *testing.T) {
	for _, b := range brokenStores() {
		t.Run(b.does, func(t *testing.T) {
			t.Parallel()
			open := func() storage.Store {
				s := intact()
				b.tamper(s)
				return s
			}
			for _, name := range b.caught {
				var list []failure
				for range 20 { // a race may not happen at once
					if list = failing(t.Context(), open, name); len(list) > 0 {
						break
					}
				}
				if len(list) == 0 {
					t.Errorf("a store that %s passes %q", b.does, name)
					continue
				}
				t.Logf("%s: %v", name, list[0].err)
			}
		})
	}
}

// A check that nothing can fail shows nothing.
func TestEveryCheckCatchesABrokenStore(t *testing.T) {
	var caught []string
	for _, b := range brokenStores() {
		caught = append(caught, b.caught...)
	}
	var names []string
	for _, g := range groups() {
		for _, c := range g.checks {
			name := fmt.Sprint(g.name, "/", c.name)
			if names = append(names, name); !slices.Contains(caught, name) {
				t.Errorf("no broken store fails %q", name)
			}
		}
	}
	for _, name := range caught {
		if !slices.Contains(names, name) {
			t.Errorf("there is no check %q", name)
		}
	}
}

func TestTamperedStoreIsIntact(t *testing.T) {
	for _, f := range failing(t.Context(), func() storage.Store { return intact() }) {
		t.Errorf("%s: %v", f.check, f.err)
	}
}

// meeting returns a function that holds its callers up until another one
// comes, or nobody seems to: the moment between check and act.
func meeting() func() {
	var arrived atomic.Int32
	return func() {
		n := arrived.Add(1)
		patient(func() bool { return arrived.Load() > n })
	}
}

// patient waits until done, but not for ever.
func patient(done func() bool) {
	for range 1000 {
		if done() {
			return
		}
		runtime.Gosched()
	}
}
