package auth

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"example.com/mailkey/internal/torture"
	"example.com/mailkey/storage"
)

// sigmas is how far a count may be from what is expected: an even source is
// farther off once in 10^11 times.
const sigmas = 7

// uneven is how many sigmas the counts are from even ones, by the chi-squared
// test and Wilson and Hilferty's approximation of its distribution.
func uneven(counts []int) float64 {
	n := 0
	for _, c := range counts {
		n += c
	}
	want, chi := float64(n)/float64(len(counts)), 0.0
	for _, c := range counts {
		chi += (float64(c) - want) * (float64(c) - want) / want
	}
	free := float64(len(counts) - 1)
	spread := 2 / (9 * free)
	return math.Abs(math.Cbrt(chi/free)-(1-spread)) / math.Sqrt(spread)
}

// census counts the codes of one level.
type census struct {
	letters  string
	position [10][]int
	first    []int // by the first three characters together
	last     []int // by the last three
	seen     map[string]bool
	n        int
	repeated int
}

func newCensus(letters string) *census {
	base := len(letters)
	c := &census{letters: letters, first: make([]int, base*base*base), last: make([]int, base*base*base), seen: make(map[string]bool)}
	for i := range c.position {
		c.position[i] = make([]int, base)
	}
	return c
}

func (c *census) add(code string) {
	c.n++
	if c.seen[code] {
		c.repeated++
	}
	c.seen[code] = true
	for i := range code {
		c.position[i][strings.IndexByte(c.letters, code[i])]++
	}
	c.first[c.number(code[:3])]++
	c.last[c.number(code[len(code)-3:])]++
}

func (c *census) number(text string) (n int) {
	for i := range text {
		n = n*len(c.letters) + strings.IndexByte(c.letters, text[i])
	}
	return n
}

// mistakes says what is wrong with codes of so many characters.
func (c *census) mistakes(length int) (wrong []string) {
	for i := range length {
		if off := uneven(c.position[i]); off > sigmas {
			wrong = append(wrong, fmt.Sprintf("character %d is %.1f sigmas from even: %v", i+1, off, c.position[i]))
		}
	}
	for name, counts := range map[string][]int{"first": c.first, "last": c.last} {
		if off := uneven(counts); off > sigmas {
			wrong = append(wrong, fmt.Sprintf("the %s three characters are %.1f sigmas from even", name, off))
		}
	}
	// Of n codes among N, as many are new as boxes are not empty after n throws.
	space := math.Pow(float64(len(c.letters)), float64(length))
	n := float64(c.n)
	empty := math.Exp(-n / space)
	repeats := n + space*math.Expm1(-n/space)
	deviation := math.Sqrt(max(0, space*empty*(1-empty*(1+n/space))))
	if off := math.Abs(float64(c.repeated) - repeats); off > sigmas*deviation+5 {
		wrong = append(wrong, fmt.Sprintf("%d of %d codes came before, want %.0f within %.0f", c.repeated, c.n, repeats, sigmas*deviation+5))
	}
	return wrong
}

// Every code is as likely as any other, at each level, those with zeros in
// front included.
func TestAbuse_C21_codesAreEven(t *testing.T) {
	t.Parallel()
	n := torture.Rounds(100_000, 1_000_000)
	secret := leastConfig().Secret.keys().code
	for level, row := range []struct {
		length  int
		letters string
	}{{6, "0123456789"}, {8, "0123456789"}, {10, crockford}} {
		c := newCensus(row.letters)
		binding := randomBytes(32)
		for range n {
			c.add(deriveCode(secret, binding, storage.Challenge{ID: randomBytes(16), Level: level}))
		}
		for _, wrong := range c.mistakes(row.length) {
			t.Errorf("level %d: %s", level, wrong)
		}
		if c.position[0][0] == 0 || c.first[0] == 0 && level < level2 {
			t.Errorf("level %d: no code begins with zeros", level)
		}
	}
}

// The census finds codes that are not even.
func TestAbuse_C21_unevenIsSeen(t *testing.T) {
	t.Parallel()
	secret := leastConfig().Secret.keys().code
	even := func(int) string { return deriveCode(secret, secret, storage.Challenge{ID: randomBytes(16)}) }
	for _, row := range []struct {
		name string
		make func(i int) string
		bad  bool
	}{
		{"even", even, false},
		{"a remainder of twenty bits", func(int) string {
			b := randomBytes(3)
			return fmt.Sprintf("%06d", (int(b[0])<<16|int(b[1])<<8|int(b[2]))&0xfffff%1_000_000)
		}, true},
		{"no zeros in front", func(int) string {
			b := randomBytes(4)
			return fmt.Sprint(100_000 + int(b[0])<<8 + int(b[1]) + int(b[2])*3400)
		}, true},
		{"too even", func(i int) string { return fmt.Sprintf("%06d", i*10+i/10_000) }, true},
		{"the same too often", func(i int) string {
			if i%50 == 0 {
				return "734912"
			}
			return even(i)
		}, true},
	} {
		c := newCensus("0123456789")
		for i := range 100_000 {
			c.add(row.make(i))
		}
		if wrong := c.mistakes(6); (len(wrong) > 0) != row.bad {
			t.Errorf("%s: %q", row.name, wrong)
		}
	}
}

// Each thing that a code is bound to makes another binding, and no two of them
// run into each other.
func TestAbuse_C17_bindings(t *testing.T) {
	t.Parallel()
	a := &Auth{keys: &keySet{Pseudonym: randomBytes(32)}}
	seen := make(map[string]string)
	for _, email := range []string{"ann@b.example", "ann@b.exampl", "nn@b.example"} {
		for _, client := range []string{"app", "ap", "eapp"} {
			for _, fingerprint := range []string{"phone", "pphone", "phon"} {
				for _, purpose := range []string{purposeLogin, "REGISTER_EMS", "eLOGIN_EMS", ""} {
					c := &call{client: Client{ID: client}, device: device{fingerprint: fingerprint}}
					name := fmt.Sprintf("%s, %s, %s, %q", email, client, fingerprint, purpose)
					binding := string(a.who(c, address{folded: email, typed: "x"}, purpose).binding)
					if other, taken := seen[binding]; taken {
						t.Errorf("%s is bound like %s", name, other)
					}
					seen[binding] = name
				}
			}
		}
	}
}
