package burst_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/captcha"
	"example.com/mailkey/middleware"
	"example.com/mailkey/storage"
)

// mailbox is a Mailer that keeps the mails by their address.
type mailbox struct {
	mu    sync.Mutex
	mails map[string][]auth.CodeMail
	came  chan struct{} // with room for one
}

func newMailbox() *mailbox {
	return &mailbox{mails: make(map[string][]auth.CodeMail), came: make(chan struct{}, 1)}
}

func (m *mailbox) SendCode(_ context.Context, mail auth.CodeMail) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mails[mail.To] = append(m.mails[mail.To], mail)
	select {
	case m.came <- struct{}{}:
	default:
	}
	return nil
}

func (m *mailbox) of(email string) []auth.CodeMail {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mails[email])
}

// wait returns the mail to the address when it is there.
func (m *mailbox) wait(tb testing.TB, email string) auth.CodeMail {
	tb.Helper()
	for late := time.After(30 * time.Second); ; {
		if mails := m.of(email); len(mails) > 0 {
			return mails[0]
		}
		select {
		case <-m.came:
		case <-late:
			tb.Fatalf("no mail to %s", email)
		}
	}
}

// watched is a store that counts how guesses ended, and is told what to do
// meanwhile. Several instances share one watcher.
type watched struct {
	storage.Store
	*watcher
}

type watcher struct {
	compared func(context.Context) // called when a guess is about to be compared
	redeemed func() error          // called when it was counted

	mu      sync.Mutex
	guesses int // that were compared
	results map[storage.GuessResult]int
}

func (s watched) FindChallenge(ctx context.Context, binding []byte, l storage.AddressLimits, now time.Time) (storage.Challenge, bool, error) {
	c, ok, err := s.Store.FindChallenge(ctx, binding, l, now)
	if err == nil {
		s.mu.Lock()
		s.guesses++
		s.mu.Unlock()
		s.compared(ctx)
	}
	return c, ok, err
}

func (s watched) Redeem(ctx context.Context, g storage.Guess, l storage.AddressLimits, now time.Time) (storage.Redeemed, error) {
	redeemed, err := s.Store.Redeem(ctx, g, l, now)
	if err != nil {
		return redeemed, err
	}
	s.mu.Lock()
	s.results[redeemed.Result]++
	s.mu.Unlock()
	return redeemed, s.redeemed()
}

// take returns how the guesses ended, and begins anew.
func (w *watcher) take() (results map[storage.GuessResult]int, guesses int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	results, guesses = w.results, w.guesses
	w.results, w.guesses = make(map[storage.GuessResult]int), 0
	return results, guesses
}

func newWatcher() *watcher {
	return &watcher{
		compared: func(context.Context) {}, redeemed: func() error { return nil },
		results: make(map[storage.GuessResult]int),
	}
}

// solve finds a proof of work.
func solve(p captcha.Proof) string {
	for n := 0; ; n++ {
		answer := strconv.Itoa(n)
		sum := sha256.Sum256([]byte(p.Salt + answer))
		if bits.LeadingZeros64(binary.BigEndian.Uint64(sum[:])) >= p.Difficulty {
			return answer
		}
	}
}

// withPage adds a page of the app, which keeps something in the session, is
// slow, and keeps something else.
func withPage(a *auth.Auth) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", a.Handler())
	mux.Handle("POST "+pagePath, middleware.LoadSession(a)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, ok := auth.FromContext(r.Context())
		if !ok {
			auth.WriteError(w, r, auth.ReasonNotSignedIn)
			return
		}
		values := a.SessionManager()
		values.Put(r.Context(), "a", "before")
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			auth.WriteError(w, r, err)
			return
		}
		values.Put(r.Context(), "a", "after")
		fmt.Fprintf(w, `{"user": %q}`, id.UserID)
	})))
	return mux
}
