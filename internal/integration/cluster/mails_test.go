package cluster

import (
	"testing"
	"time"
)

// table is how the test's own statements name a table.
func (c *cluster) table(name string) string { return `"` + c.schema + `".` + name }

// count returns the one number that a query is for.
func (c *cluster) count(tb testing.TB, query string, args ...any) (n int) {
	tb.Helper()
	if err := c.pool.GetContext(tb.Context(), &n, query, args...); err != nil {
		tb.Fatal(err)
	}
	return n
}

// mails waits until no mail to the address is to come, and returns how many
// there were.
func (c *cluster) mails(tb testing.TB, address string) (n int) {
	tb.Helper()
	waiting := `SELECT count(*) FROM ` + c.table("challenges") + ` WHERE due_at IS NOT NULL AND mail_to = $1`
	for deadline := time.Now().Add(time.Minute); c.count(tb, waiting, address) > 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatal("a mail is not delivered within a minute")
		}
	}
	for _, m := range c.relay.Messages() {
		if m.To[0] == address {
			n++
		}
	}
	return n
}

// oneMail requires that one mail goes to the address.
func (c *cluster) oneMail(tb testing.TB, address string) {
	tb.Helper()
	if n := c.mails(tb, address); n != 1 {
		tb.Fatalf("%d mails went to one address, want 1", n)
	}
}
