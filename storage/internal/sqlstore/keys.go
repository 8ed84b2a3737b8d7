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
	err = s.db.Write(ctx, func(tx Conn) error {
		if version == 0 {
			ok, err = execOK(tx, keysInsert, blob(sealed))
		} else {
			ok, err = execOK(tx, keysUpdate, blob(sealed), version)
		}
		return err
	})
	return ok && err == nil, err
}
