package captcha

import (
	"crypto/rand"
	"encoding/binary"
)

// dice are random bytes in store, for the looks of a picture: many numbers,
// none of which needs to be exact. The zero value is ready.
type dice []byte

// between returns a number of [from, to).
func (d *dice) between(from, to float64) float64 {
	if len(*d) < 2 {
		*d = make([]byte, 256)
		rand.Read(*d)
	}
	n := binary.BigEndian.Uint16(*d)
	*d = (*d)[2:]
	return from + (to-from)*float64(n)/(1<<16)
}

// number returns a whole number of [from, to).
func (d *dice) number(from, to int) int { return int(d.between(float64(from), float64(to))) }
