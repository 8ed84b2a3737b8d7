package memory

import (
	"bytes"
	"context"
)

// LoadKeys implements [storage.Keys].
func (s *Store) LoadKeys(ctx context.Context) (sealed []byte, version int64, err error) {
	if err := s.lock(ctx); err != nil {
		return nil, 0, err
	}
	defer s.mu.Unlock()
	return bytes.Clone(s.keys), s.keysVersion, nil
}

// SaveKeys implements [storage.Keys].
func (s *Store) SaveKeys(ctx context.Context, sealed []byte, version int64) (ok bool, err error) {
	if err := s.lock(ctx); err != nil {
		return false, err
	}
	defer s.mu.Unlock()

	if version != s.keysVersion {
		return false, nil
	}
	s.keys, s.keysVersion = bytes.Clone(sealed), version+1
	return true, nil
}
