package storagetest

import (
	"bytes"
	"context"
)

var brokenKeys = []broken{
	{"starts at any version", by("keys/are missing at first"), func(s *tampered) {
		save := s.saveKeys
		s.saveKeys = func(ctx context.Context, sealed []byte, version int64) (bool, error) {
			if _, now, _ := s.LoadKeys(ctx); now == 0 {
				version = 0
			}
			return save(ctx, sealed, version)
		}
	}},
	{"counts versions by two", by("keys/are replaced"), func(s *tampered) {
		load, save := s.loadKeys, s.saveKeys
		s.loadKeys = func(ctx context.Context) ([]byte, int64, error) {
			sealed, version, err := load(ctx)
			return sealed, 2 * version, err
		}
		s.saveKeys = func(ctx context.Context, sealed []byte, version int64) (bool, error) {
			return save(ctx, sealed, version/2)
		}
	}},
	{"lets the last writer win", by("keys/are kept from stale writers", "keys/have one writer"), func(s *tampered) {
		save := s.saveKeys
		s.saveKeys = func(ctx context.Context, sealed []byte, _ int64) (ok bool, err error) {
			s.locked(func() {
				_, now, _ := s.LoadKeys(ctx)
				ok, err = save(ctx, sealed, now)
			})
			return ok, err
		}
	}},
	{"writes, and says that it did not", by("keys/are kept from stale writers"), func(s *tampered) {
		save := s.saveKeys
		s.saveKeys = func(ctx context.Context, sealed []byte, version int64) (bool, error) {
			_, now, _ := s.LoadKeys(ctx)
			_, err := save(ctx, sealed, now)
			return now == version, err
		}
	}},
	{"looks at the version before it writes", by("keys/have one writer"), func(s *tampered) {
		save, meet := s.saveKeys, meeting()
		s.saveKeys = func(ctx context.Context, sealed []byte, version int64) (bool, error) {
			_, now, _ := s.LoadKeys(ctx)
			if meet(); now != version {
				return false, nil
			}
			_, err := save(ctx, sealed, version)
			return true, err
		}
	}},
	{"shares the document", by("keys/are not shared"), func(s *tampered) {
		var kept []byte
		load, save := s.loadKeys, s.saveKeys
		s.saveKeys = func(ctx context.Context, sealed []byte, version int64) (bool, error) {
			kept = sealed
			return save(ctx, bytes.Clone(sealed), version)
		}
		s.loadKeys = func(ctx context.Context) ([]byte, int64, error) {
			_, version, err := load(ctx)
			return kept, version, err
		}
	}},
}
