package auth

import (
	"context"
	"testing"
	"time"

	"example.com/mailkey/storage"
)

// hourStore counts how often the failures of so many hours are asked for.
type hourStore struct {
	storage.Store
	asked []int
}

func (s *hourStore) FailuresByHour(_ context.Context, n int, _ time.Time) ([]int, error) {
	s.asked = append(s.asked, n)
	return make([]int, n), nil
}

// The failures of this hour, of the one before and of a week before both are
// looked at once a minute, by whatever clock.
func TestBreakerLooksOnceAMinute(t *testing.T) {
	t.Parallel()
	store := &hourStore{}
	a := &Auth{config: Config{Store: store}}
	start := time.Now()
	for _, row := range []struct {
		after time.Duration
		looks int
	}{
		{0, 1}, {time.Minute - time.Nanosecond, 1}, {time.Minute, 2}, {time.Nanosecond, 2}, {0, 3},
	} {
		level, err := a.minLevel(t.Context(), start.Add(row.after))
		if err != nil || level != level0 || len(store.asked) != row.looks {
			t.Errorf("after %v: level %d, looked %d times: %v", row.after, level, len(store.asked), err)
		}
	}
	for _, n := range store.asked {
		if n != 7*24+2 {
			t.Errorf("it looks at %d hours", n)
		}
	}
}
