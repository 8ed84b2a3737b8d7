package authtest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/mailkey/auth"
)

// Mailbox is an [auth.Mailer] that keeps the mails, whomever they are for. The
// zero value is an empty one.
type Mailbox struct {
	mu     sync.Mutex
	mails  []auth.CodeMail
	unread []auth.CodeMail
	more   chan struct{} // closed by the next mail; nil: nobody waits for it
}

// patience is how long Code waits for a mail.
const patience = 10 * time.Second

// SendCode implements [auth.Mailer].
func (m *Mailbox) SendCode(_ context.Context, mail auth.CodeMail) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mails = append(m.mails, mail)
	m.unread = append(m.unread, mail)
	if m.more != nil {
		close(m.more)
		m.more = nil
	}
	return nil
}

// Code returns the code of the next mail to the address, and waits for it if it
// is on its way. Each mail is returned once, in the order in which they came.
func (m *Mailbox) Code(tb testing.TB, email string) string {
	tb.Helper()
	timeout := time.After(patience)
	for {
		code, more := m.next(email)
		if more == nil {
			return code
		}
		select {
		case <-more:
		case <-timeout:
			tb.Fatalf("authtest: no mail came to %s within %v: post its address to email/send first, and look into the log", email, patience)
		}
	}
}

// next returns the code of the next mail to the address, or what is closed when
// another mail comes.
func (m *Mailbox) next(email string) (code string, more <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.unread, func(mail auth.CodeMail) bool { return strings.EqualFold(mail.To, email) })
	if i >= 0 {
		code = m.unread[i].Code
		m.unread = slices.Delete(m.unread, i, i+1)
		return code, nil
	}
	if m.more == nil {
		m.more = make(chan struct{})
	}
	return "", m.more
}

// Mails returns all mails, the oldest first.
func (m *Mailbox) Mails() []auth.CodeMail {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mails)
}
