package storagetest

import (
	"testing"

	"example.com/mailkey/storage"
	"example.com/mailkey/storage/memory"
)

func TestMemoryAgainstItself(t *testing.T) {
	open := func(*testing.T) storage.Store { return memory.New() }
	for seed := range uint64(5) {
		RunAgainst(t, open, open, seed, 2000)
	}
}

// What goes wrong without being at once, random calls find too.
func TestRandomCallsFindBrokenStores(t *testing.T) {
	for _, b := range brokenStores() {
		t.Run(b.does, func(t *testing.T) {
			t.Parallel()
			s := intact()
			b.tamper(s)
			if err := compare(t.Context(), memory.New(), s, 1, 3000); err == nil {
				t.Skip("not found")
			}
		})
	}
}
