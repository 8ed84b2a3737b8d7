package auth

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"example.com/mailkey/internal/failpoint"
	"example.com/mailkey/storage"
)

// SessionManager returns the scs manager of our sessions, with which handlers
// behind the session middleware keep values in the caller's session. Values
// live as JSON: numbers come back as float64. They are stored after the
// handler, if they were changed; of two requests that change them at once the
// later one wins. Those of a visitor who is not signed in are not kept.
//
// Its tokens, lifetimes and cookies are ours to manage: LoadAndSave and
// RenewToken are of no use here. An app's own manager works beside it, if it was
// made by scs.New: one that is a struct literal has the same context key as ours,
// and would take our session for its own.
func (a *Auth) SessionManager() *scs.SessionManager { return a.manager }

func (a *Auth) newManager() *scs.SessionManager {
	// Not scs.New, which starts a goroutine that nobody can end. It also makes a
	// context key of the manager's own; without, two managers made like this one
	// would see each other's values in one request. Ours finds sessions by
	// itself, so only the values would be mixed up, and only where two Auths
	// guard one route.
	return &scs.SessionManager{
		Store:    scsStore{a}, // which hashes the tokens
		Codec:    scsCodec{},
		Lifetime: a.config.SessionLifetime,
		// IdleTimeout stays 0: with it, scs revives sessions that have ended.
	}
}

// scsStore is the session table as scs sees it.
type scsStore struct{ a *Auth }

var (
	_ scs.CtxStore = scsStore{}

	errSessionEnded = errors.New("the session has ended")
	errNoContext    = errors.New("sessions are loaded by the middleware")
)

// FindCtx implements [scs.CtxStore]. The session was read before: one read
// serves both.
func (s scsStore) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	current, ok := ctx.Value(currentKey{s.a}).(*currentSession)
	if !ok {
		return nil, false, errNoContext
	}
	return current.session.Data, current.live && current.token == token, nil
}

// CommitCtx implements [scs.CtxStore]. It cannot make a session, nor bring one
// back to life.
func (s scsStore) CommitCtx(ctx context.Context, token string, data []byte, _ time.Time) error {
	ok, err := s.a.follow(token, func(hash string) (bool, error) {
		return s.a.sessions.SaveSessionData(ctx, hash, data, failpoint.Now())
	})
	if err == nil && !ok {
		err = errSessionEnded
	}
	return err
}

// DeleteCtx implements [scs.CtxStore].
func (s scsStore) DeleteCtx(ctx context.Context, token string) error {
	_, err := s.a.follow(token, func(hash string) (bool, error) {
		return s.a.sessions.EndSession(ctx, hash, failpoint.Now())
	})
	return err
}

// Find, Commit and Delete are what scs calls on stores without a context:
// never on this one.
func (scsStore) Find(string) ([]byte, bool, error)      { return nil, false, errNoContext }
func (scsStore) Commit(string, []byte, time.Time) error { return errNoContext }
func (scsStore) Delete(string) error                    { return errNoContext }

// scsCodec writes the deadline in eight bytes and then the values as JSON, if
// there are any. Nearly every session has none, and costs nothing to read.
type scsCodec struct{}

// Encode implements [scs.Codec].
func (scsCodec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	data := binary.BigEndian.AppendUint64(nil, uint64(deadline.UnixMilli()))
	if len(values) == 0 {
		return data, nil
	}
	doc, err := json.Marshal(values)
	return append(data, doc...), err
}

// Decode implements [scs.Codec].
func (scsCodec) Decode(data []byte) (time.Time, map[string]any, error) {
	values := make(map[string]any)
	if len(data) < 8 {
		return time.Time{}, nil, errors.New("session data is damaged")
	}
	deadline := time.UnixMilli(int64(binary.BigEndian.Uint64(data))).UTC()
	if len(data) == 8 {
		return deadline, values, nil
	}
	return deadline, values, json.Unmarshal(data[8:], &values)
}

