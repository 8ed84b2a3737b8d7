package sqlstore

import (
	"context"
	_ "embed"
	"time"

	"example.com/mailkey/storage"
)

//go:embed queries/user_by_id.sql
var userByID string

//go:embed queries/user_by_email.sql
var userByEmail string

//go:embed queries/user_insert.sql
var userInsert string

//go:embed queries/user_seen.sql
var userSeen string

//go:embed queries/user_disable.sql
var userDisable string

//go:embed queries/user_list.sql
var userList string

//go:embed queries/user_change_email.sql
var userChangeEmail string

//go:embed queries/user_delete.sql
var userDelete string

//go:embed queries/session_delete_user.sql
var sessionDeleteUser string

type userRow struct {
	ID          string
	Email       string
	MailTo      string `db:"mail_to"`
	CreatedAt   int64  `db:"created_at"`
	LastLoginAt *int64 `db:"last_login_at"`
	DisabledAt  *int64 `db:"disabled_at"`
	Generation  int64
}

func (r userRow) user() storage.User {
	return storage.User{
		ID: r.ID, Email: r.Email, MailTo: r.MailTo, CreatedAt: moment(&r.CreatedAt),
		LastLoginAt: moment(r.LastLoginAt), DisabledAt: moment(r.DisabledAt), Generation: r.Generation,
	}
}

func findUser(c Conn, query string, args ...any) (storage.User, bool, error) {
	row, ok, err := get[userRow](c, query, args...)
	if err != nil || !ok {
		return storage.User{}, false, err
	}
	return row.user(), true, nil
}

func insertUser(tx Conn, u storage.User) error {
	return exec(tx, userInsert, u.ID, u.Email, u.MailTo, u.CreatedAt.UnixMilli(), millis(u.LastLoginAt))
}

// storedUser is u as it comes back from the database: with whole milliseconds.
func storedUser(u storage.User) storage.User {
	u.CreatedAt, u.LastLoginAt = moment(millis(u.CreatedAt)), moment(millis(u.LastLoginAt))
	return u
}

// UserByID implements [storage.Users].
func (s *Store) UserByID(ctx context.Context, id string) (storage.User, bool, error) {
	return findUser(s.db.Read(ctx), userByID, id)
}

// UserByEmail implements [storage.Users].
func (s *Store) UserByEmail(ctx context.Context, email string) (storage.User, bool, error) {
	return findUser(s.db.Read(ctx), userByEmail, email)
}

// SetUserDisabled implements [storage.Users].
func (s *Store) SetUserDisabled(ctx context.Context, id string, at time.Time) (ok bool, err error) {
	err = s.db.Transact(ctx, func(tx Conn) error {
		ok, err = execOK(tx, userDisable, millis(at), id)
		if err != nil || !ok || at.IsZero() {
			return err
		}
		return exec(tx, sessionEndUser, at.UnixMilli(), id)
	})
	return ok && err == nil, err
}

// ListUsers implements [storage.Users].
func (s *Store) ListUsers(ctx context.Context, after string, limit int) ([]storage.User, error) {
	var rows []userRow
	if err := s.db.Read(ctx).Select(&rows, userList, after, limit); err != nil {
		return nil, err
	}
	users := make([]storage.User, len(rows))
	for i, r := range rows {
		users[i] = r.user()
	}
	return users, nil
}

// ChangeEmail implements [storage.Users].
func (s *Store) ChangeEmail(ctx context.Context, id, email, mailTo string, leave storage.LeftAddress) (ok bool, err error) {
	return s.leaving(ctx, leave, func(tx Conn) (bool, error) {
		return execOK(tx, userChangeEmail, email, mailTo, id)
	})
}

// DeleteUser implements [storage.Users].
func (s *Store) DeleteUser(ctx context.Context, id string, leave storage.LeftAddress) (ok bool, err error) {
	return s.leaving(ctx, leave, func(tx Conn) (bool, error) {
		if ok, err := execOK(tx, userDelete, id); err != nil || !ok {
			return false, err
		}
		return true, exec(tx, sessionDeleteUser, id)
	})
}
