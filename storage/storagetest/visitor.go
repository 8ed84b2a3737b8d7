package storagetest

import (
	"fmt"
	"time"

	"example.com/mailkey/storage"
)

// visitor is one device at one client that logs in to one address, with the
// code that it asks for at one time.
type visitor struct {
	email  string
	device string
	client string
	asked  time.Duration // after start
}

var (
	anna  = visitor{email: "anna@example.com", device: "laptop", client: "web"}
	phone = visitor{email: "anna@example.com", device: "phone", client: "web"}
	ben   = visitor{email: "ben@example.com", device: "tablet", client: "web"}
)

// later is the visitor asking for a code at another time.
func (v visitor) later(d time.Duration) visitor {
	v.asked += d
	return v
}

// on is the visitor with another device.
func (v visitor) on(device any) visitor {
	v.device = fmt.Sprint(device)
	return v
}

func (v visitor) binding() []byte {
	return append(v.address(), key("binding", v.email, v.device, v.client)...)
}
func (v visitor) address() []byte   { return key("address", v.email) }
func (v visitor) deviceKey() []byte { return key("device", v.device) }
func (v visitor) challenge() []byte { return key("challenge", v) }
func (v visitor) token() string     { return fmt.Sprintf("%x", key("token", v)) }
func (v visitor) userID() string    { return "user of " + v.email }

func (v visitor) request() storage.CodeRequest {
	return storage.CodeRequest{
		Binding:     v.binding(),
		Address:     v.address(),
		Device:      v.deviceKey(),
		Email:       v.email,
		MailTo:      "To." + v.email,
		Language:    "zh-Hant",
		ClientID:    v.client,
		Purpose:     "login",
		ChallengeID: v.challenge(),
		SecretID:    "secret 1",
		Lifetime:    lifetime,
		UserID:      v.userID(),
		MaxPending:  room,
	}
}

// guess is the visitor's guess at the code that it asked for.
func (v visitor) guess(right bool, now time.Duration) storage.Guess {
	return storage.Guess{
		Binding:     v.binding(),
		ChallengeID: v.challenge(),
		Address:     v.address(),
		Device:      v.deviceKey(),
		Right:       right,
		Register:    true,
		Email:       v.email,
		MailTo:      "To." + v.email,
		Session: storage.Session{
			TokenHash: v.token(),
			ID:        "id of " + v.token(),
			UserID:    v.userID(),
			ClientID:  v.client,
			CreatedAt: at(now),
			ExpiresAt: at(now + sessionLife),
		},
		MaxSessions: 10,
	}
}
