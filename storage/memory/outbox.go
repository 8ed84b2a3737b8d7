package memory

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"example.com/mailkey/storage"
)

// delivery is how far the mail of a challenge in the outbox got.
type delivery struct {
	due     time.Time // from when on it may be claimed; while it is claimed, when that ends
	claimed int       // the Number that the claim is for; 0: it is not claimed
	unknown int       // attempts at the present Number that nobody knows the end of
}

// running reports whether a worker is at it now.
func (d *delivery) running(now time.Time) bool { return d.claimed > 0 && !past(d.due, now) }

// unknownBy is unknown with the claim that ran out, if there is one.
func (d *delivery) unknownBy(number int) int {
	if d.claimed == number {
		return d.unknown + 1
	}
	return d.unknown
}

// post puts c into the outbox, once more if it was there before. A claim that
// is running is left to end.
func (s *Store) post(c *challenge, r storage.CodeRequest, now time.Time) {
	c.To, c.Language, c.ClientID, c.Purpose, c.email = r.MailTo, r.Language, r.ClientID, r.Purpose, r.Email
	c.Number++
	c.delivery.unknown = 0
	if !c.delivery.running(now) {
		c.delivery.claimed, c.delivery.due = 0, now
	}
	s.outbox[string(c.Binding)] = c
}

// dropMail ends the delivery of c, and forgets the recipient.
func (s *Store) dropMail(c *challenge) {
	delete(s.outbox, string(c.Binding))
	c.delivery = delivery{}
	c.To, c.Language, c.email = "", "", ""
}

// ClaimMails implements [storage.Outbox].
func (s *Store) ClaimMails(ctx context.Context, limit int, lease, minLife time.Duration, now time.Time) ([]storage.Mail, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	now = ms(now)

	var due []*challenge
	for _, c := range s.outbox {
		switch {
		case !past(c.delivery.due, now): // later, or a worker is at it
		case past(c.ExpiresAt, now), c.ExpiresAt.Sub(now) < minLife, c.delivery.unknownBy(c.Number) > 1:
			s.dropMail(c)
		default:
			due = append(due, c)
		}
	}
	slices.SortFunc(due, func(a, b *challenge) int {
		return cmp.Or(a.delivery.due.Compare(b.delivery.due), bytes.Compare(a.ID, b.ID))
	})

	var mails []storage.Mail
	for _, c := range due[:min(limit, len(due))] {
		c.delivery = delivery{
			due:     ms(now.Add(lease)),
			claimed: c.Number,
			unknown: c.delivery.unknownBy(c.Number),
		}
		c.Try++
		m := c.Mail
		if u := s.usersByEmail[c.email]; u != nil {
			m.To = u.MailTo
		}
		m.Challenge = cloneChallenge(m.Challenge)
		mails = append(mails, m)
	}
	return mails, nil
}

// FinishMail implements [storage.Outbox].
func (s *Store) FinishMail(ctx context.Context, m storage.Mail, r storage.MailResult, now time.Time) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()

	c := s.outbox[string(m.Binding)]
	if c == nil || !bytes.Equal(c.ID, m.ID) || c.Try != m.Try || c.delivery.claimed == 0 {
		return nil
	}
	d := &c.delivery
	switch {
	case d.claimed < c.Number: // asked for again meanwhile
		d.due = ms(now)
	case r.RetryAt.IsZero(), r.Unknown && d.unknown > 0:
		s.dropMail(c)
		return nil
	default:
		d.due = ms(r.RetryAt)
		if r.Unknown {
			d.unknown++
		}
	}
	d.claimed = 0
	return nil
}

// Beat implements [storage.Outbox].
func (s *Store) Beat(ctx context.Context, now time.Time) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()

	if now = ms(now); now.After(s.beat) {
		s.beat = now
	}
	return nil
}

// LastBeat implements [storage.Outbox].
func (s *Store) LastBeat(ctx context.Context) (time.Time, error) {
	if err := s.lock(ctx); err != nil {
		return time.Time{}, err
	}
	defer s.mu.Unlock()
	return s.beat, nil
}
