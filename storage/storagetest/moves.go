package storagetest

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"example.com/mailkey/storage"
)

func (w *walk) putCaptcha() call {
	c := captcha(w.step, pick(w, "anna", "ben"), w.now+shortLife)
	w.captchas = append(w.captchas, c)
	return func(ctx context.Context, s storage.Store) (any, error) { return nil, s.PutCaptcha(ctx, c, 3, 5) }
}

func (w *walk) takeCaptcha() call {
	id, now := recent(w, w.captchas).ID, at(w.now)
	return func(ctx context.Context, s storage.Store) (any, error) {
		c, ok, err := s.TakeCaptcha(ctx, id, now)
		return []any{c, ok}, err
	}
}

func (w *walk) hearCaptcha() call {
	id, now := recent(w, w.captchas).ID, at(w.now)
	return func(ctx context.Context, s storage.Store) (any, error) {
		c, ok, err := s.HearCaptcha(ctx, id, 2, now)
		return []any{c, ok}, err
	}
}

func (w *walk) putTicket() call {
	t := ticket(w.step, w.now+shortLife)
	w.tickets = append(w.tickets, t)
	return func(ctx context.Context, s storage.Store) (any, error) { return nil, s.PutTicket(ctx, t) }
}

func (w *walk) takeTicket() call {
	t, now := recent(w, w.tickets), at(w.now)
	if w.rarely() {
		t.Binding = key("another")
	}
	return func(ctx context.Context, s storage.Store) (any, error) {
		return s.TakeTicket(ctx, t.ID, t.Binding, now)
	}
}

func (w *walk) takeLimits() call {
	limits := []storage.Limit{
		{Key: key("a"), Count: 3, Window: 2 * minute, Look: w.rarely()},
		{Key: key("b"), Count: 5, Window: 5 * minute, Look: w.rarely()},
		{Key: key("c"), Count: 2, Window: minute, Look: w.rarely()},
	}
	w.Shuffle(3, func(i, j int) { limits[i], limits[j] = limits[j], limits[i] })
	limits, now := limits[w.IntN(3):], at(w.now)
	return func(ctx context.Context, s storage.Store) (any, error) { return s.TakeLimits(ctx, now, limits...) }
}

// somebody is one of a few visitors, who are others after some time.
func (w *walk) somebody() visitor {
	email := fmt.Sprint(pick(w, "anna", "ben"), w.step/200)
	return visitor{email, pick(w, "laptop", "phone"), pick(w, "web", "app"), w.now}
}

func (w *walk) requestCode() call {
	v := w.somebody()
	r := v.request()
	r.Lifetime, r.MaxPending, r.UserID = shortCode, pick(w, 3, room, room), fmt.Sprint("user ", w.step)
	if w.rarely() {
		r.MinLevel = 1
	}
	if w.rarely() {
		r.SecretID = "secret 2"
	}
	w.asked = append(w.asked, v)
	return func(ctx context.Context, s storage.Store) (any, error) {
		return s.RequestCode(ctx, r, tight, at(v.asked))
	}
}

func (w *walk) findChallenge() call {
	v, now := recent(w, w.asked), at(w.now)
	return func(ctx context.Context, s storage.Store) (any, error) {
		c, ok, err := s.FindChallenge(ctx, v.binding(), tight, now)
		return []any{c, ok}, err
	}
}

func (w *walk) guessWait() call {
	v, now := recent(w, w.asked), at(w.now)
	return func(ctx context.Context, s storage.Store) (any, error) {
		wait, level, err := s.GuessWait(ctx, v.address(), v.deviceKey(), tight, now)
		return []any{wait, level}, err
	}
}

func (w *walk) redeem() call { return w.guess(recent(w, w.asked), w.IntN(4) == 0) }

// logIn asks and guesses right in one move.
func (w *walk) logIn() call {
	ask := w.requestCode()
	redeem := w.guess(w.asked[len(w.asked)-1], true)
	return func(ctx context.Context, s storage.Store) (any, error) {
		asked, err := ask(ctx, s)
		if err != nil {
			return nil, err
		}
		done, err := redeem(ctx, s)
		return []any{asked, done}, err
	}
}

// guess guesses like the login does: it looks for the challenge and the user
// before. Sometimes they are not those any more.
func (w *walk) guess(v visitor, right bool) call {
	now := w.now
	g := v.guess(right, now)
	g.Session.TokenHash = fmt.Sprint("token ", w.step)
	g.Session.ExpiresAt = at(now + pick(w, shortLife, hour))
	g.MaxSessions = 2
	g.Refuse, g.Register = w.rarely(), !w.rarely()
	stale, other := w.rarely(), w.rarely()
	if right {
		w.tokens = append(w.tokens, g.Session.TokenHash)
	}
	return func(ctx context.Context, s storage.Store) (any, error) {
		c, ok, err := s.FindChallenge(ctx, v.binding(), tight, at(now))
		if err != nil {
			return nil, err
		}
		u, known, err := s.UserByEmail(ctx, v.email)
		if err != nil {
			return nil, err
		}
		g := g
		if ok && !stale {
			g.ChallengeID = c.ID
		}
		switch {
		case other:
		case known:
			g.Session.UserID = u.ID
		default:
			g.Session.UserID = c.UserID
		}
		return s.Redeem(ctx, g, tight, at(now))
	}
}

func (w *walk) failuresByHour() call {
	n, now := 1+w.IntN(50), at(w.now)
	return func(ctx context.Context, s storage.Store) (any, error) { return s.FailuresByHour(ctx, n, now) }
}

func (w *walk) claimMails() call {
	minLife, now := pick(w, 0, 10*second), at(w.now)
	return func(ctx context.Context, s storage.Store) (any, error) {
		mails, err := s.ClaimMails(ctx, room, shortLease, minLife, now)
		slices.SortFunc(mails, func(a, b storage.Mail) int { return bytes.Compare(a.ID, b.ID) })
		for _, m := range mails {
			w.mails[string(m.Binding)] = m
		}
		return mails, err
	}
}

func (w *walk) finishMail() call {
	m, now := w.mails[string(recent(w, w.asked).binding())], at(w.now)
	retry := w.now + pick(w, second, shortLease)
	r := pick(w, delivered, failed(retry), unknown(retry))
	return func(ctx context.Context, s storage.Store) (any, error) { return nil, s.FinishMail(ctx, m, r, now) }
}

func (w *walk) beat() call {
	now := at(w.now - pick(w, 0, hour))
	return func(ctx context.Context, s storage.Store) (any, error) {
		if err := s.Beat(ctx, now); err != nil {
			return nil, err
		}
		return s.LastBeat(ctx)
	}
}

func (w *walk) saveKeys() call {
	sealed, stale := key(w.step), w.rarely()
	return func(ctx context.Context, s storage.Store) (any, error) {
		before, version, err := s.LoadKeys(ctx)
		if err != nil {
			return nil, err
		}
		if stale {
			version--
		}
		ok, err := s.SaveKeys(ctx, sealed, version)
		return []any{before, version, ok}, err
	}
}

// sweep does not compare how much was removed: how many rows there are is the
// store's own business.
func (w *walk) sweep() call {
	now := at(w.now)
	return func(ctx context.Context, s storage.Store) (any, error) {
		_, err := s.Sweep(ctx, now, 1000)
		return nil, err
	}
}
