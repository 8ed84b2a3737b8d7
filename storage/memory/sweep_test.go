package memory

import (
	"context"
	"testing"
	"time"

	"example.com/mailkey/storage"
)

var (
	start  = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	limits = storage.AddressLimits{
		PerHour: 9, PerDay: 9, StrangersPerHour: 9, StrangersPerDay: 9,
		GuessesPerCode: 9, Level1After: 9, Level2After: 9, StrangerGuessesPerDay: 9,
	}
)

// filled returns a store with a row of each kind, and two challenges: one that
// was used after a wrong guess, and one whose mail waits.
func filled(t *testing.T) *Store {
	t.Helper()
	ctx, s, a := context.Background(), New(), []byte("anna")
	guess := storage.Guess{Binding: a, ChallengeID: a, Address: a, Device: a}
	right := guess
	right.Right, right.Register, right.Email = true, true, "anna"
	right.Session = storage.Session{TokenHash: "token", UserID: "user", ExpiresAt: start.Add(time.Minute)}
	for _, do := range []func() error{
		func() error { return s.PutCaptcha(ctx, storage.Captcha{ID: a, ExpiresAt: start}, 9, 9) },
		func() error { return s.PutTicket(ctx, storage.Ticket{ID: a, ExpiresAt: start}) },
		func() error {
			_, err := s.TakeLimits(ctx, start, storage.Limit{Key: a, Count: 1, Window: time.Minute})
			return err
		},
		func() error { return request(s, "anna") },
		func() error { _, err := s.Redeem(ctx, guess, limits, start); return err },
		func() error { _, err := s.Redeem(ctx, right, limits, start); return err },
		func() error { return request(s, "ben") },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func request(s *Store, name string) error {
	_, err := s.RequestCode(context.Background(), storage.CodeRequest{
		Binding: []byte(name), Address: []byte(name), ChallengeID: []byte(name),
		MailTo: name, Language: "en", Lifetime: time.Minute, UserID: "user", MaxPending: 9,
	}, limits, start)
	return err
}

func TestSweepLeavesUsersOnly(t *testing.T) {
	s := filled(t)
	rows := func() map[string]int {
		return map[string]int{
			"captchas": len(s.captchas), "captchas by age": s.captchasByAge.Len(), "captchas by peer": len(s.captchasByPeer),
			"tickets": len(s.tickets), "limits": len(s.limits), "addresses": len(s.addresses), "devices": len(s.devices),
			"challenges": len(s.challenges), "outbox": len(s.outbox), "failures": len(s.failures),
			"sessions": len(s.sessions), "sessions by user": len(s.sessionsByUser),
		}
	}
	for kind, n := range rows() {
		if n == 0 {
			t.Errorf("%s: none to sweep", kind)
		}
	}
	// A captcha, a ticket, a limit, two addresses, a device, two challenges, an
	// hour and a session.
	if removed, err := s.Sweep(t.Context(), start.Add(storage.DeviceLife), 9); err != nil || removed != 10 {
		t.Errorf("got %d removed, %v, want 10", removed, err)
	}
	for kind, n := range rows() {
		if n != 0 {
			t.Errorf("%s: %d are left", kind, n)
		}
	}
	if len(s.users) != 1 || len(s.usersByEmail) != 1 {
		t.Errorf("%d users are left, want 1", len(s.users))
	}
}

func TestRecipientsAreForgotten(t *testing.T) {
	s := filled(t)
	mails, err := s.ClaimMails(t.Context(), 9, time.Minute, 0, start)
	if err != nil || len(mails) != 1 || mails[0].To != "ben" {
		t.Fatalf("got %+v, %v, want ben's mail", mails, err)
	}
	if err := s.FinishMail(t.Context(), mails[0], storage.MailResult{}, start); err != nil {
		t.Fatal(err)
	}
	for binding, c := range s.challenges {
		if c.To != "" {
			t.Errorf("the challenge of %s remembers %s", binding, c.To)
		}
	}
}
