package storagetest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"time"

	"example.com/mailkey/storage"
)

var captchas = []check{
	{"come back whole", "TakeCaptcha returns the captcha that was put", captchaWhole},
	{"are taken once", "TakeCaptcha removes the captcha", captchaTakenOnce},
	{"are not invented", "ok is false when there is no captcha with that id", captchaUnknown},
	{"expire", "what expires at t is dead when it is t, and alive a millisecond before", captchaExpires},
	{"have one taker", "of parallel calls of TakeCaptcha one gets it", captchaOneTaker},
	{"are bounded per peer", "at most perPeer captchas of one peer are kept: the oldest make room", captchaPerPeer},
	{"are bounded in all", "at most total captchas in all are kept: the oldest make room", captchaTotal},
	{"are bounded by those that wait", "captchas that were taken are not among those that are kept", captchaTotalOfWaiting},
	{"are bounded in all when there are many", "at most total captchas and a hundredth are kept", captchaTotalOfMany},
	{"are bounded when put at once", "parallel calls of PutCaptcha keep the bounds", captchaBoundParallel},
	{"are bounded in all when put at once", "parallel calls of PutCaptcha of several peers keep the bound", captchaTotalParallel},
	{"are heard up to the limit", "HearCaptcha counts the playings and refuses after limit of them", captchaHeard},
	{"are heard at once", "of parallel calls of HearCaptcha exactly limit are told ok", captchaHeardParallel},
	{"are heard and answered", "HearCaptcha leaves the captcha to TakeCaptcha, and its life as it was", captchaHeardThenTaken},
	{"are not shared", "slices passed in are not kept, those returned belong to the caller", captchaAliases},
}

func captcha(name any, peer string, life time.Duration) storage.Captcha {
	return storage.Captcha{
		ID:        key("captcha", name),
		Kind:      "digits",
		State:     append([]byte{0, 0xff, '\n'}, key("state", name)...),
		Peer:      key("peer", peer),
		ExpiresAt: at(life),
	}
}

func captchaWhole(ctx context.Context, s storage.Store) error {
	small, large := captcha(1, "anna", minute), captcha(2, "anna", minute)
	small.State, small.Kind = nil, "数字"
	large.State = bytes.Repeat([]byte{0, 1, 0xfe}, 1<<15)
	return cmp.Or(
		s.PutCaptcha(ctx, small, 9, 9),
		s.PutCaptcha(ctx, large, 9, 9),
		lookup(s.HearCaptcha(ctx, large.ID, 1, start)).is(large),
		lookup(s.TakeCaptcha(ctx, large.ID, start)).is(large),
		lookup(s.TakeCaptcha(ctx, small.ID, start)).is(small),
	)
}

func captchaTakenOnce(ctx context.Context, s storage.Store) error {
	c, other := captcha(1, "anna", minute), captcha(2, "anna", minute)
	return cmp.Or(
		s.PutCaptcha(ctx, c, 9, 9),
		s.PutCaptcha(ctx, other, 9, 9),
		lookup(s.TakeCaptcha(ctx, c.ID, start)).is(c),
		lookup(s.TakeCaptcha(ctx, c.ID, start)).none(),
		lookup(s.HearCaptcha(ctx, c.ID, 1, start)).none(),
		lookup(s.TakeCaptcha(ctx, other.ID, start)).is(other),
	)
}

func captchaUnknown(ctx context.Context, s storage.Store) error {
	return cmp.Or(
		s.PutCaptcha(ctx, captcha(1, "anna", minute), 9, 9),
		lookup(s.TakeCaptcha(ctx, key("another"), start)).none(),
		lookup(s.TakeCaptcha(ctx, nil, start)).none(),
		lookup(s.HearCaptcha(ctx, key("another"), 1, start)).none(),
	)
}

func captchaExpires(ctx context.Context, s storage.Store) error {
	a, b, c := captcha("a", "anna", minute), captcha("b", "anna", minute), captcha("c", "anna", minute+tick/2)
	return cmp.Or(
		s.PutCaptcha(ctx, a, 9, 9),
		s.PutCaptcha(ctx, b, 9, 9),
		s.PutCaptcha(ctx, c, 9, 9),
		lookup(s.HearCaptcha(ctx, a.ID, 9, at(minute-tick))).is(a),
		lookup(s.TakeCaptcha(ctx, a.ID, at(minute-tick))).is(a),
		lookup(s.HearCaptcha(ctx, b.ID, 9, at(minute))).none(),
		lookup(s.TakeCaptcha(ctx, b.ID, at(minute))).none(),
		lookup(s.TakeCaptcha(ctx, c.ID, at(minute+tick))).none(),
	)
}

func captchaOneTaker(ctx context.Context, s storage.Store) error {
	return repeat(5, func(round int) error {
		var taken counter
		c := captcha(round, "anna", minute)
		return cmp.Or(
			s.PutCaptcha(ctx, c, 9, 9),
			parallel(8, func(int) error {
				_, ok, err := s.TakeCaptcha(ctx, c.ID, start)
				return taken.count(ok, err)
			}),
			taken.is(1),
		)
	})
}

func captchaPerPeer(ctx context.Context, s storage.Store) error {
	put := func(i int) error { return s.PutCaptcha(ctx, captcha(i, "anna", minute+time.Duration(i)*second), 3, 99) }
	other := captcha("other", "ben", second)
	return cmp.Or(
		s.PutCaptcha(ctx, other, 3, 99),
		repeat(5, put),
		captchasLeft(ctx, s, "anna", 2, 3, 4),
		lookup(s.TakeCaptcha(ctx, other.ID, start)).is(other),
	)
}

