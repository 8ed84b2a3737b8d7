package sqlstore

import (
	"context"
	_ "embed"
	"time"

	"example.com/mailkey/storage"
)

//go:embed queries/session_insert.sql
var sessionInsert string

//go:embed queries/session_trim.sql
var sessionTrim string

//go:embed queries/session_find.sql
var sessionFind string

//go:embed queries/session_save.sql
var sessionSave string

//go:embed queries/session_end.sql
var sessionEnd string

//go:embed queries/session_end_user.sql
var sessionEndUser string

//go:embed queries/session_end_of_user.sql
var sessionEndOfUser string

//go:embed queries/session_end_some.sql
var sessionEndSome string

//go:embed queries/session_next_user.sql
var sessionNextUser string

//go:embed queries/session_list.sql
var sessionList string

//go:embed queries/session_touch.sql
var sessionTouch string

//go:embed queries/session_rotate.sql
var sessionRotate string

//go:embed queries/session_rotated.sql
var sessionRotated string

type sessionRow struct {
	TokenHash  string `db:"token_hash"`
	ID         string
	UserID     string `db:"user_id"`
	ClientID   string `db:"client_id"`
	Agent      string
	OS         string
	ClaimedIP  string `db:"claimed_ip"`
	IP         string
	Data       []byte
	CreatedAt  int64 `db:"created_at"`
	LastSeenAt int64 `db:"last_seen_at"`
	ExpiresAt  int64 `db:"expires_at"`
}

// liveRow is what session_find selects.
type liveRow struct {
	storage.LiveSession
	key                              string // token_hash and id, one behind the other
	createdAt, lastSeenAt, expiresAt int64
}

// Columns implements Row.
func (r *liveRow) Columns() []any {
	return []any{&r.key, &r.UserID, &r.Email, &r.ClientID, &r.Data, &r.createdAt, &r.lastSeenAt, &r.expiresAt}
}

func (r *liveRow) session(tokenHash string) storage.LiveSession {
	n := min(len(tokenHash), len(r.key))
	r.TokenHash, r.ID = r.key[:n], r.key[n:]
	r.CreatedAt, r.LastSeenAt, r.ExpiresAt = moment(&r.createdAt), moment(&r.lastSeenAt), moment(&r.expiresAt)
	return r.LiveSession
}

func (r sessionRow) session() storage.Session {
	return storage.Session{
		TokenHash: r.TokenHash, ID: r.ID, UserID: r.UserID, ClientID: r.ClientID,
		Agent: r.Agent, OS: r.OS, ClaimedIP: r.ClaimedIP, IP: r.IP, Data: r.Data,
		CreatedAt: moment(&r.CreatedAt), LastSeenAt: moment(&r.LastSeenAt), ExpiresAt: moment(&r.ExpiresAt),
	}
}

// insertSession creates s, after ending the oldest sessions that the user has
// too many at the client. The user is locked.
func insertSession(tx Conn, s storage.Session, limit int, now time.Time) error {
	at := now.UnixMilli()
	err := exec(tx, sessionTrim, at, s.UserID, s.ClientID, at, s.UserID, s.ClientID, at, max(0, limit-1))
	if err != nil {
		return err
	}
	return exec(tx, sessionInsert, s.TokenHash, s.ID, s.UserID, s.ClientID, s.Agent, s.OS, s.ClaimedIP, s.IP,
		blob(s.Data), s.CreatedAt.UnixMilli(), s.LastSeenAt.UnixMilli(), s.ExpiresAt.UnixMilli())
}

// FindSession implements [storage.Sessions].
func (s *Store) FindSession(ctx context.Context, tokenHash string, now time.Time) (storage.LiveSession, bool, error) {
	row, ok, err := get[liveRow](s.db.Read(ctx), sessionFind, tokenHash, now.UnixMilli())
	if err != nil || !ok {
		return storage.LiveSession{}, false, err
	}
	return row.session(tokenHash), true, nil
}

// SaveSessionData implements [storage.Sessions].
func (s *Store) SaveSessionData(ctx context.Context, tokenHash string, data []byte, now time.Time) (ok bool, err error) {
	return execOK(s.db.Write(ctx), sessionSave, blob(data), tokenHash, now.UnixMilli())
}

// EndSession implements [storage.Sessions].
func (s *Store) EndSession(ctx context.Context, tokenHash string, now time.Time) (ok bool, err error) {
	at := now.UnixMilli()
	return execOK(s.db.Write(ctx), sessionEnd, at, tokenHash, at)
}

// EndSessions implements [storage.Sessions].
func (s *Store) EndSessions(ctx context.Context, which storage.SessionFilter, now time.Time) (n int, err error) {
	at := now.UnixMilli()
	if which.UserID == "" {
		return s.endSessionsOfAll(ctx, which, at)
	}
	rows, err := s.db.Write(ctx).Exec(sessionEndOfUser, at, which.UserID, at, which.ID, which.ID, which.ExceptID)
	return int(rows), err
}

const (
	endBatch = 500          // sessions that are ended at a time
	lastID   = "\U0010FFFF" // comes after the id of every user
)

// endSessionsOfAll goes from user to user. Millions in one statement would take
// longer than a statement may, and nobody else could write meanwhile. A session
// stays its user's whatever becomes of its token, so none is missed.
func (s *Store) endSessionsOfAll(ctx context.Context, which storage.SessionFilter, at int64) (n int, err error) {
	for after := ""; after != lastID; {
		until, more, err := get[string](s.db.Read(ctx), sessionNextUser, after, endBatch)
		if err != nil {
			return n, err
		}
		if !more {
			until = lastID
		}
		rows, err := s.db.Write(ctx).Exec(sessionEndSome, at, after, until, at, which.ID, which.ID, which.ExceptID)
		if err != nil {
			return n, err
		}
		n += int(rows)
		after = until
	}
	return n, nil
}

// ListSessions implements [storage.Sessions].
func (s *Store) ListSessions(ctx context.Context, userID string, now time.Time) ([]storage.Session, error) {
	var rows []sessionRow
	if err := s.db.Read(ctx).Select(&rows, sessionList, userID, now.UnixMilli()); err != nil {
		return nil, err
	}
	sessions := make([]storage.Session, len(rows))
	for i, r := range rows {
		sessions[i] = r.session()
	}
	return sessions, nil
}

// TouchSession implements [storage.Sessions].
func (s *Store) TouchSession(ctx context.Context, tokenHash string, now time.Time) error {
	at := now.UnixMilli()
	return exec(s.db.WriteSoon(ctx), sessionTouch, at, tokenHash, at, at)
}

// RotateSession implements [storage.Sessions].
func (s *Store) RotateSession(ctx context.Context, old, next string, grace time.Duration, now time.Time) (ok bool, err error) {
	at := now.UnixMilli()
	if ok, err = execOK(s.db.Write(ctx), sessionRotate, next, old, at, old, at); err != nil || ok {
		return ok, err
	}
	_, ok, err = get[int](s.db.Read(ctx), sessionRotated, next, old, now.Add(-grace).UnixMilli(), at)
	return ok, err
}
