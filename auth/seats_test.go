package auth_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/auth"
)

// tarpit is a relay that asks the recipient's host first, which keeps it waiting
// for ten seconds if its name says so.
type tarpit struct {
	mu         sync.Mutex
	slow, most int // such mails under way
	arrived    int // others
}

func (r *tarpit) SendCode(_ context.Context, m auth.CodeMail) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !strings.HasSuffix(m.To, "@tarpit.example") {
		r.arrived++
		return nil
	}
	r.slow++
	r.most = max(r.most, r.slow)
	r.mu.Unlock()
	time.Sleep(10 * time.Second)
	r.mu.Lock()
	r.slow--
	return auth.ErrMailDeferred
}

// Mails to hosts that keep the relay waiting make room for others, up to a bound.
func TestSlowRecipients(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		slow  int
		after time.Duration // until another one arrives
		most  int           // slow ones under way at a time
	}{
		{3, 0, 3},
		{4, time.Second, 4},
		{8, 2 * time.Second, 8},
		{15, 3 * time.Second, 15},
		{16, 10 * time.Second, 16}, // when the first have ended
		{20, 11 * time.Second, 16},
	} {
		t.Run(fmt.Sprint(row.slow), func(t *testing.T) {
			t.Parallel()
			relay := &tarpit{}
			play(t, func(c *auth.Config) { c.Mailer = relay }, func(k *kit) {
				start := time.Now()
				send := func(i int, email string) {
					if a := k.as(from(fmt.Sprintf("198.51.%d.1", i))).send(email); a.status != 200 {
						t.Fatal(string(a.body))
					}
					time.Sleep(time.Millisecond) // mails go out in the order in which they were asked for
				}
				for i := range row.slow {
					send(i, fmt.Sprintf("a%d@tarpit.example", i))
				}
				send(100, "ann@b.example")
				arrived := func() int {
					synctest.Wait()
					relay.mu.Lock()
					defer relay.mu.Unlock()
					return relay.arrived
				}
				for arrived() == 0 && time.Since(start) < time.Minute {
					time.Sleep(100 * time.Millisecond)
				}
				if took := time.Since(start).Truncate(time.Second); took != row.after || relay.most != row.most {
					t.Errorf("another mail arrived after %v, while at most %d were under way; want %v and %d", took, relay.most, row.after, row.most)
				}
			})
		})
	}
}
