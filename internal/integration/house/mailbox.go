package house

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"example.com/mailkey/auth"
)

// Mailbox is a Mailer that keeps the mails by their address.
type Mailbox struct {
	mu    sync.Mutex
	mails map[string][]auth.CodeMail
	came  chan struct{} // with room for one
}

func newMailbox() *Mailbox {
	return &Mailbox{mails: make(map[string][]auth.CodeMail), came: make(chan struct{}, 1)}
}

// SendCode implements [auth.Mailer].
func (m *Mailbox) SendCode(_ context.Context, mail auth.CodeMail) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mails[mail.To] = append(m.mails[mail.To], mail)
	select {
	case m.came <- struct{}{}:
	default:
	}
	return nil
}

// Wait returns the last mail to the address when there are n.
func (m *Mailbox) Wait(tb testing.TB, email string, n int) auth.CodeMail {
	tb.Helper()
	for late := time.After(30 * time.Second); ; {
		if mails := m.of(email); len(mails) >= n {
			return mails[n-1]
		}
		select {
		case <-m.came:
		case <-late:
			tb.Fatalf("no mail %d to %s", n, email)
		}
	}
}

func (m *Mailbox) of(email string) []auth.CodeMail {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mails[email])
}

// Addresses are those that got a mail, in order.
func (m *Mailbox) Addresses() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.mails))
}

// NoSecondMail ends delivery and looks whether somebody got two mails, or will.
func (h *House) NoSecondMail() {
	h.Helper()
	h.Stop()
	for email, mails := range h.Mails.mails {
		if len(mails) > 1 {
			h.Errorf("%d mails to %s", len(mails), email)
		}
	}
	due, err := h.Store.ClaimMails(h.Context(), 1000, time.Minute, 0, time.Now().Add(time.Minute))
	if err != nil || len(due) > 0 {
		h.Errorf("%d mails are still to come, %v", len(due), err)
	}
}
