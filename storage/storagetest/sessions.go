package storagetest

import (
	"bytes"
	"cmp"
	"context"
	"errors"

	"example.com/mailkey/storage"
)

var sessions = []check{
	{"are not invented", "ok is false when there is no session with that token hash", sessionUnknown},
	{"expire", "what expires at t is dead when it is t, and alive a millisecond before", sessionExpires},
	{"keep data", "SaveSessionData replaces the session's Data, and nothing else", sessionData},
	{"keep data whole", "of parallel calls of SaveSessionData one wins, whole, and nothing but the Data changes", sessionWriters},
	{"end for good", "a session that was ended is not found, not written and not ended again", sessionEnds},
	{"end once", "of parallel calls of EndSession one is told true", sessionEndsParallel},
	{"stay dead", "a SaveSessionData parallel to EndSession does not bring the session back", sessionStaysDead},
	{"are not shared", "slices passed in are not kept, those returned belong to the caller", sessionAliases},
}

func sessionUnknown(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		w.session(anna, 0).none(),
		w.logsIn(ben),
		w.session(anna, 0).none(),
		lookup(s.FindSession(ctx, "", start)).none(),
		lookup(s.FindSession(ctx, "id of "+ben.token(), start)).none(),
		value(s.SaveSessionData(ctx, anna.token(), []byte("new"), start)).is(false),
		value(s.EndSession(ctx, anna.token(), start)).is(false),
		w.session(anna, 0).none(),
		w.signedIn(ben, 0, true),
	)
}

func sessionExpires(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	last := at(sessionLife - tick)
	return cmp.Or(
		w.logsIn(anna, ben),
		w.signedIn(anna, sessionLife-tick, true),
		w.signedIn(anna, sessionLife, false),
		value(s.SaveSessionData(ctx, anna.token(), []byte("late"), at(sessionLife))).is(false),
		value(s.EndSession(ctx, anna.token(), at(sessionLife))).is(false),
		w.session(anna, 0).is(live(anna.guess(true, 0).Session, user(anna))),
		value(s.SaveSessionData(ctx, anna.token(), []byte("in time"), last)).is(true),
		value(s.EndSession(ctx, anna.token(), last)).is(true),
		value(s.EndSession(ctx, ben.token(), last)).is(true),
	)
}

func sessionData(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	saves := func(data []byte) error {
		want := anna.guess(true, 0).Session
		want.Data = data
		return cmp.Or(
			value(s.SaveSessionData(ctx, anna.token(), data, at(minute))).is(true),
			w.session(anna, minute).is(live(want, user(anna))),
		)
	}
	return cmp.Or(
		w.logsIn(anna, phone),
		saves([]byte("something")),
		saves(bytes.Repeat([]byte{0, 0xff, '\\'}, 1<<16)),
		saves(nil),
		saves([]byte("something else")),
		w.session(phone, 0).is(live(phone.guess(true, 0).Session, user(anna))),
	)
}

func sessionWriters(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	const size = 1 << 10
	return repeat(5, func(round int) error {
		v := anna.on(round)
		if err := cmp.Or(
			w.logsIn(v),
			parallel(8, func(i int) error {
				return value(s.SaveSessionData(ctx, v.token(), bytes.Repeat([]byte{byte(i)}, size), start)).is(true)
			}),
		); err != nil {
			return err
		}
		a := w.session(v, 0)
		if data := a.got.Data; a.err == nil && (len(data) != size || bytes.Count(data, data[:1]) != size) {
			return errors.New("the data of several calls were mixed, or cut off")
		}
		want := v.guess(true, 0).Session
		want.Data = a.got.Data
		return a.is(live(want, user(v)))
	})
}

func sessionEnds(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return cmp.Or(
		w.logsIn(anna, phone),
		value(s.EndSession(ctx, anna.token(), at(minute))).is(true),
		w.session(anna, minute).none(),
		w.session(anna, 0).none(),
		value(s.SaveSessionData(ctx, anna.token(), []byte("new"), at(minute))).is(false),
		w.session(anna, minute).none(),
		value(s.EndSession(ctx, anna.token(), at(minute))).is(false),
		w.signedIn(phone, minute, true),
	)
}

func sessionEndsParallel(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	var ended counter
	return cmp.Or(
		w.logsIn(anna),
		parallel(8, func(int) error {
			ok, err := s.EndSession(ctx, anna.token(), start)
			return ended.count(ok, err)
		}),
		ended.is(1),
		w.signedIn(anna, 0, false),
	)
}

func sessionStaysDead(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return repeat(5, func(round int) error {
		v := anna.on(round)
		return cmp.Or(
			w.logsIn(v),
			parallel(8, func(i int) error {
				if i == 4 {
					_, err := s.EndSession(ctx, v.token(), start)
					return err
				}
				_, err := s.SaveSessionData(ctx, v.token(), []byte{byte(i)}, start)
				return err
			}),
			w.signedIn(v, 0, false),
		)
	})
}

func sessionAliases(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	data := []byte("data")
	want := anna.guess(true, 0).Session
	want.Data = []byte("data")
	if err := cmp.Or(
		w.logsIn(anna),
		value(s.SaveSessionData(ctx, anna.token(), data, start)).is(true),
	); err != nil {
		return err
	}
	scribble(data)
	a := w.session(anna, 0)
	if err := a.is(live(want, user(anna))); err != nil {
		return err
	}
	scribble(a.got.Data)
	return w.session(anna, 0).is(live(want, user(anna)))
}
