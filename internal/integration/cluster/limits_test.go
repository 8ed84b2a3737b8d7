package cluster

import (
	"strconv"
	"testing"
)

// Limits count what all instances did together.
func TestAbuse_B01_limitsAreGlobal(t *testing.T) {
	t.Parallel()
	c := standing(t)

	// Of a peer: 30 captchas in a minute, wherever it asks.
	d := newDevice("")
	refused := 0
	for i := range 36 {
		got := d.at(c.instances[i%3].url()).do(t, "GET", captchaPath, nil)
		switch got.String() {
		case ok:
		case tooMany:
			refused++
			if wait, err := strconv.Atoi(got.header.Get("Retry-After")); err != nil || wait < 1 {
				t.Errorf("Retry-After: got %q", got.header.Get("Retry-After"))
			}
		default:
			t.Fatalf("got %s\n%s", got, got.text)
		}
	}
	// One is allowed again every two seconds.
	if refused < 1 {
		t.Error("36 captchas for one peer")
	}

	// Of an address: a mail in a minute, whoever asks, and where.
	address := newAddress()
	newDevice(c.instances[0].url()).send(t, address)
	for _, i := range c.instances[1:] {
		stranger := newDevice(i.url())
		stranger.do(t, "POST", sendPath, stranger.ticket(t, address), tooMany)
	}
	c.oneMail(t, address)
}
