package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/alexedwards/scs/v2"

	"example.com/mailkey/storage"
)

// sessionStore is what a request does with sessions: a part of
// [storage.Sessions].
type sessionStore interface {
	FindSession(ctx context.Context, tokenHash string, now time.Time) (storage.LiveSession, bool, error)
	SaveSessionData(ctx context.Context, tokenHash string, data []byte, now time.Time) (ok bool, err error)
	EndSession(ctx context.Context, tokenHash string, now time.Time) (ok bool, err error)
	TouchSession(ctx context.Context, tokenHash string, now time.Time) error
}

// foreignSessions keeps sessions in a store of scs. Who the user is, and
// whether a session was ended, is still decided by our own store: a session
// that a slow request wrote back after its end stays dead.
type foreignSessions struct {
	scs   scs.Store
	store storage.Store
	a     *Auth
}

// foreignSession is a session as it lies in such a store, as JSON. What the
// client said at its login is left out: nobody could ask for it.
type foreignSession struct {
	TokenHash  string `json:"token_hash"`
	ID         string `json:"id"`
	UserID     string `json:"user_id"`
	Generation int64  `json:"generation"` // of the user at the login
	ClientID   string `json:"client_id"`
	CreatedAt  int64  `json:"created_at"` // Unix milliseconds, as ExpiresAt
	ExpiresAt  int64  `json:"expires_at"`
	Data       []byte `json:"data"`
}

// redeem is Redeem of our store. A session that is kept elsewhere is stored
// before, since afterwards nothing may fail: its token is nobody's until then.
func (a *Auth) redeem(ctx context.Context, g storage.Guess, generation int64, now time.Time) (storage.Redeemed, error) {
	f, ok := a.sessions.(*foreignSessions)
	if !ok {
		return a.config.Store.Redeem(ctx, g, a.config.Limits.Address, now)
	}
	s := g.Session
	g.Session = storage.Session{UserID: s.UserID}
	if s.TokenHash != "" {
		if err := f.commit(ctx, s.TokenHash, foreignSession{
			s.TokenHash, s.ID, s.UserID, generation, s.ClientID, s.CreatedAt.UnixMilli(), s.ExpiresAt.UnixMilli(), s.Data,
		}); err != nil {
			return storage.Redeemed{}, fmt.Errorf("store the session: %w", err)
		}
	}
	redeemed, err := a.config.Store.Redeem(ctx, g, a.config.Limits.Address, now)
	if err == nil && redeemed.Result != storage.GuessLoggedIn && s.TokenHash != "" {
		_ = f.remove(ctx, s.TokenHash) // it expires otherwise
	}
	return redeemed, err
}

// FindSession implements sessionStore. It does not wait for a store that hangs
// for as long as the client would.
func (f *foreignSessions) FindSession(ctx context.Context, tokenHash string, now time.Time) (storage.LiveSession, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, requestDeadline)
	defer cancel()
	s, u, ok, err := f.live(ctx, tokenHash, now)
	if err != nil || !ok {
		return storage.LiveSession{}, false, err
	}
	createdAt := time.UnixMilli(s.CreatedAt).UTC()
	return storage.LiveSession{
		TokenHash: s.TokenHash, ID: s.ID, UserID: s.UserID, Email: u.Email, ClientID: s.ClientID, Data: s.Data,
		CreatedAt: createdAt, LastSeenAt: createdAt, ExpiresAt: time.UnixMilli(s.ExpiresAt).UTC(),
	}, true, nil
}

// live returns a session that was not ended, and its user, who was not disabled
// since the login.
func (f *foreignSessions) live(ctx context.Context, tokenHash string, now time.Time) (s foreignSession, u storage.User, ok bool, err error) {
	s, ok, err = f.find(ctx, tokenHash)
	if err != nil || !ok || now.UnixMilli() >= s.ExpiresAt {
		return s, u, false, err
	}
	ended, err := f.store.TakeLimits(ctx, now, storage.Limit{Key: f.tombstone(tokenHash), Count: 1, Window: time.Hour, Look: true})
	if err != nil || ended > 0 {
		return s, u, false, err
	}
	u, ok, err = f.store.UserByID(ctx, s.UserID)
	return s, u, ok && u.Generation == s.Generation, err
}

// SaveSessionData implements sessionStore.
func (f *foreignSessions) SaveSessionData(ctx context.Context, tokenHash string, data []byte, now time.Time) (bool, error) {
	s, _, ok, err := f.live(ctx, tokenHash, now)
	if err != nil || !ok {
		return false, err
	}
	s.Data = data
	return true, f.commit(ctx, tokenHash, s)
}

// EndSession implements sessionStore. The tombstone comes first: a limit of
// one, which is used up for as long as the session would have lived.
func (f *foreignSessions) EndSession(ctx context.Context, tokenHash string, now time.Time) (bool, error) {
	s, _, ok, err := f.live(ctx, tokenHash, now)
	if err != nil || !ok {
		return false, err
	}
	life := time.Duration(s.ExpiresAt-now.UnixMilli()) * time.Millisecond
	was, err := f.store.TakeLimits(ctx, now, storage.Limit{Key: f.tombstone(tokenHash), Count: 1, Window: life, Durable: true})
	if err != nil || was > 0 {
		return false, err
	}
	return true, f.remove(ctx, tokenHash)
}

// TouchSession implements sessionStore: when a session was last seen is not
// known.
func (f *foreignSessions) TouchSession(context.Context, string, time.Time) error { return nil }

func (f *foreignSessions) tombstone(tokenHash string) []byte {
	return f.a.keys.pseudonym("ended session", tokenHash)
}

// find reads a session; what another application keeps in the same store is
// none, or one that has expired.
func (f *foreignSessions) find(ctx context.Context, tokenHash string) (s foreignSession, ok bool, err error) {
	var data []byte
	if store, is := f.scs.(scs.CtxStore); is {
		data, ok, err = store.FindCtx(ctx, tokenHash)
	} else {
		data, ok, err = f.scs.Find(tokenHash)
	}
	if err != nil || !ok || json.Unmarshal(data, &s) != nil {
		return foreignSession{}, false, err
	}
	return s, true, nil
}

func (f *foreignSessions) commit(ctx context.Context, tokenHash string, s foreignSession) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	expiry := time.UnixMilli(s.ExpiresAt)
	if store, ok := f.scs.(scs.CtxStore); ok {
		return store.CommitCtx(ctx, tokenHash, data, expiry)
	}
	return f.scs.Commit(tokenHash, data, expiry)
}

func (f *foreignSessions) remove(ctx context.Context, tokenHash string) error {
	if store, ok := f.scs.(scs.CtxStore); ok {
		return store.DeleteCtx(ctx, tokenHash)
	}
	return f.scs.Delete(tokenHash)
}
