package faults_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/services"
	"example.com/mailkey/internal/torture"
)

// The connection is lost while a login is committed, and nobody knows whether it
// was. It is not done again: the person is told BUSY, then that the code is used
// if it was, and another one helps.
func TestFault_R22_commitNotAnswered(t *testing.T) {
	t.Parallel()
	at := shared.postgresURL(t)
	var w wire
	proxy := services.StartProxy(t, shared.postgres.Addr, w.watch)
	s := newSite(t, postgresAt(at))
	s.db.args = append(s.db.args, "-database", strings.Replace(at, shared.postgres.Addr, proxy.Addr, 1))
	s.start()
	s.steady()
	for range torture.Rounds(2, 200) {
		for _, test := range []struct {
			name     string
			cut      services.Cut
			sessions int
			again    string
		}{
			{"cut before the COMMIT", services.Before, 0, ok},
			{"cut before its answer", services.After, 1, string(auth.ReasonCode)},
		} {
			somebody := s.newPerson()
			somebody.mustGet()
			s.mailed()
			w.cutAfter(somebody.email, test.cut)
			if got := somebody.guess(somebody.lastCode(), true).code; got != string(auth.ReasonBusy) {
				t.Errorf("a login, %s: %s, want BUSY", test.name, got)
			}
			if got := s.db.number(t, fmt.Sprintf(`SELECT count(*) FROM sessions JOIN users ON users.id = user_id WHERE email = '%s'`,
				somebody.email)); got != test.sessions {
				t.Errorf("%s: %d sessions, want %d", test.name, got, test.sessions)
			}
			if got := somebody.guess(somebody.lastCode(), true).code; got != test.again {
				t.Errorf("the same code, %s: %s, want %s", test.name, got, test.again)
			}
			if refused := somebody.live(); refused != "" {
				t.Errorf("another code: %s", refused)
			}
		}
	}
	s.recovers()
	s.check()
}

// mailed waits until no mail is to be delivered, and all is quiet.
func (s *site) mailed() {
	s.Helper()
	for late := time.Now().Add(10 * time.Second); s.db.number(s, `SELECT count(*) FROM challenges WHERE due_at IS NOT NULL`) > 0; {
		if time.Now().After(late) {
			s.Fatal("a mail is not delivered")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// wire cuts a connection at the first COMMIT after a text was sent.
type wire struct {
	mu   sync.Mutex
	text []byte
	seen bool
	cut  services.Cut
}

func (w *wire) cutAfter(text string, cut services.Cut) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text, w.seen, w.cut = []byte(text), false, cut
}

func (w *wire) watch(sent []byte) (cut services.Cut) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut == services.Pass {
		return services.Pass
	}
	w.seen = w.seen || bytes.Contains(sent, w.text)
	if w.seen && bytes.Contains(sent, []byte("COMMIT\x00")) {
		cut, w.cut = w.cut, services.Pass
	}
	return cut
}
