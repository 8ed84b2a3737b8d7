// Package house is a login for tests to lay siege to: one or more instances
// that share a store, at which every client comes from another network.
package house

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/captcha"
	"example.com/mailkey/internal/integration/burst"
	"example.com/mailkey/storage"
)

// House is a login. [OnEachStore] opens them.
type House struct {
	*testing.T
	Database
	Servers []*burst.Server // of the instances
	Store   storage.Store   // without the watcher
	Watcher *Watcher
	Mails   *Mailbox
	Stop    func() // lets what is being delivered come to its end
}

// OnEachStore plays f with a house of so many instances on each store there is.
func OnEachStore(t *testing.T, instances int, change func(*auth.Config), f func(h *House)) {
	t.Helper()
	for name, open := range stores {
		t.Run(name, func(t *testing.T) { f(Open(t, open(t), instances, change)) })
	}
}

// OnEachDatabase is OnEachStore for tests that look at rows.
func OnEachDatabase(t *testing.T, instances int, change func(*auth.Config), f func(h *House)) {
	t.Helper()
	for name, open := range databases {
		t.Run(name, func(t *testing.T) { f(Open(t, open(t), instances, change)) })
	}
}

// Open makes instances on a store, each of which connects to it. Their
// configuration is the default one, but for what makes tests faster, and what
// change does to it. They work until the end of the test, or Stop.
func Open(t *testing.T, db Database, instances int, change func(*auth.Config)) *House {
	t.Helper()
	h := &House{T: t, Database: db, Watcher: newWatcher(), Mails: newMailbox()}
	auths := make([]*auth.Auth, instances)
	for i := range auths {
		h.Store = db.Connect()
		config := auth.Config{
			Store:            watched{h.Store, h.Watcher},
			Mailer:           h.Mails,
			Secret:           auth.Secret("correct horse battery staple 0123456789"),
			Issuer:           "https://house.example",
			Clients:          []auth.Client{{ID: "app"}},
			Captchas:         []captcha.Engine{captcha.ProofOfWork(1)},
			SigningAlgorithm: auth.ES256,
			TrustedProxies:   []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
			Logger:           slog.New(slog.DiscardHandler),
		}
		if change != nil {
			change(&config)
		}
		var err error
		if auths[i], err = auth.New(config); err != nil {
			t.Fatal(err)
		}
	}
	h.run(auths)
	for _, a := range auths {
		h.Servers = append(h.Servers, burst.Serve(t, withPage(a)))
	}
	return h
}

// run works in the background until Stop, and returns when mails are delivered.
func (h *House) run(auths []*auth.Auth) {
	h.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, a := range auths {
		running.Go(func() {
			if err := a.Run(ctx); err != nil {
				h.Error(err)
			}
		})
	}
	h.Stop = func() { cancel(); running.Wait() }
	h.Cleanup(h.Stop)
	for late := time.After(30 * time.Second); ; {
		if beat, err := h.Store.LastBeat(h.Context()); err != nil {
			h.Fatal(err)
		} else if !beat.IsZero() {
			return
		}
		select {
		case <-time.After(time.Millisecond):
		case <-late:
			h.Fatal("nobody delivers mails")
		}
	}
}

// In returns the house for a subtest.
func (h *House) In(t *testing.T) *House {
	in := *h
	in.T = t
	return &in
}

// Failures is how many wrong guesses there were today, as the store has it.
func (h *House) Failures() (sum int) {
	h.Helper()
	hours, err := h.Store.FailuresByHour(h.Context(), 24, time.Now())
	if err != nil {
		h.Fatal(err)
	}
	for _, n := range hours {
		sum += n
	}
	return sum
}
