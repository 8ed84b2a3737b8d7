package storage

import "context"

// Keys holds the one sealed document with the signing keys and the key that
// pseudonymises addresses. The store cannot read it.
type Keys interface {
	// LoadKeys returns the document and its version; version 0 and no
	// document when there is none yet.
	LoadKeys(ctx context.Context) (sealed []byte, version int64, err error)

	// SaveKeys replaces the document if its version is still the given one,
	// and reports whether it was. The new version is version+1. Of parallel
	// calls with the same version at most one is told true.
	SaveKeys(ctx context.Context, sealed []byte, version int64) (ok bool, err error)
}
