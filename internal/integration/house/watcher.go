package house

import (
	"context"
	"sync"
	"time"

	"example.com/mailkey/storage"
)

// Watcher counts how guesses end, and is told what to do meanwhile. All
// instances of a house share it.
type Watcher struct {
	Compared func(context.Context) // called when a guess is about to be compared
	Redeemed func() error          // called when it was counted

	mu      sync.Mutex
	guesses int // that were compared
	results map[storage.GuessResult]int
}

func newWatcher() *Watcher {
	return &Watcher{
		Compared: func(context.Context) {}, Redeemed: func() error { return nil },
		results: make(map[storage.GuessResult]int),
	}
}

// Take returns how the guesses ended that were compared since it was called
// last.
func (w *Watcher) Take() (results map[storage.GuessResult]int, guesses int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	results, guesses = w.results, w.guesses
	w.results, w.guesses = make(map[storage.GuessResult]int), 0
	return results, guesses
}

// watched is a store with a watcher.
type watched struct {
	storage.Store
	*Watcher
}

func (s watched) FindChallenge(ctx context.Context, binding []byte, l storage.AddressLimits, now time.Time) (storage.Challenge, bool, error) {
	c, ok, err := s.Store.FindChallenge(ctx, binding, l, now)
	if err == nil {
		s.mu.Lock()
		s.guesses++
		s.mu.Unlock()
		s.Compared(ctx)
	}
	return c, ok, err
}

func (s watched) Redeem(ctx context.Context, g storage.Guess, l storage.AddressLimits, now time.Time) (storage.Redeemed, error) {
	redeemed, err := s.Store.Redeem(ctx, g, l, now)
	if err != nil {
		return redeemed, err
	}
	s.mu.Lock()
	s.results[redeemed.Result]++
	s.mu.Unlock()
	return redeemed, s.Redeemed()
}
