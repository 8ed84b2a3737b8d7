package timing_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"example.com/mailkey/internal/integration/timing"
)

// By hand: the samples are so small that nothing is dropped.
func TestCompare(t *testing.T) {
	t.Parallel()
	c := timing.Compare([]time.Duration{1, 2, 3, 4}, []time.Duration{3, 5, 6, 7, 9})
	if want := 2.9406; math.Abs(c.T-want) > 1e-3 {
		t.Errorf("t = %v, want %v", c.T, want)
	}
	if want := 2.0917; math.Abs(c.Z-want) > 1e-3 {
		t.Errorf("z = %v, want %v", c.Z, want)
	}
	if c.Median != 3 || c.P10 != 2 || c.N != 4 {
		t.Errorf("median %d, tenth %d, n %d; want 3, 2, 4", c.Median, c.P10, c.N)
	}
}

// sample is times as a busy server has them: most are near each other, some
// are far out.
func sample(r *rand.Rand, n int, later time.Duration) []time.Duration {
	times := make([]time.Duration, n)
	for i := range times {
		times[i] = time.Millisecond + later + time.Duration(r.ExpFloat64()*float64(100*time.Microsecond))
		if r.IntN(33) == 0 {
			times[i] += time.Duration(r.Int64N(int64(50 * time.Millisecond)))
		}
	}
	return times
}

func TestCompareSeesASmallDifference(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 0))
		none := timing.Compare(sample(r, 5000, 0), sample(r, 5000, 0))
		some := timing.Compare(sample(r, 5000, 0), sample(r, 5000, 20*time.Microsecond))
		if math.Abs(none.T) > 4.5 || math.Abs(none.Z) > 4.5 {
			t.Errorf("seed %d: no difference: %v", seed, none)
		}
		if some.T < 4.5 || some.Z < 4.5 {
			t.Errorf("seed %d: a fiftieth later: %v", seed, some)
		}
	}
}
