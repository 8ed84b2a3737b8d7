package storagetest

import (
	"cmp"
	"context"
	"errors"
	"time"

	"example.com/mailkey/storage"
)

var rotations = []check{
	{"note when a session was seen", "TouchSession sets LastSeenAt to now, unless it was seen later", touchSeen},
	{"touch the living", "TouchSession does nothing to a session that is not live", touchDead},
	{"give another token", "the session lives on with the next token hash, and the old one is dead", rotateLives},
	{"may be tried again", "the same rotation is ok again, for less than grace and while the session is live", rotateAgain},
	{"need a living session", "RotateSession is false for a session that is not live", rotateDead},
	{"take no other session's token", "a token hash that another session has is an error, and nothing was changed", rotateTaken},
	{"have one winner", "of parallel rotations to different token hashes one is told true", rotateParallel},
	{"do not outlive the end", "of a rotation and an EndSession at once one is told true", rotateOrEnd},
}

// seen checks the visitor's session, which has the token hash.
func (w *scene) seen(v visitor, hash string, seen, now time.Duration) error {
	want := v.guess(true, v.asked).Session
	want.TokenHash, want.LastSeenAt = hash, at(seen)
	return lookup(w.FindSession(w.ctx, hash, at(now))).is(live(want, user(v)))
}

func touchSeen(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		w.logsIn(anna, ben),
		s.TouchSession(ctx, anna.token(), at(minute)),
		w.seen(anna, anna.token(), minute, minute),
		s.TouchSession(ctx, anna.token(), at(second)), // by an instance whose clock is behind
		w.seen(anna, anna.token(), minute, minute),
		s.TouchSession(ctx, anna.token(), at(minute+tick)),
		w.seen(anna, anna.token(), minute+tick, hour),
		value(w.session(ben, 0).got.LastSeenAt, nil).is(time.Time{}),
	)
}

func touchDead(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		w.logsIn(anna, ben),
		s.TouchSession(ctx, "another", start),
		s.TouchSession(ctx, anna.token(), at(sessionLife)),
		value(w.session(anna, 0).got.LastSeenAt, nil).is(time.Time{}),
		value(s.EndSession(ctx, ben.token(), start)).is(true),
		s.TouchSession(ctx, ben.token(), start),
		w.signedIn(ben, 0, false),
	)
}

// rotates has the store rotate within a grace of a minute.
func (w *scene) rotates(old, next string, now time.Duration, want bool) error {
	return value(w.RotateSession(w.ctx, old, next, minute, at(now))).is(want)
}

func rotateLives(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	old := anna.token()
	return cmp.Or(
		w.logsIn(anna, phone),
		s.TouchSession(ctx, old, at(second)),
		w.rotates(old, "next", second, true),
		w.seen(anna, "next", second, second),
		lookup(s.FindSession(ctx, old, start)).none(),
		value(s.SaveSessionData(ctx, old, []byte("old"), start)).is(false),
		value(s.EndSession(ctx, old, start)).is(false),
		w.rotates("next", "third", 2*second, true),
		lookup(s.FindSession(ctx, "next", start)).none(),
		w.seen(anna, "third", second, sessionLife-tick),
		lookup(s.FindSession(ctx, "third", at(sessionLife))).none(),
		w.signedIn(phone, 0, true),
		value(s.EndSession(ctx, "third", start)).is(true),
	)
}

func rotateAgain(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	old := anna.token()
	return cmp.Or(
		w.logsIn(anna, ben, phone),
		w.rotates(phone.token(), "phone's", sessionLife-tick, true),
		w.rotates(phone.token(), "phone's", sessionLife-tick, true),
		w.rotates(phone.token(), "phone's", sessionLife, false),
		w.rotates(old, "next", second, true),
		w.rotates(old, "next", second, true),
		w.rotates(old, "next", second+minute-tick, true),
		w.rotates(old, "next", second+minute, false),
		w.rotates(old, "another", second, false),
		w.rotates(ben.token(), "ben's", second, true),
		w.rotates(old, "ben's", second, false),
		w.signedIn(anna, second, false),
		lookup(s.FindSession(ctx, "another", at(second))).none(),
		value(s.EndSession(ctx, "next", at(second))).is(true),
		w.rotates(old, "next", second, false),
		lookup(s.FindSession(ctx, "next", at(second))).none(),
	)
}

func rotateDead(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		w.logsIn(anna, phone, ben),
		w.rotates("unknown", "next", 0, false),
		w.rotates(anna.token(), "next", sessionLife, false),
		value(s.EndSession(ctx, anna.token(), start)).is(true),
		w.rotates(anna.token(), "next", 0, false),
		value(s.SetUserDisabled(ctx, anna.userID(), start)).is(true),
		w.rotates(phone.token(), "next", 0, false),
		lookup(s.FindSession(ctx, "next", start)).none(),
		w.rotates(ben.token(), "next", sessionLife-tick, true),
	)
}

func rotateTaken(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	if err := w.logsIn(anna, ben); err != nil {
		return err
	}
	if _, err := s.RotateSession(ctx, anna.token(), ben.token(), minute, start); err == nil {
		return errors.New("two sessions have one token")
	}
	return cmp.Or(
		w.session(anna, 0).is(live(anna.guess(true, 0).Session, user(anna))),
		w.session(ben, 0).is(live(ben.guess(true, 0).Session, user(ben))),
	)
}

func rotateParallel(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	var rotated, alive counter
	return cmp.Or(
		w.logsIn(anna),
		parallel(8, func(i int) error {
			ok, err := s.RotateSession(ctx, anna.token(), anna.on(i).token(), minute, start)
			return rotated.count(ok, err)
		}),
		rotated.is(1),
		repeat(8, func(i int) error {
			_, ok, err := s.FindSession(ctx, anna.on(i).token(), start)
			return alive.count(ok, err)
		}),
		alive.is(1),
		w.signedIn(anna, 0, false),
	)
}

func rotateOrEnd(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return repeat(5, func(round int) error {
		v := anna.on(round)
		var rotated, ended bool
		err := cmp.Or(
			w.logsIn(v),
			parallel(2, func(i int) (err error) {
				if i == 0 {
					rotated, err = s.RotateSession(ctx, v.token(), v.later(tick).token(), minute, start)
				} else {
					ended, err = s.EndSession(ctx, v.token(), start)
				}
				return err
			}),
			w.signedIn(v, 0, false),
		)
		return cmp.Or(err,
			value(rotated != ended, nil).is(true),
			w.signedIn(v.later(tick), 0, rotated),
		)
	})
}