// LoadSession finds the session that the request carries, in the cookie, in
// Authorization: Bearer or in session-token, and returns the request with the
// caller's [Identity] in its context; without one when nobody is signed in. It
// reads the store once. It does nothing when it was done for this request
// already. Package middleware wraps this and [Auth.SaveSession].
//
// Two different tokens are refused with ReasonNotSignedIn, a store that does not
// answer with ReasonBusy. With an error there is no request (it is nil): hand the
// error to [Auth.WriteError], together with the request that came in.
func (a *Auth) LoadSession(r *http.Request) (*http.Request, error) {
	ctx := r.Context()
	if _, done := ctx.Value(currentKey{a}).(*currentSession); done {
		return r, nil
	}
	if err := a.inService(); err != nil {
		return nil, err
	}
	token, byCookie, ok := a.tokenOf(r)
	if !ok {
		return nil, refuse(ReasonNotSignedIn)
	}
	current := &currentSession{byCookie: byCookie, now: failpoint.Now().Truncate(time.Millisecond)}
	if token != "" {
		if err := a.find(ctx, current, token); err != nil {
			return nil, busy("find the session", err)
		}
	}
	if !current.live {
		token = ""
	}
	ctx, err := a.manager.Load(context.WithValue(ctx, currentKey{a}, current), token)
	if err != nil {
		return nil, busy("read the session's values", err)
	}
	if current.live {
		a.touch(ctx, current)
		ctx = NewContext(ctx, identityOf(current))
	}
	return r.WithContext(ctx), nil
}

// SessionIdentity returns who is calling, if it was [Auth.LoadSession] that
// found it out. Other identities in a context, such as that of an id_token or
// of another Auth, do not count.
func (a *Auth) SessionIdentity(ctx context.Context) (id Identity, ok bool) {
	current, ok := ctx.Value(currentKey{a}).(*currentSession)
	if !ok || !current.live {
		return Identity{}, false
	}
	return identityOf(current), true
}

// SaveSession stores the values that handlers changed through
// [Auth.SessionManager]: whoever called LoadSession calls it after them. A session
// that has ended meanwhile stays ended. An error has been logged.
func (a *Auth) SaveSession(ctx context.Context) error {
	if _, ok := a.SessionIdentity(ctx); !ok || a.manager.Status(ctx) != scs.Modified {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestDeadline)
	defer cancel()
	_, _, err := a.manager.Commit(ctx)
	if err != nil {
		a.config.Logger.Error("the values of a session were not stored", "cause", err)
	}
	return err
}

// currentSession is the session of a request, once for each Auth it passes.
type currentSession struct {
	now      time.Time
	token    string
	byCookie bool
	live     bool
	session  storage.LiveSession
}

type currentKey struct{ a *Auth }

// find reads the session with the token. It is not live for a token that
// came by a way that its client does not use, or that was idle for too long.
func (a *Auth) find(ctx context.Context, current *currentSession, token string) (err error) {
	var ok bool
	hash := hashToken(token)
	current.token = token
	current.session, ok, err = a.sessions.FindSession(ctx, hash, current.now)
	if err != nil || !ok {
		return err
	}
	if current.session.TokenHash != hash {
		return errMixedUp
	}
	client, registered := a.clients[current.session.ClientID]
	current.live = registered && client.Cookie == current.byCookie && !a.idle(current.session.LastSeenAt, current.now)
	return nil
}

func (a *Auth) idle(lastSeenAt, now time.Time) bool {
	return a.config.IdleTimeout > 0 && now.Sub(lastSeenAt) >= a.config.IdleTimeout
}

// touchInterval is how exactly it is known when a session was last used.
const touchInterval = time.Minute

// touch remembers that the session is used, at most once a minute. A fault
// there is no reason to refuse the request.
func (a *Auth) touch(ctx context.Context, current *currentSession) {
	if current.now.Sub(current.session.LastSeenAt) < touchInterval {
		return
	}
	if err := a.sessions.TouchSession(ctx, hashToken(current.token), current.now); err != nil {
		a.config.Logger.Error("the use of a session was not stored", "cause", err)
	}
}

func identityOf(current *currentSession) Identity {
	return Identity{
		UserID: current.session.UserID, Email: current.session.Email, SessionID: current.session.ID,
		ClientID: current.session.ClientID, LoginAt: current.session.CreatedAt, ByCookie: current.byCookie,
	}
}
