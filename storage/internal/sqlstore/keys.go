package sqlstore

import (
	"context"
	_ "embed"
)

//go:embed queries/keys_load.sql
var keysLoad string

//go:embed queries/keys_insert.sql
var keysInsert string

//go:embed queries/keys_update.sql
var keysUpdate string

// LoadKeys implements [storage.Keys].
func (s *Store) LoadKeys(ctx context.Context) (sealed []byte, version int64, err error) {
	row, _, err := get[struct {
		Sealed  []byte
		Version int64
	}](s.db.Read(ctx), keysLoad)
	return row.Sealed, row.Version, err
}

// SaveKeys implements [storage.Keys].
func (s *Store) SaveKeys(ctx context.Context, sealed []byte, version int64) (ok bool, err error) {
	if version == 0 {
		return execOK(s.db.Write(ctx), keysInsert, blob(sealed))
	}
	return execOK(s.db.Write(ctx), keysUpdate, blob(sealed), version)
}
