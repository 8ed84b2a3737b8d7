package storagetest

import (
	"bytes"
	"cmp"
	"context"
	"time"

	"example.com/mailkey/storage"
)

var sessionRaces = []check{
	{"trim while a token changes", "a login that is parallel to RotateSession keeps MaxSessions", raceTrimmed},
	{"disable while a token changes", "a session that is rotated parallel to SetUserDisabled is dead under both tokens", raceRotatedDisabled},
	{"save while a token changes", "data that was saved parallel to RotateSession is not lost", raceSavedRotated},
	{"end each once", "parallel calls of EndSessions count each session once", raceEnded},
}

func raceTrimmed(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return repeat(5, func(round int) error {
		device := func(i int) visitor { return nth(round).on(i).later(time.Duration(i) * minute) }
		last := device(2).guess(true, 2*minute)
		last.MaxSessions = 2
		err := cmp.Or(
			w.logsInAmong(2, device(0)),
			w.logsInAmong(2, device(1)),
			w.asks(device(2)),
			parallel(2, func(i int) error {
				if i == 1 {
					_, err := s.Redeem(ctx, last, w.limits, at(2*minute))
					return err
				}
				return repeat(10, func(i int) error {
					old, next := device(0).later(time.Duration(i)), device(0).later(time.Duration(i+1))
					_, err := s.RotateSession(ctx, old.token(), next.token(), minute, at(2*minute))
					return err
				})
			}),
		)
		list, listed := s.ListSessions(ctx, device(0).userID(), at(2*minute))
		return cmp.Or(err, value(len(list), listed).is(2))
	})
}

func raceRotatedDisabled(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return repeat(5, func(round int) error {
		v := nth(round)
		return cmp.Or(
			w.logsIn(v),
			parallel(2, func(i int) (err error) {
				if i == 0 {
					_, err = s.RotateSession(ctx, v.token(), v.later(tick).token(), minute, start)
				} else {
					_, err = s.SetUserDisabled(ctx, v.userID(), start)
				}
				return err
			}),
			value(s.SetUserDisabled(ctx, v.userID(), time.Time{})).is(true),
			w.signedIn(v, 0, false),
			w.signedIn(v.later(tick), 0, false),
		)
	})
}

func raceSavedRotated(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return repeat(5, func(round int) error {
		v, saved := nth(round), false
		err := cmp.Or(
			w.logsIn(v),
			parallel(2, func(i int) (err error) {
				if i == 0 {
					_, err = s.RotateSession(ctx, v.token(), v.later(tick).token(), minute, start)
				} else {
					saved, err = s.SaveSessionData(ctx, v.token(), []byte("new"), start)
				}
				return err
			}),
		)
		list, listed := s.ListSessions(ctx, v.userID(), start)
		if err = cmp.Or(err, listed, value(len(list), nil).is(1)); err != nil {
			return err
		}
		return value(bytes.Equal(list[0].Data, []byte("new")), nil).is(saved)
	})
}

func raceEnded(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	ended := make([]int, 6)
	err := cmp.Or(
		repeat(4, func(i int) error { return w.logsIn(anna.on(i)) }),
		parallel(6, func(i int) (err error) {
			ended[i], err = s.EndSessions(ctx, storage.SessionFilter{UserID: anna.userID()}, start)
			return err
		}),
	)
	sum := 0
	for _, n := range ended {
		sum += n
	}
	return cmp.Or(err, value(sum, nil).is(4))
}
