package sqlstore

import (
	"bytes"
	"context"
	_ "embed"
	"time"

	"example.com/mailkey/storage"
)

//go:embed queries/address_open.sql
var addressOpen string

//go:embed queries/address_lock.sql
var addressLock string

//go:embed queries/address_save.sql
var addressSave string

//go:embed queries/device_find.sql
var deviceFind string

//go:embed queries/device_remember.sql
var deviceRemember string

//go:embed queries/device_forget.sql
var deviceForget string

//go:embed queries/challenge_forget.sql
var challengeForget string

// openAddress reads what is remembered of an address, which is remembered for a
// year from today on, and locks it. Nobody else
// does anything to the address, or to its user by way of it, before tx ends.
func openAddress(tx Conn, key []byte, now time.Time) (*storage.Address, error) {
	doc, _, err := get[string](tx, addressOpen, key, storage.EndOfDay(now).UnixMilli())
	if err != nil {
		return nil, err
	}
	return storage.DecodeAddress([]byte(doc))
}

// lockAddress is openAddress for an address that is not to be remembered
// because of this. What it returns may be a decoy, under another key.
func lockAddress(tx Conn, key []byte) (locked []byte, a *storage.Address, err error) {
	row, _, err := get[struct {
		Key   []byte
		State string
	}](tx, addressLock, decoyOf(key), key)
	if err != nil {
		return nil, nil, err
	}
	a, err = storage.DecodeAddress([]byte(row.State))
	return row.Key, a, err
}

// saveAddress writes what openAddress or lockAddress has read. How long it is
// remembered does not change, if it is at all.
func saveAddress(tx Conn, key []byte, a *storage.Address) error {
	doc, err := a.Encode()
	if err != nil {
		return err
	}
	return exec(tx, addressSave, string(doc), key)
}

// knownDevice reports whether the device logged in to the address before.
func knownDevice(tx Conn, address, device []byte) (bool, error) {
	known, _, err := get[bool](tx, deviceFind, address, device)
	return known, err
}

func rememberDevice(tx Conn, address, device []byte, now time.Time) error {
	return exec(tx, deviceRemember, address, device, now.UnixMilli())
}

// leaving runs f, and when that was ok makes the address nobody's, if one is left.
func (s *Store) leaving(ctx context.Context, leave storage.LeftAddress, f func(tx Conn) (ok bool, err error)) (ok bool, err error) {
	err = s.db.Transact(ctx, func(tx Conn) error {
		if len(leave.Address) == 0 { // none is left
			ok, err = f(tx)
			return err
		}
		locked, address, err := lockAddress(tx, leave.Address)
		if err != nil {
			return err
		}
		if ok, err = f(tx); err != nil || !ok {
			return err
		}
		if err := exec(tx, challengeForget, leave.Address, bindingsEnd(leave.Address)); err != nil {
			return err
		}
		if err := exec(tx, deviceForget, leave.Address); err != nil {
			return err
		}
		if !bytes.Equal(locked, leave.Address) { // it is not remembered
			return nil
		}
		address.UserID = leave.NextUserID
		return saveAddress(tx, locked, address)
	})
	return ok && err == nil, err
}

// bindingsEnd comes after all bindings of an address: keyed hashes follow it.
func bindingsEnd(address []byte) []byte {
	return append(bytes.Clone(address), bytes.Repeat([]byte{0xff}, 64)...)
}
