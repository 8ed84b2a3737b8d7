package auth

import (
	"testing"
	"time"
)

func TestWholeSeconds(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]int{0: 0, 1: 1, time.Second - 1: 1, time.Second: 1, time.Second + 1: 2, 2 * time.Minute: 120} {
		if got := wholeSeconds(d); got != want {
			t.Errorf("%v: %d, want %d", d, got, want)
		}
	}
}
