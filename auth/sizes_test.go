package auth_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/storage"
)

// What must not be guessed is so long as the documents say, and no longer: it is
// sent with every request.
func TestSizesOfTokens(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		ticket := k.ticket("ann@b.example")
		token, claims := k.signIn("ann@b.example")
		text := func(claim string) string { value, _ := claims[claim].(string); return value }
		for name, row := range map[string]struct {
			value string
			bytes int
		}{
			"captcha_token": {ticket, 32}, "session_token": {token, 32},
			"sid": {text("sid"), 16}, "jti": {text("jti"), 16}, "sub": {strings.TrimPrefix(text("sub"), "u_"), 16},
		} {
			if random, err := base64.RawURLEncoding.DecodeString(row.value); err != nil || len(random) != row.bytes {
				t.Errorf("%s: %q is not %d bytes", name, row.value, row.bytes)
			}
		}
	})
}

// bindingStore looks at what the store is asked for.
type bindingStore struct {
	storage.Store
	asked []storage.CodeRequest
}

func (s *bindingStore) RequestCode(ctx context.Context, r storage.CodeRequest, l storage.AddressLimits, now time.Time) (storage.CodeRequested, error) {
	s.asked = append(s.asked, r)
	return s.Store.RequestCode(ctx, r, l, now)
}

// Stores find what belongs to an address by how bindings begin.
func TestBindingsBeginWithTheAddress(t *testing.T) {
	t.Parallel()
	store := &bindingStore{}
	playOn(t, func(t *testing.T) storage.Store { store.Store = openMemory(t); return store }, nil, func(k *kit) {
		k.code("ann@b.example")
		time.Sleep(time.Minute) // until the next mail to one address
		k.as(onDevice("another")).code("ann@b.example")
		for _, r := range store.asked {
			if len(r.Address) != 32 || len(r.Binding) != 64 || !bytes.HasPrefix(r.Binding, r.Address) {
				k.Errorf("address %x, binding %x", r.Address, r.Binding)
			}
			if len(r.ChallengeID) != 16 {
				k.Errorf("the challenge is named %x", r.ChallengeID)
			}
		}
		if len(store.asked) != 2 || bytes.Equal(store.asked[0].Binding, store.asked[1].Binding) {
			k.Errorf("%d codes were asked for", len(store.asked))
		}
	})
}
