package storagetest

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"example.com/mailkey/storage"
)

var keys = []check{
	{"are missing at first", "LoadKeys returns version 0 and no document when there is none", keysNone},
	{"are replaced", "SaveKeys replaces the document, and the new version is one more", keysReplaced},
	{"are kept from stale writers", "SaveKeys is false, and writes nothing, when the version is not the given one", keysStale},
	{"have one writer", "of parallel calls of SaveKeys with one version at most one is told true", keysParallel},
	{"are not shared", "slices passed in are not kept, those returned belong to the caller", keysAliases},
}

// document is what LoadKeys returns.
type document struct {
	Sealed  []byte
	Version int64
}

func loadKeys(ctx context.Context, s storage.Store) answer[document] {
	sealed, version, err := s.LoadKeys(ctx)
	return value(document{sealed, version}, err)
}

func keysNone(ctx context.Context, s storage.Store) error {
	return cmp.Or(
		loadKeys(ctx, s).is(document{}),
		value(s.SaveKeys(ctx, []byte("keys"), 1)).is(false),
		loadKeys(ctx, s).is(document{}),
	)
}

func keysReplaced(ctx context.Context, s storage.Store) error {
	return repeat(4, func(i int) error {
		sealed, version := bytes.Repeat(key(i), 1<<(4*i)), int64(i)
		return cmp.Or(
			value(s.SaveKeys(ctx, sealed, version)).is(true),
			loadKeys(ctx, s).is(document{sealed, version + 1}),
		)
	})
}

func keysStale(ctx context.Context, s storage.Store) error {
	return cmp.Or(
		value(s.SaveKeys(ctx, []byte("first"), 0)).is(true),
		value(s.SaveKeys(ctx, []byte("late"), 0)).is(false),
		value(s.SaveKeys(ctx, []byte("second"), 1)).is(true),
		repeat(5, func(i int) error {
			if i == 2 {
				return nil
			}
			return value(s.SaveKeys(ctx, []byte("stale"), int64(i))).is(false)
		}),
		value(s.SaveKeys(ctx, []byte("stale"), -1)).is(false),
		loadKeys(ctx, s).is(document{[]byte("second"), 2}),
	)
}

func keysParallel(ctx context.Context, s storage.Store) error {
	return repeat(5, func(round int) error {
		var saved counter
		won := make([]bool, 8)
		err := parallel(len(won), func(i int) (err error) {
			won[i], err = s.SaveKeys(ctx, key(round, i), int64(round))
			return saved.count(won[i], err)
		})
		winner := key(round, slices.Index(won, true))
		return cmp.Or(err, saved.is(1), loadKeys(ctx, s).is(document{winner, int64(round) + 1}))
	})
}

func keysAliases(ctx context.Context, s storage.Store) error {
	sealed, want := []byte("keys"), document{[]byte("keys"), 1}
	if err := value(s.SaveKeys(ctx, sealed, 0)).is(true); err != nil {
		return err
	}
	scribble(sealed)
	a := loadKeys(ctx, s)
	if err := a.is(want); err != nil {
		return err
	}
	scribble(a.got.Sealed)
	return loadKeys(ctx, s).is(want)
}
