package sqlstore

import (
	_ "embed"
	"time"

	"example.com/mailkey/storage"
)

//go:embed queries/address_open.sql
var addressOpen string

//go:embed queries/address_reopen.sql
var addressReopen string

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

//go:embed queries/address_read.sql
var addressRead string

// openAddress reads what is remembered of an address and locks it. With one
// of the two queries above: make it if need be, or not.
func openAddress(tx Conn, query string, args ...any) (*storage.Address, error) {
	doc, _, err := get[string](tx, query, args...)
	if err != nil {
		return nil, err
	}
	return storage.DecodeAddress([]byte(doc))
}

func saveAddress(tx Conn, key []byte, a *storage.Address) error {
	doc, err := a.Encode()
	if err != nil {
		return err
	}
	return exec(tx, addressSave, string(doc), key)
}

// knownDevice reports whether the device logged in to the address before.
func knownDevice(tx Conn, address, device []byte) (bool, error) {
	_, ok, err := get[int](tx, deviceFind, address, device)
	return ok, err
}

func rememberDevice(tx Conn, address, device []byte, now time.Time) error {
	return exec(tx, deviceRemember, address, device, now.UnixMilli())
}

// leaveAddress makes the address nobody's.
func leaveAddress(tx Conn, leave storage.LeftAddress) error {
	for _, query := range []string{deviceForget, challengeForget} {
		if err := exec(tx, query, leave.Address); err != nil {
			return err
		}
	}
	doc, ok, err := get[string](tx, addressRead, leave.Address)
	if err != nil || !ok {
		return err
	}
	address, err := storage.DecodeAddress([]byte(doc))
	if err != nil {
		return err
	}
	address.UserID = leave.NextUserID
	return saveAddress(tx, leave.Address, address)
}
