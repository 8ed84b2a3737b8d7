package storagetest

import (
	"bytes"
	"context"
	"slices"
	"time"

	"example.com/mailkey/storage"
)

// claiming is a call of ClaimMails on its way to an intact store.
type claiming struct {
	limit          int
	lease, minLife time.Duration
	now            time.Time
}

type claim func(claiming) ([]storage.Mail, error)

// hands answers for ClaimMails.
func hands(hand func(c claiming, claim claim) ([]storage.Mail, error)) func(*tampered) {
	return func(s *tampered) {
		claim := s.claimMails
		s.claimMails = func(ctx context.Context, limit int, lease, minLife time.Duration, now time.Time) ([]storage.Mail, error) {
			return hand(claiming{limit, lease, minLife, now}, func(c claiming) ([]storage.Mail, error) {
				return claim(ctx, c.limit, c.lease, c.minLife, c.now)
			})
		}
	}
}

// claims changes how ClaimMails is asked.
func claims(change func(*claiming)) func(*tampered) {
	return hands(func(c claiming, claim claim) ([]storage.Mail, error) {
		change(&c)
		return claim(c)
	})
}

// mails changes what ClaimMails answers.
func mails(change func(*storage.Mail)) func(*tampered) {
	return hands(func(c claiming, claim claim) ([]storage.Mail, error) {
		mails, err := claim(c)
		for i := range mails {
			change(&mails[i])
		}
		return mails, err
	})
}

var brokenOutbox = []broken{
	{"loses the language of a mail", by("outbox/hands out what was asked for"), mails(func(m *storage.Mail) { m.Language = "" })},
	{"writes to what was typed", by("outbox/writes to the user"), asks(func(a *asking) { a.r.Email = "" })},
	{"writes to who was a user when it was asked for", by("outbox/writes to the user"), func(s *tampered) {
		asks(func(a *asking) {
			if u, ok, _ := s.UserByEmail(context.Background(), a.r.Email); ok {
				a.r.MailTo = u.MailTo
			}
			a.r.Email = ""
		})(s)
	}},
	{"hides a claimed mail too long", by("outbox/hides what is claimed"), claims(func(c *claiming) { c.lease += tick })},
	{"hides a claimed mail too short", by("outbox/hides what is claimed"), claims(func(c *claiming) { c.lease -= tick })},
	{"does not count claims", by("outbox/hides what is claimed"), mails(func(m *storage.Mail) { m.Try = 1 })},
	{"hands out a mail too many", by("outbox/hands out the oldest"), claims(func(c *claiming) { c.limit++ })},
	{"hands out the youngest", by("outbox/hands out the oldest"), hands(func(c claiming, claim claim) ([]storage.Mail, error) {
		limit := c.limit
		c.limit = everything
		mails, err := claim(c)
		return mails[max(0, len(mails)-limit):], err
	})},
	{"looks before it claims mails", by("outbox/hands out each once"), func(s *tampered) {
		var due []storage.Mail
		meet := meeting()
		hands(func(c claiming, claim claim) ([]storage.Mail, error) {
			mails, err := claim(c)
			s.locked(func() { due = append(due, mails...) })
			meet()
			s.locked(func() { mails = slices.Clone(due) })
			return mails, err
		})(s)
	}},
	{"mails codes that are used", by("outbox/drops what is used"), func(s *tampered) {
		var used []storage.Mail
		tries(func(g *guessing) {
			mails, _ := s.ClaimMails(context.Background(), everything, lease, 0, g.now)
			s.locked(func() { used = append(used, mails...) })
		})(s)
		hands(func(c claiming, claim claim) (mails []storage.Mail, err error) {
			mails, err = claim(c)
			s.locked(func() { mails, used = append(mails, used...), nil })
			return mails, err
		})(s)
	}},
	{"mails codes that live too short", by("outbox/drops what lives too short"), claims(func(c *claiming) { c.minLife = 0 })},
	{"mails no codes that live long enough", by("outbox/drops what lives too short"), claims(func(c *claiming) { c.minLife += tick })},
	{"mails codes when they expire", by("outbox/drops what expired"), claims(func(c *claiming) { c.now = c.now.Add(-tick) })},
	{"forgets claims that ran out", by("outbox/drops what nobody could know twice", "deliveries/of dead workers count"), func(s *tampered) {
		var claimed []storage.Mail
		var end time.Time
		hands(func(c claiming, claim claim) ([]storage.Mail, error) {
			for _, m := range claimed {
				if !c.now.Before(end) {
					_ = s.FinishMail(context.Background(), m, storage.MailResult{RetryAt: c.now}, c.now)
				}
			}
			mails, err := claim(c)
			if len(mails) > 0 {
				claimed, end = mails, c.now.Add(c.lease)
			}
			return mails, err
		})(s)
	}},
	{"has no room for mails that were dropped", by("outbox/makes room", "outbox/drops what is used"), func(s *tampered) {
		asked := 0
		answers(func(a asking, ask ask) (storage.CodeRequested, error) {
			if asked >= a.r.MaxPending {
				return storage.CodeRequested{Full: true}, nil
			}
			asked++
			return ask(a)
		})(s)
	}},
	{"looks whether there is room before it takes a request", by("outbox/is not overfilled"), func(s *tampered) {
		asked, meet := s.tallies(), meeting()
		answers(func(a asking, ask ask) (storage.CodeRequested, error) {
			waiting := asked.get(nil)
			meet()
			if waiting >= a.r.MaxPending {
				return storage.CodeRequested{Full: true}, nil
			}
			asked.add(nil, 1)
			a.r.MaxPending = everything
			return ask(a)
		})(s)
	}},
	{"mails again what was claimed before it was used", by("outbox/mails nothing that is used meanwhile"), func(s *tampered) {
		var claimed []storage.Mail
		meet := meeting()
		tries(func(*guessing) { meet() })(s)
		hands(func(c claiming, claim claim) ([]storage.Mail, error) {
			mails, err := claim(c)
			meet()
			s.locked(func() { claimed, mails = mails, append(mails, claimed...) })
			return mails, err
		})(s)
	}},
	{"mails a code that was replaced", by("outbox/replaces"), func(s *tampered) {
		var asked []storage.CodeRequest
		asks(func(a *asking) { asked = append(asked, a.r) })(s)
		hands(func(c claiming, claim claim) ([]storage.Mail, error) {
			mails, err := claim(c)
			for _, r := range asked {
				if len(mails) == 1 && !bytes.Equal(r.ChallengeID, mails[0].ID) {
					mails = append(mails, storage.Mail{To: r.MailTo, Challenge: storage.Challenge{ID: r.ChallengeID}})
				}
			}
			return mails, err
		})(s)
	}},
	{"lets an older beat win", by("outbox/keeps the beat"), func(s *tampered) {
		var last time.Time
		s.beat = func(_ context.Context, now time.Time) error {
			s.locked(func() { last = now })
			return nil
		}
		s.lastBeat = func(context.Context) (at time.Time, err error) {
			s.locked(func() { at = last })
			return at, nil
		}
	}},
	{"beats from the beginning", by("outbox/keeps the beat"), func(s *tampered) {
		s.beat = func(context.Context, time.Time) error { return nil }
		s.lastBeat = func(context.Context) (time.Time, error) { return time.UnixMilli(0), nil }
	}},
	{"shares the mail that it hands out", by("outbox/is not shared"), func(s *tampered) {
		ids := make(map[string][]byte)
		mails(func(m *storage.Mail) {
			if ids[m.To] == nil {
				ids[m.To] = m.ID
			}
			m.ID = ids[m.To]
		})(s)
	}},
}
