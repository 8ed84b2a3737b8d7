package storagetest

import (
	"context"
	"time"

	"example.com/mailkey/storage"
)

// asking is a call of RequestCode on its way to an intact store.
type asking struct {
	r   storage.CodeRequest
	l   storage.AddressLimits
	now time.Time
}

// guessing is a call of Redeem on its way to an intact store.
type guessing struct {
	storage.Guess
	l   storage.AddressLimits
	now time.Time
}

type (
	ask func(asking) (storage.CodeRequested, error)
	try func(guessing) (storage.Redeemed, error)
)

// answers answers for RequestCode.
func answers(answer func(a asking, ask ask) (storage.CodeRequested, error)) func(*tampered) {
	return func(s *tampered) {
		request := s.requestCode
		s.requestCode = func(ctx context.Context, r storage.CodeRequest, l storage.AddressLimits, now time.Time) (storage.CodeRequested, error) {
			return answer(asking{r, l, now}, func(a asking) (storage.CodeRequested, error) { return request(ctx, a.r, a.l, a.now) })
		}
	}
}

// asks changes what RequestCode is asked.
func asks(change func(*asking)) func(*tampered) {
	return answers(func(a asking, ask ask) (storage.CodeRequested, error) {
		change(&a)
		return ask(a)
	})
}

// judges answers for Redeem.
func judges(judge func(g guessing, try try) (storage.Redeemed, error)) func(*tampered) {
	return func(s *tampered) {
		redeem := s.redeem
		s.redeem = func(ctx context.Context, g storage.Guess, l storage.AddressLimits, now time.Time) (storage.Redeemed, error) {
			return judge(guessing{g, l, now}, func(g guessing) (storage.Redeemed, error) { return redeem(ctx, g.Guess, g.l, g.now) })
		}
	}
}

// tries changes what Redeem is asked.
func tries(change func(*guessing)) func(*tampered) {
	return judges(func(g guessing, try try) (storage.Redeemed, error) {
		change(&g)
		return try(g)
	})
}

// learns sees what Redeem answers.
func learns(learn func(guessing, storage.Redeemed)) func(*tampered) {
	return judges(func(g guessing, try try) (storage.Redeemed, error) {
		done, err := try(g)
		if err == nil {
			learn(g, done)
		}
		return done, err
	})
}

// finds changes how FindChallenge is asked, and what it answers.
func finds(before func(binding *[]byte, now *time.Time), after func(*storage.Challenge)) func(*tampered) {
	return func(s *tampered) {
		find := s.findChallenge
		s.findChallenge = func(ctx context.Context, binding []byte, l storage.AddressLimits, now time.Time) (storage.Challenge, bool, error) {
			before(&binding, &now)
			c, ok, err := find(ctx, binding, l, now)
			after(&c)
			return c, ok, err
		}
	}
}

// living is the living challenge of a binding.
func (s *tampered) living(binding []byte, l storage.AddressLimits, now time.Time) (storage.Challenge, bool) {
	c, ok, _ := s.FindChallenge(context.Background(), binding, l, now)
	return c, ok
}

// tallies counts by name, for several goroutines.
type tallies struct {
	s *tampered
	n map[string]int
}

func (s *tampered) tallies() *tallies { return &tallies{s, make(map[string]int)} }

func (t *tallies) get(name []byte) (n int) {
	t.s.locked(func() { n = t.n[string(name)] })
	return n
}

func (t *tallies) set(name []byte, n int) { t.s.locked(func() { t.n[string(name)] = n }) }

func (t *tallies) add(name []byte, n int) { t.s.locked(func() { t.n[string(name)] += n }) }
