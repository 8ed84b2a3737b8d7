package abuse

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/burst"
	"example.com/mailkey/internal/integration/house"
	"example.com/mailkey/storage"
)

var workDir string // is there for as long as the tests run

func TestMain(m *testing.M) {
	var err error
	if workDir, err = os.MkdirTemp("", "mailkey-abuse-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := house.Main(m)
	if err := os.RemoveAll(workDir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// patient is a configuration in which an address has to wait a second between
// two mails, and may get as many as are asked for.
func patient(c *auth.Config) {
	c.Limits.SendCodeDevice = auth.Rate{Count: 1000, Per: time.Hour}
	c.Limits.Address = storage.AddressLimits{Cooldown: time.Second, PerHour: 100, PerDay: 100, StrangersPerHour: 90, StrangersPerDay: 90}
}

// withBody is the request with another body.
func withBody(r burst.Request, body string) burst.Request {
	r.Body = body
	return r
}

// on is the request of another device.
func on(device string, r burst.Request) burst.Request {
	return house.With(r, "X-Device-Fingerprint", device)
}

// by is the request of a peer.
func by(peer string, r burst.Request) burst.Request {
	return house.With(r, "X-Forwarded-For", peer)
}

// wantMailed ends delivery and checks who got a mail: each of these, once.
func wantMailed(h *house.House, emails ...string) {
	h.Helper()
	h.NoSecondMail()
	slices.Sort(emails)
	if got := h.Mails.Addresses(); !slices.Equal(got, emails) {
		h.Errorf("mails went to %q, want %q", got, emails)
	}
}
