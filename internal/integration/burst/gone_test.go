package burst_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/torture"
	"example.com/mailkey/storage"
)

// doorbell serves the house to clients that ring and run away.
type doorbell struct {
	addr   string
	begins chan struct{} // the handler has all of a request
	ends   chan struct{}
}

func (h *house) doorbell() *doorbell {
	d := &doorbell{begins: make(chan struct{}, 1), ends: make(chan struct{}, 1)}
	handler := h.auths[0].Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.begins <- struct{}{}
		defer func() { d.ends <- struct{}{} }()
		handler.ServeHTTP(w, r)
	}))
	h.Cleanup(server.Close)
	d.addr = server.Listener.Addr().String()
	return d
}

// ring sends a request, calls leave when the handler has it, and resets the
// connection. It returns when the handler has ended.
func (d *doorbell) ring(tb testing.TB, text []byte, leave func()) {
	tb.Helper()
	conn, err := net.Dial("tcp", d.addr)
	if err != nil {
		tb.Fatal(err)
	}
	if err := conn.(*net.TCPConn).SetLinger(0); err != nil {
		tb.Fatal(err)
	}
	if _, err := conn.Write(text); err != nil {
		tb.Fatal(err)
	}
	<-d.begins
	leave()
	conn.Close()
	<-d.ends
}

// The client goes away in the very moment in which its guess is compared. The
// guess is counted all the same.
func TestAbuse_C07_goneWhileItIsCompared(t *testing.T) {
	siege(t, 1, nil, func(h *house) {
		email := person()
		right := h.mailed(email)
		h.watcher.take()
		compares := make(chan struct{})
		h.watcher.compared = func(ctx context.Context) {
			compares <- struct{}{}
			<-ctx.Done() // the server has noticed
		}
		door := h.doorbell()
		for i := range 6 {
			door.ring(h, guess(email, wrong(right, i)).Text(), func() { <-compares })
		}
		h.watcher.compared = func(context.Context) {}
		if results, guesses := h.watcher.take(); results[storage.GuessWrong] != 5 || results[storage.GuessGone] != 1 || guesses != 6 || h.failures() != 5 {
			h.Errorf("of %d guesses %d were counted, and %d are stored", guesses, results[storage.GuessWrong], h.failures())
		}
		if a := h.call(guess(email, right)); code(h, a) != codeRefused {
			h.Errorf("the right code afterwards: %d %s", a.Status, a.Body)
		}
	})
}

// Clients go away at any time. What was compared was counted, and what was
// counted is stored; and the store is as good as before.
func TestAbuse_C07_goneAtAnyTime(t *testing.T) {
	siege(t, 1, nil, func(h *house) {
		const each = 10
		door, compared, dead := h.doorbell(), 0, 0
		for range torture.Rounds(5, 1000) {
			email := person()
			right := h.mailed(email)
			h.watcher.take()
			before := h.failures()
			for i := range each {
				door.ring(h, guess(email, wrong(right, i)).Text(), func() { time.Sleep(rand.N(time.Millisecond)) })
			}
			results, guesses := h.watcher.take()
			counted, all := results[storage.GuessWrong], results[storage.GuessWrong]+results[storage.GuessGone]
			if guesses != all || counted != min(guesses, 5) || h.failures()-before != counted {
				h.Errorf("of %d guesses %d were compared, %d counted and %d stored", each, guesses, counted, h.failures()-before)
			}
			want := "200"
			if counted == 5 {
				want = codeRefused
				dead++
			}
			if a := h.call(guess(email, right)); code(h, a) != want {
				h.Errorf("the right code after %d wrong guesses: %d %s", counted, a.Status, a.Body)
			}
			compared += guesses
		}
		h.Logf("%d guesses were compared although the client had gone, and %d codes died of it", compared, dead)
	})
}

// The server fails after a guess was counted. That gives it back to nobody.
func TestAbuse_C05_failureAfterTheCount(t *testing.T) {
	for name, fail := range map[string]func() error{
		"an error": func() error { return errors.New("the connection broke") },
		"a panic":  func() error { panic("a bug") },
	} {
		t.Run(name, func(t *testing.T) {
			siege(t, 1, nil, func(h *house) {
				email := person()
				right := h.mailed(email)
				redeemed := h.watcher.redeemed
				for i := range 5 {
					want := busy
					if h.watcher.redeemed = fail; i%2 == 0 {
						h.watcher.redeemed, want = redeemed, codeRefused
					}
					if a := h.call(guess(email, wrong(right, i))); code(h, a) != want {
						h.Errorf("guess %d: %d %s", i+1, a.Status, a.Body)
					}
				}
				h.watcher.redeemed = redeemed
				if n := h.failures(); n != 5 {
					h.Errorf("%d guesses were counted, want 5", n)
				}
				if a := h.call(guess(email, right)); code(h, a) != codeRefused {
					h.Errorf("the right code afterwards: %d %s", a.Status, a.Body)
				}
			})
		})
	}
}

// A login that fails for another reason than the code gives no guess back, and
// costs none.
func TestAbuse_C05_failingLogin(t *testing.T) {
	broken := false
	siege(t, 1, func(c *auth.Config) {
		c.OnLogin = func(context.Context, auth.Identity) error {
			if broken {
				return errors.New("the app's database is down")
			}
			return nil
		}
	}, func(h *house) {
		email := person()
		right := h.mailed(email)
		broken = true
		for i := range 4 {
			h.call(guess(email, wrong(right, i)))
			if a := h.call(guess(email, right)); code(h, a) != busy {
				h.Errorf("the right code: %d %s", a.Status, a.Body)
			}
		}
		broken = false
		h.call(guess(email, wrong(right, 4)))
		if a := h.call(guess(email, right)); code(h, a) != codeRefused {
			h.Errorf("the right code after five wrong ones: %d %s", a.Status, a.Body)
		}
	})
}
