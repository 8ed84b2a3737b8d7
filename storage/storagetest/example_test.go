package storagetest_test

import (
	"testing"

	"example.com/mailkey/storage"
	"example.com/mailkey/storage/memory"
	"example.com/mailkey/storage/storagetest"
)

// What the test file of a store has in it.
func Example() {
	open := func(*testing.T) storage.Store { return memory.New() } // yours, and empty

	_ = func(t *testing.T) { // TestConformance
		storagetest.Run(t, open)
	}
	_ = func(t *testing.T) { // TestRandom
		storagetest.RunRandom(t, open, 1, 1000)
	}
	// Output:
}
