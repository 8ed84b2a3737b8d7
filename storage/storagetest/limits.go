package storagetest

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"

	"example.com/mailkey/storage"
)

var limits = []check{
	{"allow count at once", "a Limit allows Count takings at once, and says how long to wait for the next", limitBurst},
	{"refill evenly", "after a Count-th of the Window one more is allowed, no millisecond earlier", limitRefill},
	{"allow no more after a rest", "an unused limit does not allow more than Count", limitRest},
	{"are taken all or none", "when one limit is used up nothing is taken from the others", limitAllOrNone},
	{"wait for the longest", "TakeLimits returns how long to wait until all limits would allow it", limitLongest},
	{"can be looked at", "with Look nothing is taken, but a used up limit refuses the others", limitLook},
	{"are not prolonged by refusals", "a refusal changes nothing", limitRefusal},
	{"are kept by key", "each Key has a count of its own", limitKeys},
	{"hold when taken at once", "of parallel calls exactly Count are allowed", limitParallel},
	{"hold together when taken at once", "parallel calls with two limits take from both or from none, in any order", limitPairs},
	{"say how long to wait when taken at once", "a parallel call that is refused has taken nothing, nor waits for itself", limitPairsWait},
	{"follow the arithmetic", "the waits are those of Limit.Take", limitArithmetic},
	{"are not shared", "slices passed in are not kept", limitAliases},
}

// three allows three in a minute: one in twenty seconds.
func three(name string) storage.Limit {
	return storage.Limit{Key: key("limit", name), Count: 3, Window: minute}
}

func look(l storage.Limit) storage.Limit {
	l.Look = true
	return l
}

func limitBurst(ctx context.Context, s storage.Store) error {
	return cmp.Or(
		repeat(3, func(int) error { return value(s.TakeLimits(ctx, start, three("a"))).is(0) }),
		value(s.TakeLimits(ctx, start, three("a"))).is(20*second),
		value(s.TakeLimits(ctx, at(second), three("a"))).is(19*second),
		value(s.TakeLimits(ctx, start)).is(0),
	)
}

func limitRefill(ctx context.Context, s storage.Store) error {
	return cmp.Or(
		repeat(3, func(int) error { return value(s.TakeLimits(ctx, start, three("a"))).is(0) }),
		value(s.TakeLimits(ctx, at(20*second-tick), three("a"))).is(tick),
		value(s.TakeLimits(ctx, at(20*second), three("a"))).is(0),
		value(s.TakeLimits(ctx, at(20*second), three("a"))).is(20*second),
		repeat(2, func(int) error { return value(s.TakeLimits(ctx, at(minute), three("a"))).is(0) }),
		value(s.TakeLimits(ctx, at(minute), three("a"))).is(20*second),
	)
}

func limitRest(ctx context.Context, s storage.Store) error {
	return cmp.Or(
		value(s.TakeLimits(ctx, start, three("a"))).is(0),
		repeat(3, func(int) error { return value(s.TakeLimits(ctx, at(day), three("a"))).is(0) }),
		value(s.TakeLimits(ctx, at(day), three("a"))).is(20*second),
	)
}

func limitAllOrNone(ctx context.Context, s storage.Store) error {
	full, before, after := three("full"), three("before"), three("after")
	return cmp.Or(
		repeat(3, func(int) error { return value(s.TakeLimits(ctx, start, full)).is(0) }),
		value(s.TakeLimits(ctx, start, before, full, after)).is(20*second),
		repeat(3, func(int) error { return value(s.TakeLimits(ctx, start, before, after)).is(0) }),
		value(s.TakeLimits(ctx, start, before)).is(20*second),
		value(s.TakeLimits(ctx, start, after)).is(20*second),
	)
}

func limitLongest(ctx context.Context, s storage.Store) error {
	hourly := storage.Limit{Key: key("hourly"), Count: 1, Window: hour}
	return cmp.Or(
		repeat(3, func(int) error { return value(s.TakeLimits(ctx, start, three("a"))).is(0) }),
		value(s.TakeLimits(ctx, start, hourly)).is(0),
		value(s.TakeLimits(ctx, start, three("a"), hourly)).is(hour),
		value(s.TakeLimits(ctx, start, hourly, three("a"))).is(hour),
	)
}

