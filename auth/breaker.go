package auth

import (
	"context"
	"slices"
	"time"
)

// One address is protected by its own count of failures. The breaker protects
// the many: when the whole service sees far more wrong guesses than usual,
// somebody is trying one guess at each of a great many addresses, and all new
// codes are made longer until it is over.
const (
	breakerFloor  = 200 // wrong guesses in an hour that are never unusual
	breakerFactor = 10  // times the median of that hour on the seven days before
	breakerMaxAge = time.Minute
)

type breakerState struct {
	at    time.Time
	level int
}

// minLevel is the least length of new codes. It is looked up once a minute.
func (a *Auth) minLevel(ctx context.Context, now time.Time) (int, error) {
	old := a.breaker.Load()
	if old != nil && now.Sub(old.at).Abs() < breakerMaxAge {
		return old.level, nil
	}
	// The hour before counts as well, so that it stays on for an hour at least.
	hours, err := a.config.Store.FailuresByHour(ctx, 7*24+2, now)
	if err != nil {
		return 0, err
	}
	state := &breakerState{at: now, level: level0}
	if unusual(hours) || unusual(hours[:len(hours)-1]) {
		state.level = level1
	}
	if a.breaker.CompareAndSwap(old, state) && (old == nil || old.level != state.level) && state.level > level0 {
		a.config.Logger.Error("far more wrong codes than usual: new codes are longer", "this_hour", hours[len(hours)-1])
	}
	return state.level, nil
}

// unusual compares the last hour with the same hour of the days before.
func unusual(hours []int) bool {
	last := len(hours) - 1
	var before []int
	for day := 1; day <= 7; day++ {
		before = append(before, hours[last-24*day])
	}
	slices.Sort(before)
	return hours[last] > max(breakerFloor, breakerFactor*before[3])
}
