// Package memory keeps everything that mailkey keeps in maps, and forgets it
// when the process ends: users too. It is for tests, and for an app in one
// process that may ask everybody to log in again after a restart.
//
//	store := memory.New()
//
// is all there is to it. A [Store] has no goroutine, no clock and
// nothing to close; what expired stays in memory until Sweep is called.
package memory

import (
	"container/list"
	"context"
	"sync"
	"time"

	"example.com/mailkey/storage"
)

// Store is a [storage.Store] in memory. Make one with [New].
type Store struct {
	mu sync.Mutex

	captchas       map[string]*captcha
	captchasByAge  *list.List            // of *captcha, oldest first
	captchasByPeer map[string][]*captcha // oldest first

	tickets map[string]storage.Ticket
	limits  map[string]int64 // the theoretical arrival time, see storage.Limit.Take

	addresses  map[string]*address
	devices    map[device]time.Time  // when each last logged in
	challenges map[string]*challenge // by binding
	failures   map[int64]int         // wrong guesses by hour
	outbox     map[string]*challenge // those of the challenges whose mail is not finished
	beat       time.Time

	users          map[string]*storage.User
	usersByEmail   map[string]*storage.User
	sessions       map[string]*session // by token hash, ended ones too
	sessionsByUser map[string][]*session

	keys        []byte
	keysVersion int64
}

var _ storage.Store = (*Store)(nil)

// New returns an empty store.
func New() *Store {
	return &Store{
		captchas:       make(map[string]*captcha),
		captchasByAge:  list.New(),
		captchasByPeer: make(map[string][]*captcha),
		tickets:        make(map[string]storage.Ticket),
		limits:         make(map[string]int64),
		addresses:      make(map[string]*address),
		devices:        make(map[device]time.Time),
		challenges:     make(map[string]*challenge),
		failures:       make(map[int64]int),
		outbox:         make(map[string]*challenge),
		users:          make(map[string]*storage.User),
		usersByEmail:   make(map[string]*storage.User),
		sessions:       make(map[string]*session),
		sessionsByUser: make(map[string][]*session),
	}
}

// lock begins a verb: with a context that has ended it does not, otherwise the
// verb is done as a whole.
func (s *Store) lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	return nil
}

// ms rounds down to milliseconds, like every store; the zero time stays zero.
func ms(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.UnixMilli(t.UnixMilli()).UTC()
}

// past reports whether what expires at t is dead by now.
func past(t, now time.Time) bool { return !now.Before(t) }
