package storagetest

import (
	"context"
	"time"

	"example.com/mailkey/storage"
)

// finishing is a call of FinishMail on its way to an intact store.
type finishing struct {
	m   storage.Mail
	r   storage.MailResult
	now time.Time
}

// finishes answers for FinishMail; with false it is not asked.
func finishes(change func(*finishing) bool) func(*tampered) {
	return func(s *tampered) {
		finish := s.finishMail
		s.finishMail = func(ctx context.Context, m storage.Mail, r storage.MailResult, now time.Time) error {
			f := finishing{m, r, now}
			if !change(&f) {
				return nil
			}
			return finish(ctx, f.m, f.r, f.now)
		}
	}
}

// worked remembers the last claim of each binding.
func worked(s *tampered) func(binding []byte) (m storage.Mail, end time.Time) {
	type work struct {
		m   storage.Mail
		end time.Time
	}
	last := make(map[string]work)
	hands(func(c claiming, claim claim) ([]storage.Mail, error) {
		mails, err := claim(c)
		s.locked(func() {
			for _, m := range mails {
				last[string(m.Binding)] = work{m, c.now.Add(c.lease)}
			}
		})
		return mails, err
	})(s)
	return func(binding []byte) (m storage.Mail, end time.Time) {
		s.locked(func() { m, end = last[string(binding)].m, last[string(binding)].end })
		return m, end
	}
}

var brokenDeliveries = []broken{
	{"delivers again what was delivered", by("deliveries/end"), finishes(func(f *finishing) bool { return !f.r.RetryAt.IsZero() })},
	{"tries again what was given up", by("deliveries/end"), finishes(func(f *finishing) bool {
		if f.r.Unknown && f.r.RetryAt.IsZero() {
			f.r.RetryAt = f.now
		}
		return true
	})},
	{"retries late", by("deliveries/are retried"), finishes(func(f *finishing) bool {
		f.r.RetryAt = f.r.RetryAt.Add(tick)
		return true
	})},
	{"retries early", by("deliveries/are retried"), finishes(func(f *finishing) bool {
		f.r.RetryAt = f.r.RetryAt.Add(-tick)
		return true
	})},
	{"takes a failure for unknown", by("deliveries/are retried"), finishes(func(f *finishing) bool {
		f.r.Unknown = !f.r.RetryAt.IsZero()
		return true
	})},
	{"repeats without end", by("deliveries/are repeated once"), finishes(func(f *finishing) bool {
		f.r.Unknown = false
		return true
	})},
	{"repeats nothing", by("deliveries/are repeated once"), finishes(func(f *finishing) bool {
		if f.r.Unknown {
			f.r = delivered
		}
		return true
	})},
	{"takes no late result", by("deliveries/may be late"), func(s *tampered) {
		last := worked(s)
		finishes(func(f *finishing) bool {
			_, end := last(f.m.Binding)
			return f.now.Before(end)
		})(s)
	}},
	{"lets anybody finish a mail", by("deliveries/are finished by their worker"), func(s *tampered) {
		last := worked(s)
		finishes(func(f *finishing) bool {
			m, _ := last(f.m.Binding)
			f.m.Try = m.Try
			return true
		})(s)
	}},
	{"finishes a mail again", by("deliveries/are finished once"), func(s *tampered) {
		done := make(map[string]time.Time) // when each is due again
		finishes(func(f *finishing) bool {
			if due, again := done[string(f.m.ID)]; again {
				mails, _ := s.ClaimMails(context.Background(), everything, hour, 0, due)
				for _, m := range mails {
					f.m = m
				}
			}
			done[string(f.m.ID)] = f.r.RetryAt
			return true
		})(s)
	}},
	{"finishes the mail of another challenge", by("deliveries/do not touch another challenge"), func(s *tampered) {
		last := worked(s)
		finishes(func(f *finishing) bool {
			f.m, _ = last(f.m.Binding)
			return true
		})(s)
	}},
	{"does not number resends", by("resends/are due at once"), mails(func(m *storage.Mail) { m.Number = 1 })},
	{"resends to the first spelling", by("resends/are due at once", "resends/wait for the attempt under way"), mails(func(m *storage.Mail) {
		if m.Number > 1 {
			m.To = "To." + anna.email
		}
	})},
	{"hands out a resend while the first is under way", by("resends/wait for the attempt under way"), func(s *tampered) {
		last := worked(s)
		asks(func(a *asking) {
			m, _ := last(a.r.Binding)
			_ = s.FinishMail(context.Background(), m, storage.MailResult{RetryAt: a.now}, a.now)
		})(s)
	}},
	{"retries a resend when the first would be", by("resends/wait for the attempt under way"), func(s *tampered) {
		requests := s.tallies()
		asks(func(a *asking) { requests.add(a.r.Binding, 1) })(s)
		finish := s.finishMail
		s.finishMail = func(ctx context.Context, m storage.Mail, r storage.MailResult, now time.Time) error {
			err := finish(ctx, m, r, now)
			if r.RetryAt.IsZero() || m.Number == requests.get(m.Binding) {
				return err
			}
			mails, _ := s.ClaimMails(ctx, everything, lease, 0, now)
			for _, m := range mails {
				_ = finish(ctx, m, r, now)
			}
			return err
		}
	}},
	{"counts attempts before a resend", by("resends/start counting attempts again"), func(s *tampered) {
		unknown := s.tallies()
		finishes(func(f *finishing) bool {
			if f.r.Unknown {
				unknown.add(f.m.ID, 1)
			}
			if unknown.get(f.m.ID) > 1 {
				f.r = delivered
			}
			return true
		})(s)
	}},
	{"loses a resend when the first is delivered", by("resends/wait for the attempt under way", "resends/are neither lost nor doubled"), func(s *tampered) {
		asked, claimed := s.tallies(), s.tallies()
		answers(func(a asking, ask ask) (storage.CodeRequested, error) {
			if asked.get(a.r.Binding) > 0 {
				patient(func() bool { return claimed.get(a.r.Binding) > 0 })
			}
			done, err := ask(a)
			asked.add(a.r.Binding, 1)
			return done, err
		})(s)
		mails(func(m *storage.Mail) { claimed.add(m.Binding, 1) })(s)
		finish := s.finishMail
		s.finishMail = func(ctx context.Context, m storage.Mail, r storage.MailResult, now time.Time) error {
			patient(func() bool { return asked.get(m.Binding) > 1 })
			err := finish(ctx, m, r, now)
			mails, _ := s.ClaimMails(ctx, everything, lease, 0, now)
			for _, m := range mails {
				_ = finish(ctx, m, r, now)
			}
			return err
		}
	}},
}
