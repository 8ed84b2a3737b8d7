package authtest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
	"unicode"

	"example.com/mailkey/auth"
	"example.com/mailkey/storage"
)

// signIn puts a session of the identity into the store and returns its token.
// A store makes sessions for redeemed codes alone, so one is redeemed: a code
// that is not mailed and counts for no address.
func (k *Kit) signIn(tb testing.TB, id auth.Identity) (token string) {
	tb.Helper()
	now := time.Now()
	id = k.complete(tb, id, now)
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never returns an error
	token = base64.RawURLEncoding.EncodeToString(key)
	session := k.session(tb, id, token, now)

	ctx, store := tb.Context(), k.Config.Store
	limits := storage.AddressLimits{ // of an address never heard of before
		PerHour: 1, PerDay: 1, StrangersPerHour: 1, StrangersPerDay: 1, GuessesPerCode: 1,
		Level1After: 1, Level2After: 1, StrangerGuessesPerDay: 1,
	}
	requested, err := store.RequestCode(ctx, storage.CodeRequest{
		Binding: key, Address: key, Device: key, ChallengeID: key, UserID: id.UserID, ClientID: id.ClientID,
		Lifetime:   time.Second, // which is too short to be mailed
		MaxPending: math.MaxInt32,
	}, limits, now)
	if err != nil || requested.Full || requested.Wait > 0 {
		tb.Fatalf("authtest: the store makes no session: %+v, error %v", requested, err)
	}
	redeemed, err := store.Redeem(ctx, storage.Guess{
		Binding: key, Address: key, Device: key, ChallengeID: key, Right: true,
		Register: true, Email: id.Email, MailTo: id.Email, Session: session, MaxSessions: math.MaxInt32,
	}, limits, now)
	switch {
	case errors.Is(err, storage.ErrConflict):
		tb.Fatalf("authtest: %s and %s are not the same user: one of them is somebody else's in this kit", id.Email, id.UserID)
	case redeemed.Result == storage.GuessDisabled:
		tb.Fatalf("authtest: the user %s is disabled and cannot be signed in: call As before DisableUser", id.Email)
	case err != nil || redeemed.Result != storage.GuessLoggedIn:
		tb.Fatalf("authtest: the store makes no session: %+v, error %v", redeemed, err)
	}
	return token
}

// complete fills in what a test left out of an identity.
func (k *Kit) complete(tb testing.TB, id auth.Identity, now time.Time) auth.Identity {
	tb.Helper()
	user, err := k.Auth.UserByEmail(tb.Context(), id.Email)
	folded := !strings.ContainsFunc(id.Email, func(c rune) bool { return c > unicode.MaxASCII || unicode.IsUpper(c) })
	if errors.Is(err, auth.ErrInvalidEmail) || !folded {
		tb.Fatalf("authtest: Identity.Email must be an address as handlers see it, in ASCII and lower case, and not %q", id.Email)
	}
	if id.UserID == "" {
		id.UserID = user.ID
	}
	if id.UserID == "" {
		id.UserID = "u_" + rand.Text()
	}
	if id.SessionID == "" {
		id.SessionID = rand.Text()
	}
	if id.LoginAt.IsZero() {
		id.LoginAt = now
	}
	return id
}

// session is the row of a session that began at id.LoginAt.
func (k *Kit) session(tb testing.TB, id auth.Identity, token string, now time.Time) storage.Session {
	tb.Helper()
	if k.Config.SessionStore != nil {
		tb.Fatalf("authtest: As makes sessions in Config.Store alone, and this kit has a SessionStore: use Kit.Login")
	}
	manager := k.Auth.SessionManager()
	expiresAt := id.LoginAt.Add(manager.Lifetime)
	if !now.Before(expiresAt) {
		tb.Fatalf("authtest: a session that began at %v has expired: Identity.LoginAt must be less than %v ago", id.LoginAt, manager.Lifetime)
	}
	data, err := manager.Codec.Encode(expiresAt, nil)
	if err != nil {
		tb.Fatalf("authtest: encode a session: %v", err)
	}
	hash := sha256.Sum256([]byte(token))
	return storage.Session{
		TokenHash: base64.RawURLEncoding.EncodeToString(hash[:]), Data: data,
		ID: id.SessionID, UserID: id.UserID, ClientID: id.ClientID, Agent: agent, OS: system, IP: "192.0.2.1",
		CreatedAt: id.LoginAt, LastSeenAt: now, ExpiresAt: expiresAt,
	}
}
