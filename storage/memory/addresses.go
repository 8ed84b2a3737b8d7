package memory

import (
	"strings"
	"time"

	"example.com/mailkey/storage"
)

type address struct {
	storage.Address
	touchedAt time.Time // the end of the day of the last mail
}

// device is one that logged in to an address.
type device struct{ address, device string }

// address returns what is remembered about the address with the key. One that
// was never heard of is remembered only when it is touched.
func (s *Store) address(key []byte) *address {
	if a := s.addresses[string(key)]; a != nil {
		return a
	}
	return new(address)
}

// touch remembers a for as long as what has just happened to it counts.
func (s *Store) touch(key []byte, a *address, now time.Time) {
	a.touchedAt = storage.EndOfDay(now)
	s.addresses[string(key)] = a
}

// known reports whether the device logged in to the address before.
func (s *Store) known(addressKey, deviceKey []byte) bool {
	_, known := s.devices[device{string(addressKey), string(deviceKey)}]
	return known
}

// leaveAddress makes the address nobody's, if one is left.
func (s *Store) leaveAddress(leave storage.LeftAddress) {
	if len(leave.Address) == 0 {
		return
	}
	for d := range s.devices {
		if d.address == string(leave.Address) {
			delete(s.devices, d)
		}
	}
	for binding := range s.challenges {
		if strings.HasPrefix(binding, string(leave.Address)) {
			delete(s.challenges, binding)
			delete(s.outbox, binding)
		}
	}
	if a := s.addresses[string(leave.Address)]; a != nil {
		a.UserID = leave.NextUserID
	}
}
