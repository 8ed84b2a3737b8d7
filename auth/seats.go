package auth

import (
	"sync"
	"time"
)

const (
	quickSeats = 4           // mails under way at a time
	slowSeats  = 12          // and those that take longer, because of their recipients perhaps
	slowAfter  = time.Second // than this
)

// seats bound how many mails are under way, which is how many connections the
// relay sees. A relay may ask the recipient's host before it takes a mail, and
// that may be silent on purpose: such mails make room for those of others.
type seats struct {
	freed func() // is called when a seat has become free

	mu          sync.Mutex
	quick, slow int // taken
}

// free is how many mails can be begun.
func (s *seats) free() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return quickSeats - s.quick
}

// take takes a free seat until leave is called, once.
func (s *seats) take() (leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quick++
	mine := &s.quick
	var moving *time.Timer
	moving = time.AfterFunc(slowAfter, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case mine == nil: // it has left
		case s.slow == slowSeats:
			moving.Reset(slowAfter)
		default:
			s.quick--
			s.slow++
			mine = &s.slow
			s.freed()
		}
	})
	return func() {
		moving.Stop()
		s.mu.Lock()
		defer s.mu.Unlock()
		*mine--
		mine = nil
		s.freed()
	}
}