func limitLook(ctx context.Context, s storage.Store) error {
	return cmp.Or(
		repeat(9, func(int) error { return value(s.TakeLimits(ctx, start, look(three("a")))).is(0) }),
		repeat(3, func(int) error { return value(s.TakeLimits(ctx, start, look(three("b")), three("a"))).is(0) }),
		value(s.TakeLimits(ctx, start, look(three("a")))).is(20*second),
		value(s.TakeLimits(ctx, start, three("b"), look(three("a")))).is(20*second),
		repeat(3, func(int) error { return value(s.TakeLimits(ctx, start, three("b"))).is(0) }),
		value(s.TakeLimits(ctx, at(20*second), look(three("a")))).is(0),
	)
}

func limitRefusal(ctx context.Context, s storage.Store) error {
	return cmp.Or(
		repeat(3, func(int) error { return value(s.TakeLimits(ctx, start, three("a"))).is(0) }),
		repeat(9, func(i int) error {
			passed := time.Duration(i) * second
			return value(s.TakeLimits(ctx, at(passed), three("a"))).is(20*second - passed)
		}),
		value(s.TakeLimits(ctx, at(20*second), three("a"))).is(0),
	)
}

func limitKeys(ctx context.Context, s storage.Store) error {
	one := func(key ...byte) storage.Limit { return storage.Limit{Key: key, Count: 1, Window: minute} }
	return repeat(2, func(i int) error {
		want := time.Duration(i) * minute
		return cmp.Or(
			value(s.TakeLimits(ctx, start, one(1))).is(want),
			value(s.TakeLimits(ctx, start, one(1, 0))).is(want),
			value(s.TakeLimits(ctx, start, one(1, 0, 2))).is(want),
			value(s.TakeLimits(ctx, start, one(0xff))).is(want),
			value(s.TakeLimits(ctx, start, one(0xfe))).is(want),
		)
	})
}

func limitParallel(ctx context.Context, s storage.Store) error {
	var taken counter
	return cmp.Or(
		parallel(12, func(int) error {
			wait, err := s.TakeLimits(ctx, start, three("a"))
			return taken.count(wait == 0, err)
		}),
		taken.is(3),
		value(s.TakeLimits(ctx, start, three("a"))).is(20*second),
	)
}

func limitPairs(ctx context.Context, s storage.Store) error {
	var taken counter
	pair := []storage.Limit{three("a"), three("b")}
	return cmp.Or(
		parallel(12, func(i int) error {
			wait, err := s.TakeLimits(ctx, start, pair[i%2], pair[1-i%2])
			return taken.count(wait == 0, err)
		}),
		taken.is(3),
		value(s.TakeLimits(ctx, start, three("a"))).is(20*second),
		value(s.TakeLimits(ctx, start, three("b"))).is(20*second),
	)
}

func limitPairsWait(ctx context.Context, s storage.Store) error {
	var told counter
	return cmp.Or(
		parallel(12, func(i int) error {
			own, shared := storage.Limit{Key: key("own", i), Count: 1, Window: hour}, three("shared")
			own.Key[0], shared.Key[0] = 0, 0xff
			wait, err := s.TakeLimits(ctx, start, own, shared)
			return told.count(wait == 20*second, err)
		}),
		told.is(9),
	)
}

func limitArithmetic(ctx context.Context, s storage.Store) error {
	random, now, tat := rand.New(rand.NewPCG(1, 2)), start, int64(0)
	return repeat(200, func(int) error {
		l := storage.Limit{Key: key("a"), Count: 1 + random.IntN(7), Window: time.Duration(1+random.IntN(9)) * second}
		now = now.Add(time.Duration(random.IntN(1500)) * tick)
		next, wait := l.Take(tat, now)
		if l.Look = random.IntN(4) == 0; !l.Look {
			tat = next
		}
		return value(s.TakeLimits(ctx, now, l)).is(wait)
	})
}

func limitAliases(ctx context.Context, s storage.Store) error {
	l := storage.Limit{Key: key("a"), Count: 1, Window: minute}
	if err := value(s.TakeLimits(ctx, start, l)).is(0); err != nil {
		return err
	}
	scribble(l.Key)
	return cmp.Or(
		value(s.TakeLimits(ctx, start, l)).is(0),
		value(s.TakeLimits(ctx, start, storage.Limit{Key: key("a"), Count: 1, Window: minute})).is(minute),
	)
}
