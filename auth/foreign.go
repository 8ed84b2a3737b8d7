package auth

import (
	"context"
	"time"

	"github.com/alexedwards/scs/v2"

	"example.com/mailkey/storage"
)

// sessionStore is what a request does with sessions: a part of
// [storage.Sessions].
type sessionStore interface {
	FindSession(ctx context.Context, tokenHash string, now time.Time) (storage.Session, storage.User, bool, error)
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

// foreignKey is where the values of a session hold the session itself.
const foreignKey = "mailkey"

// FindSession implements sessionStore.
func (f *foreignSessions) FindSession(ctx context.Context, tokenHash string, now time.Time) (s storage.Session, u storage.User, ok bool, err error) {
	data, found, err := f.find(ctx, tokenHash)
	if err != nil || !found {
		return s, u, false, err
	}
	s, ok = decodeForeign(data)
	if !ok || !now.Before(s.ExpiresAt) {
		return s, u, false, nil
	}
	ended, err := f.store.TakeLimits(ctx, now, f.tombstone(tokenHash, true))
	if err != nil || ended > 0 {
		return s, u, false, err
	}
	u, ok, err = f.store.UserByID(ctx, s.UserID)
	return s, u, ok && u.DisabledAt.IsZero(), err
}

// SaveSessionData implements sessionStore. The data holds the session, too: it
// was among the values that were loaded.
func (f *foreignSessions) SaveSessionData(ctx context.Context, tokenHash string, data []byte, now time.Time) (bool, error) {
	s, ok := decodeForeign(data)
	if !ok {
		return false, nil
	}
	if _, _, live, err := f.FindSession(ctx, tokenHash, now); err != nil || !live {
		return false, err
	}
	return true, f.commit(ctx, tokenHash, data, s.ExpiresAt)
}

// EndSession implements sessionStore. The tombstone comes first.
func (f *foreignSessions) EndSession(ctx context.Context, tokenHash string, now time.Time) (bool, error) {
	_, _, live, err := f.FindSession(ctx, tokenHash, now)
	if err != nil || !live {
		return false, err
	}
	was, err := f.store.TakeLimits(ctx, now, f.tombstone(tokenHash, false))
	if err != nil || was > 0 {
		return false, err
	}
	if store, ok := f.scs.(scs.CtxStore); ok {
		return true, store.DeleteCtx(ctx, tokenHash)
	}
	return true, f.scs.Delete(tokenHash)
}

// TouchSession implements sessionStore: when a session was last seen is not
// known.
func (f *foreignSessions) TouchSession(context.Context, string, time.Time) error { return nil }

// tombstone is a limit of one, which is used up for as long as the session
// would have lived: the end of a session.
func (f *foreignSessions) tombstone(tokenHash string, look bool) storage.Limit {
	return storage.Limit{
		Key:   f.a.keys.pseudonym("ended session", tokenHash),
		Count: 1, Window: f.a.config.SessionLifetime, Look: look,
	}
}

func (f *foreignSessions) find(ctx context.Context, tokenHash string) ([]byte, bool, error) {
	if store, ok := f.scs.(scs.CtxStore); ok {
		return store.FindCtx(ctx, tokenHash)
	}
	return f.scs.Find(tokenHash)
}

func (f *foreignSessions) commit(ctx context.Context, tokenHash string, data []byte, expiry time.Time) error {
	if store, ok := f.scs.(scs.CtxStore); ok {
		return store.CommitCtx(ctx, tokenHash, data, expiry)
	}
	return f.scs.Commit(tokenHash, data, expiry)
}

// withoutForeign keeps the session out of a guess when it is kept elsewhere.
func (a *Auth) withoutForeign(g storage.Guess) storage.Guess {
	if a.config.SessionStore != nil {
		g.Session = storage.Session{UserID: g.Session.UserID}
	}
	return g
}

// keepForeign stores the session of a login that was granted, when sessions
// are kept elsewhere.
func (a *Auth) keepForeign(ctx context.Context, s storage.Session) error {
	f, ok := a.sessions.(*foreignSessions)
	if !ok {
		return nil
	}
	data, err := encodeForeign(s)
	if err != nil {
		return err
	}
	return f.commit(ctx, s.TokenHash, data, s.ExpiresAt)
}

func encodeForeign(s storage.Session) ([]byte, error) {
	return scsCodec{}.Encode(s.ExpiresAt, map[string]any{foreignKey: map[string]any{
		"token_hash": s.TokenHash, "id": s.ID, "user": s.UserID, "client": s.ClientID, "agent": s.Agent, "os": s.OS,
		"claimed_ip": s.ClaimedIP, "ip": s.IP, "created_at": s.CreatedAt.UnixMilli(),
	}})
}

// decodeForeign reads what encodeForeign wrote; ok is false for the session of
// another application in the same store.
func decodeForeign(data []byte) (s storage.Session, ok bool) {
	deadline, values, err := scsCodec{}.Decode(data)
	if err != nil {
		return s, false
	}
	record, ok := values[foreignKey].(map[string]any)
	if !ok {
		return s, false
	}
	text := func(name string) string { v, _ := record[name].(string); return v }
	createdAt, ok := record["created_at"].(float64)
	s = storage.Session{
		TokenHash: text("token_hash"), ID: text("id"), UserID: text("user"), ClientID: text("client"), Agent: text("agent"),
		OS: text("os"), ClaimedIP: text("claimed_ip"), IP: text("ip"), Data: data,
		CreatedAt: time.UnixMilli(int64(createdAt)).UTC(), ExpiresAt: deadline,
	}
	s.LastSeenAt = s.CreatedAt
	return s, ok && s.ID != "" && s.UserID != ""
}
