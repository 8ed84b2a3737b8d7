package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/mailkey/internal/failpoint"
	"example.com/mailkey/storage"
)

// User is a person who once proved to own a mailbox.
type User = storage.User

// Session is one login on one device.
type Session struct {
	ID         string    // not the token
	ClientID   string    // the registered client that logged in
	Agent      string    // what the client said about itself: not to be trusted
	OS         string    // likewise
	ClaimedIP  string    // likewise
	IP         string    // the peer's address at login
	CreatedAt  time.Time // when the code was redeemed
	LastSeenAt time.Time // to the minute
	ExpiresAt  time.Time // at the latest
}

var (
	// ErrUnknownUser says that there is no such user.
	ErrUnknownUser = errors.New("no such user")

	// ErrInvalidEmail says that something is not an address that people can log
	// in with.
	ErrInvalidEmail = errors.New("invalid e-mail address")

	// ErrNoSessionIndex says that sessions cannot be found by user, because
	// Config.SessionStore keeps them.
	ErrNoSessionIndex = errors.New("sessions are kept in Config.SessionStore, which cannot find them by user")

	// ErrEmailTaken says that another user has the address.
	ErrEmailTaken = errors.New("another user has the address")
)

// User returns the user with the id, or an error that wraps [ErrUnknownUser].
func (a *Auth) User(ctx context.Context, id string) (User, error) {
	u, ok, err := a.config.Store.UserByID(ctx, id)
	return u, known("find the user", ok, err)
}

// UserByEmail returns the user with the address, in any case of its letters, or
// an error that wraps [ErrUnknownUser] or [ErrInvalidEmail].
func (a *Auth) UserByEmail(ctx context.Context, email string) (User, error) {
	addr, ok := parseAddress(email)
	if !ok {
		return User{}, ErrInvalidEmail
	}
	u, ok, err := a.userOf(ctx, addr)
	return u, known("find the user", ok, err)
}

// Users returns at most limit users in the order of their ids, beginning after
// the given id: "" for the first page, then the last one's id. Fewer than limit
// are the last page.
func (a *Auth) Users(ctx context.Context, after string, limit int) ([]User, error) {
	users, err := a.config.Store.ListUsers(ctx, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	return users, nil
}

// DisableUser keeps the user out from now on: all sessions end at once, and a
// right code is answered with ReasonUserDisabled. id_tokens that are out stay
// valid until they expire.
func (a *Auth) DisableUser(ctx context.Context, id string) error {
	ok, err := a.config.Store.SetUserDisabled(ctx, id, failpoint.Now())
	return known("disable the user", ok, err)
}

// EnableUser lets a disabled user log in again.
func (a *Auth) EnableUser(ctx context.Context, id string) error {
	ok, err := a.config.Store.SetUserDisabled(ctx, id, time.Time{})
	return known("enable the user", ok, err)
}

// DeleteUser removes the user and all sessions. The address is free: whoever
// registers with it later is another user, with another id.
func (a *Auth) DeleteUser(ctx context.Context, id string) error {
	u, err := a.User(ctx, id)
	if err != nil {
		return err
	}
	ok, err := a.config.Store.DeleteUser(ctx, id, a.leave(u.Email))
	return known("delete the user", ok, err)
}

// ChangeEmail gives the user another address, which the app must have proved to
// be the user's. Sessions go on. The old address is free. Errors wrap
// [ErrUnknownUser], [ErrInvalidEmail] or [ErrEmailTaken].
func (a *Auth) ChangeEmail(ctx context.Context, id, email string) error {
	addr, ok := parseAddress(email)
	if !ok {
		return ErrInvalidEmail
	}
	u, err := a.User(ctx, id)
	if err != nil {
		return err
	}
	var leave storage.LeftAddress // none, when only the spelling changes
	if u.Email != addr.folded {
		leave = a.leave(u.Email)
	}
	ok, err = a.config.Store.ChangeEmail(ctx, id, addr.folded, addr.typed, leave)
	if errors.Is(err, storage.ErrConflict) {
		return ErrEmailTaken
	}
	return known("change the address", ok, err)
}

// leave makes sure that whoever registers with the address next is somebody
// else.
func (a *Auth) leave(email string) storage.LeftAddress {
	return storage.LeftAddress{Address: a.keys.pseudonym("address", email), NextUserID: newUserID()}
}

// Sessions returns the live sessions of the user, the newest first.
func (a *Auth) Sessions(ctx context.Context, userID string) ([]Session, error) {
	if a.config.SessionStore != nil {
		return nil, ErrNoSessionIndex
	}
	now := failpoint.Now()
	rows, err := a.config.Store.ListSessions(ctx, userID, now)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	var sessions []Session
	for _, s := range rows {
		if !a.idle(s.LastSeenAt, now) {
			sessions = append(sessions, Session{
				ID: s.ID, ClientID: s.ClientID, Agent: s.Agent, OS: s.OS, ClaimedIP: s.ClaimedIP, IP: s.IP,
				CreatedAt: s.CreatedAt, LastSeenAt: s.LastSeenAt, ExpiresAt: s.ExpiresAt,
			})
		}
	}
	return sessions, nil
}

// RevokeSession ends one session of the user; it is no error when it has ended
// already.
func (a *Auth) RevokeSession(ctx context.Context, userID, sessionID string) error {
	if userID == "" || sessionID == "" {
		return errors.New("revoke a session: the ids of user and session are required")
	}
	return a.revoke(ctx, storage.SessionFilter{UserID: userID, ID: sessionID})
}

// RevokeSessions ends all sessions of the user.
func (a *Auth) RevokeSessions(ctx context.Context, userID string) error {
	if userID == "" {
		return errors.New("revoke the sessions: the id of the user is required")
	}
	return a.revoke(ctx, storage.SessionFilter{UserID: userID})
}

// RevokeAllSessions ends the sessions of everybody, a little at a time: when it
// fails some have ended, and it may be called again.
func (a *Auth) RevokeAllSessions(ctx context.Context) error {
	return a.revoke(ctx, storage.SessionFilter{})
}

func (a *Auth) revoke(ctx context.Context, which storage.SessionFilter) error {
	if a.config.SessionStore != nil {
		return ErrNoSessionIndex
	}
	if _, err := a.config.Store.EndSessions(ctx, which, failpoint.Now()); err != nil {
		return fmt.Errorf("revoke sessions: %w", err)
	}
	return nil
}

func known(doing string, ok bool, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if !ok {
		return fmt.Errorf("%s: %w", doing, ErrUnknownUser)
	}
	return nil
}
