// Package timing compares how long two classes of requests take to be
// answered: whoever can tell them apart by their times learns what the answers
// do not say.
package timing

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// Comparison says how the times of one class differ from another's.
type Comparison struct {
	N      int           // of each class, the slowest of which do not count
	T      float64       // Welch's t: of the means
	Z      float64       // Mann and Whitney's U as standard deviations: of the ranks
	Median time.Duration // how much later the second class is answered
	P10    time.Duration // the same of the fastest tenth
}

// slowest is the part of the times that says more about the machine than about
// the class.
const slowest = 0.05

// Compare compares times.
func Compare(a, b []time.Duration) Comparison {
	x, y := fastest(a), fastest(b)
	return Comparison{
		N: len(a), T: welch(x, y), Z: mannWhitney(x, y),
		Median: y[len(y)/2] - x[len(x)/2],
		P10:    y[len(y)/10] - x[len(x)/10],
	}
}

func (c Comparison) String() string {
	return fmt.Sprintf("t = %6.2f, z = %6.2f, median %+v, tenth %+v (%d each)", c.T, c.Z, c.Median, c.P10, c.N)
}

// fastest returns all but the slowest, sorted.
func fastest(times []time.Duration) []time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[:len(sorted)-int(slowest*float64(len(sorted)))]
}

func welch(x, y []time.Duration) float64 {
	mx, vx := moments(x)
	my, vy := moments(y)
	return (my - mx) / math.Sqrt(vx/float64(len(x))+vy/float64(len(y)))
}

func moments(x []time.Duration) (mean, variance float64) {
	for _, d := range x {
		mean += float64(d)
	}
	mean /= float64(len(x))
	for _, d := range x {
		variance += (float64(d) - mean) * (float64(d) - mean)
	}
	return mean, variance / float64(len(x)-1)
}

// mannWhitney is above 0 when the second is slower.
func mannWhitney(x, y []time.Duration) float64 {
	type sample struct {
		d      time.Duration
		second bool
	}
	var all []sample
	for _, d := range x {
		all = append(all, sample{d, false})
	}
	for _, d := range y {
		all = append(all, sample{d, true})
	}
	slices.SortFunc(all, func(a, b sample) int { return cmp.Compare(a.d, b.d) })
	var ranks, ties float64 // of the second; of both
	for i := 0; i < len(all); {
		j, second := i, 0
		for ; j < len(all) && all[j].d == all[i].d; j++ {
			if all[j].second {
				second++
			}
		}
		ranks += float64(second) * float64(i+1+j) / 2 // the mean of the ranks from i+1 to j
		t := float64(j - i)
		ties += t*t*t - t
		i = j
	}
	n, m := float64(len(x)), float64(len(y))
	u := ranks - m*(m+1)/2
	variance := n * m / 12 * (n + m + 1 - ties/((n+m)*(n+m-1)))
	return (u - n*m/2) / math.Sqrt(variance)
}

const (
	tooSure = 4.5 // standard deviations
	tooLate = 200 * time.Microsecond
)

// Differ reports whether all runs agree that one class, and which, is answered
// later.
func Differ(runs ...Comparison) bool {
	later, earlier := true, true
	for _, c := range runs {
		later = later && (c.T > tooSure || c.Z > tooSure && c.Median > tooLate)
		earlier = earlier && (c.T < -tooSure || c.Z < -tooSure && c.Median < -tooLate)
	}
	return later || earlier
}
