package burst_test

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/house"
	"example.com/mailkey/internal/torture"
	"example.com/mailkey/storage"
)

// doorbell serves the house to clients that ring and run away.
type doorbell struct {
	addr   string
	begins chan struct{} // the handler has all of a request
	ends   chan struct{}
}

func newDoorbell(h *house.House) *doorbell {
	d := &doorbell{begins: make(chan struct{}, 1), ends: make(chan struct{}, 1)}
	handler := h.Servers[0].Handler()
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
	onEachStore(t, 1, nil, func(h *house.House) {
		email := house.Person()
		right := h.Mailed(email)
		h.Watcher.Take()
		compares := make(chan struct{})
		h.Watcher.Compared = func(ctx context.Context) {
			compares <- struct{}{}
			<-ctx.Done() // the server has noticed
		}
		door := newDoorbell(h)
		for i := range 6 {
			door.ring(h, house.Guess(email, house.Wrong(right, i)).Text(), func() { <-compares })
		}
		h.Watcher.Compared = func(context.Context) {}
		results, guesses := h.Watcher.Take()
		if counted, stored := results[storage.GuessWrong], h.Failures(); guesses != 6 || counted != 5 || stored != 5 {
			h.Errorf("of %d guesses %d were counted, and %d are stored; want 6, 5, 5", guesses, counted, stored)
		}
		h.Refused(house.Guess(email, right), auth.ReasonCode, "the right code afterwards")
	})
}

// Clients go away at any time. What was compared was counted, and what was
// counted is stored; and the store is as good as before.
func TestAbuse_C07_goneAtAnyTime(t *testing.T) {
	onEachStore(t, 1, nil, func(h *house.House) {
		const each = 10
		door, compared, dead := newDoorbell(h), 0, 0
		for range torture.Rounds(5, 1000) {
			email := house.Person()
			right := h.Mailed(email)
			h.Watcher.Take()
			before := h.Failures()
			for i := range each {
				door.ring(h, house.Guess(email, house.Wrong(right, i)).Text(), func() { time.Sleep(rand.N(time.Millisecond)) })
			}
			results, guesses := h.Watcher.Take()
			counted, all := results[storage.GuessWrong], results[storage.GuessWrong]+results[storage.GuessGone]
			if guesses != all || counted != min(guesses, 5) || h.Failures()-before != counted {
				h.Errorf("of %d guesses %d were compared, %d counted and %d stored", each, guesses, counted, h.Failures()-before)
			}
			want := "200"
			if counted == 5 {
				want = codeRefused
				dead++
			}
			if a := h.Call(house.Guess(email, right)); house.Code(h, a) != want {
				h.Errorf("the right code after %d wrong guesses: %d %s", counted, a.Status, a.Body)
			}
			compared += guesses
		}
		h.Logf("%d guesses were compared although the client had gone, and %d codes died of it", compared, dead)
	})
}
