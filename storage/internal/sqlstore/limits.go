package sqlstore

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"slices"
	"time"

	"example.com/mailkey/storage"
)

//go:embed queries/limit_take.sql
var limitTake string

//go:embed queries/limit_look.sql
var limitLook string

// TakeLimits implements [storage.Limits].
func (s *Store) TakeLimits(ctx context.Context, now time.Time, limits ...storage.Limit) (wait time.Duration, err error) {
	// A refusal costs no write: a flood is turned away by reading.
	if wait, err = longestWait(s.db.Read(ctx), limits, now); err != nil || wait > 0 {
		return wait, err
	}
	limits = slices.DeleteFunc(slices.Clone(limits), func(l storage.Limit) bool { return l.Look })
	if len(limits) == 0 {
		return 0, nil
	}
	// In one order, so that two transactions cannot wait for each other.
	slices.SortFunc(limits, func(a, b storage.Limit) int { return bytes.Compare(a.Key, b.Key) })

	write, transact := s.db.WriteSoon, s.db.TransactSoon
	if slices.ContainsFunc(limits, func(l storage.Limit) bool { return l.Durable }) {
		write, transact = s.db.Write, s.db.Transact
	}
	if len(limits) == 1 {
		ok, err := takeLimit(write(ctx), limits[0], now)
		if err != nil || ok {
			return 0, err
		}
		return s.waitAfterRefusal(ctx, limits, now)
	}
	err = transact(ctx, func(tx Conn) error {
		for _, l := range limits {
			ok, err := takeLimit(tx, l, now)
			if err != nil {
				return err
			}
			if !ok {
				return errRefused
			}
		}
		return nil
	})
	if errors.Is(err, errRefused) {
		return s.waitAfterRefusal(ctx, limits, now)
	}
	return 0, err
}

// waitAfterRefusal looks how long to wait when nothing was taken: outside of the
// transaction, which had taken some of them, and at least the shortest wait that
// there is, since what refused may have been swept since.
func (s *Store) waitAfterRefusal(ctx context.Context, limits []storage.Limit, now time.Time) (time.Duration, error) {
	wait, err := longestWait(s.db.Read(ctx), limits, now)
	if err != nil {
		return 0, err
	}
	return max(wait, time.Millisecond), nil
}

// takeLimit takes one, if it is allowed.
func takeLimit(c Conn, l storage.Limit, now time.Time) (ok bool, err error) {
	at, step := now.UnixMilli(), l.Step()
	return execOK(c, limitTake, l.Key, at, step, at, at, step, at, at, step, at+step*int64(l.Count))
}

// longestWait looks how long it takes until all limits allow a taking.
func longestWait(c Conn, limits []storage.Limit, now time.Time) (wait time.Duration, err error) {
	for some := range slices.Chunk(limits, 4) {
		var rows []struct {
			Key []byte
			Tat int64
		}
		keys := make([]any, 4)
		for i, l := range some {
			keys[i] = l.Key
		}
		if err := c.Select(&rows, limitLook, keys...); err != nil {
			return 0, err
		}
		for _, l := range some {
			for _, row := range rows {
				if bytes.Equal(row.Key, l.Key) {
					_, w := l.Take(row.Tat, now)
					wait = max(wait, w)
				}
			}
		}
	}
	return wait, nil
}
