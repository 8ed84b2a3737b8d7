package storage_test

import (
	"testing"
	"time"

	"example.com/mailkey/storage"
)

func TestLimitTake(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	at := now.UnixMilli()
	const step = 20_000 // of three in a minute
	tests := []struct {
		name     string
		tat      int64
		wantNext int64
		wantWait time.Duration
	}{
		{"never taken", 0, at + step, 0},
		{"taken long ago", at - 1e9, at + step, 0},
		{"refilled just now", at, at + step, 0},
		{"one taken", at + step, at + 2*step, 0},
		{"two taken", at + 2*step, at + 3*step, 0},
		{"two taken, and a part of a third", at + 2*step + 1, at + 2*step + 1, time.Millisecond},
		{"three taken", at + 3*step, at + 3*step, 20 * time.Second},
		{"by a clock that was ahead", at + 4*step, at + 4*step, 40 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := storage.Limit{Count: 3, Window: time.Minute}
			next, wait := l.Take(tt.tat, now)
			if next != tt.wantNext || wait != tt.wantWait {
				t.Errorf("got %d, %v, want %d, %v", next-at, wait, tt.wantNext-at, tt.wantWait)
			}
		})
	}
}

// Who waits as long as the answer says is allowed, and not before.
func TestLimitTakeWait(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	for _, l := range []storage.Limit{
		{Count: 1, Window: time.Millisecond},
		{Count: 1, Window: 24 * time.Hour},
		{Count: 7, Window: time.Hour}, // not a whole number of milliseconds each
		{Count: 30, Window: 5 * time.Minute},
		{Count: 60, Window: time.Minute},
	} {
		var tat int64
		for range l.Count {
			next, wait := l.Take(tat, now)
			if wait != 0 {
				t.Fatalf("%d in %v: got the wait %v before all were taken", l.Count, l.Window, wait)
			}
			tat = next
		}
		_, wait := l.Take(tat, now)
		if wait <= 0 {
			t.Fatalf("%d in %v: one more was taken", l.Count, l.Window)
		}
		if _, early := l.Take(tat, now.Add(wait-time.Millisecond)); early != time.Millisecond {
			t.Errorf("%d in %v: got the wait %v a millisecond early", l.Count, l.Window, early)
		}
		if _, late := l.Take(tat, now.Add(wait)); late != 0 {
			t.Errorf("%d in %v: got the wait %v in time", l.Count, l.Window, late)
		}
	}
}
