package abuse

import (
	"os"
	"slices"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/burst"
	"example.com/mailkey/internal/integration/house"
	"example.com/mailkey/storage"
)

func TestMain(m *testing.M) { os.Exit(house.Main(m)) }

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

// rows counts the rows of each table; none when the store is in memory.
func rows(h *house.House) map[string]int {
	h.Helper()
	counts := make(map[string]int)
	if h.Rows == nil {
		return counts
	}
	for table := range tables {
		var n int
		if err := h.Rows.GetContext(h.Context(), &n, "SELECT count(*) FROM "+table); err != nil {
			h.Fatal(err)
		}
		counts[table] = n
	}
	return counts
}

// wantRows checks that there are as many rows as before, but in these tables.
func wantRows(h *house.House, before map[string]int, but ...string) {
	h.Helper()
	after := rows(h)
	for table, n := range before {
		if after[table] != n && !slices.Contains(but, table) {
			h.Errorf("%s had %d rows and has %d", table, n, after[table])
		}
	}
}