func captchaTotal(ctx context.Context, s storage.Store) error {
	put := func(i int) error { return s.PutCaptcha(ctx, captcha(i, "anna", minute+time.Duration(i)*second), 9, 3) }
	other := captcha("other", "ben", second)
	return cmp.Or(
		s.PutCaptcha(ctx, other, 9, 3),
		repeat(5, put),
		captchasLeft(ctx, s, "anna", 2, 3, 4),
		lookup(s.TakeCaptcha(ctx, other.ID, start)).none(),
	)
}

func captchaTotalOfMany(ctx context.Context, s storage.Store) error {
	const total, more = 200, 30
	var left counter
	err := cmp.Or(
		repeat(total+more, func(i int) error { return s.PutCaptcha(ctx, captcha(i, fmt.Sprint(i), minute), 1, total) }),
		repeat(total+more, func(i int) error {
			_, ok, err := s.TakeCaptcha(ctx, captcha(i, "", minute).ID, start)
			if !ok && i >= more {
				return fmt.Errorf("captcha %d of %d is not kept: %v", i, total+more, err)
			}
			return left.count(ok, err)
		}),
	)
	if err == nil && left.n.Load() > total+total/100 {
		err = fmt.Errorf("%d captchas are kept", left.n.Load())
	}
	return err
}

func captchaTotalOfWaiting(ctx context.Context, s storage.Store) error {
	put := func(i int) error { return s.PutCaptcha(ctx, captcha(i, "anna", minute), 9, 3) }
	return cmp.Or(
		repeat(3, put),
		lookup(s.TakeCaptcha(ctx, captcha(1, "anna", minute).ID, start)).is(captcha(1, "anna", minute)),
		repeat(2, func(i int) error { return put(3 + i) }),
		captchasLeft(ctx, s, "anna", 2, 3, 4),
	)
}

// captchasLeft checks which of the captchas 0 to 7 are left.
func captchasLeft(ctx context.Context, s storage.Store, peer string, want ...int) error {
	var left []int
	for i := range 8 {
		_, ok, err := s.TakeCaptcha(ctx, captcha(i, peer, minute).ID, start)
		if err != nil {
			return err
		}
		if ok {
			left = append(left, i)
		}
	}
	return value(left, nil).is(want)
}

func captchaBoundParallel(ctx context.Context, s storage.Store) error {
	var left counter
	return cmp.Or(
		parallel(8, func(i int) error { return s.PutCaptcha(ctx, captcha(i, "anna", minute), 3, 99) }),
		repeat(8, func(i int) error {
			_, ok, err := s.TakeCaptcha(ctx, captcha(i, "anna", minute).ID, start)
			return left.count(ok, err)
		}),
		left.is(3),
	)
}

func captchaTotalParallel(ctx context.Context, s storage.Store) error {
	var left counter
	return cmp.Or(
		parallel(8, func(i int) error { return s.PutCaptcha(ctx, captcha(i, fmt.Sprint(i%4), minute), 9, 3) }),
		repeat(8, func(i int) error {
			_, ok, err := s.TakeCaptcha(ctx, captcha(i, "", minute).ID, start)
			return left.count(ok, err)
		}),
		left.is(3),
	)
}

func captchaHeard(ctx context.Context, s storage.Store) error {
	c := captcha(1, "anna", minute)
	return cmp.Or(
		s.PutCaptcha(ctx, c, 9, 9),
		lookup(s.HearCaptcha(ctx, c.ID, 2, start)).is(c),
		lookup(s.HearCaptcha(ctx, c.ID, 2, start)).is(c),
		lookup(s.HearCaptcha(ctx, c.ID, 2, start)).none(),
		lookup(s.HearCaptcha(ctx, c.ID, 3, start)).is(c), // the refused one was not counted
		lookup(s.HearCaptcha(ctx, c.ID, 3, start)).none(),
	)
}

func captchaHeardParallel(ctx context.Context, s storage.Store) error {
	var heard counter
	c := captcha(1, "anna", minute)
	return cmp.Or(
		s.PutCaptcha(ctx, c, 9, 9),
		parallel(8, func(int) error {
			_, ok, err := s.HearCaptcha(ctx, c.ID, 3, start)
			return heard.count(ok, err)
		}),
		heard.is(3),
	)
}

func captchaHeardThenTaken(ctx context.Context, s storage.Store) error {
	a, b := captcha("a", "anna", minute), captcha("b", "anna", minute)
	return cmp.Or(
		s.PutCaptcha(ctx, a, 9, 9),
		s.PutCaptcha(ctx, b, 9, 9),
		lookup(s.HearCaptcha(ctx, a.ID, 1, at(minute-tick))).is(a),
		lookup(s.HearCaptcha(ctx, b.ID, 1, at(minute-tick))).is(b),
		lookup(s.HearCaptcha(ctx, b.ID, 1, at(minute-tick))).none(),
		lookup(s.TakeCaptcha(ctx, b.ID, at(minute-tick))).is(b),
		lookup(s.TakeCaptcha(ctx, a.ID, at(minute))).none(),
	)
}

func captchaAliases(ctx context.Context, s storage.Store) error {
	c, want := captcha(1, "anna", minute), captcha(1, "anna", minute)
	if err := s.PutCaptcha(ctx, c, 9, 9); err != nil {
		return err
	}
	scribble(c.ID, c.State, c.Peer)
	heard, ok, err := s.HearCaptcha(ctx, want.ID, 9, start)
	if err := lookup(heard, ok, err).is(want); err != nil {
		return err
	}
	scribble(heard.ID, heard.State, heard.Peer)
	return lookup(s.TakeCaptcha(ctx, want.ID, start)).is(want)
}
