package sqlstore

import (
	"context"
	_ "embed"
	"errors"
	"time"

	"example.com/mailkey/internal/failpoint"
	"example.com/mailkey/storage"
)

//go:embed queries/challenge_find.sql
var challengeFind string

//go:embed queries/challenge_resend.sql
var challengeResend string

//go:embed queries/challenge_put.sql
var challengePut string

//go:embed queries/outbox_lock.sql
var outboxLock string

//go:embed queries/outbox_pending.sql
var outboxPending string

// errRefused undoes a transaction that is not to change anything.
var errRefused = errors.New("refused")

type challengeRow struct {
	ID        []byte
	Binding   []byte
	SecretID  string `db:"secret_id"`
	Level     int
	UserID    string `db:"user_id"`
	ExpiresAt int64  `db:"expires_at"`
}

func (r challengeRow) challenge() storage.Challenge {
	return storage.Challenge{
		ID: r.ID, Binding: r.Binding, SecretID: r.SecretID, Level: r.Level, UserID: r.UserID,
		ExpiresAt: moment(&r.ExpiresAt),
	}
}

// FindChallenge implements [storage.Challenges].
func (s *Store) FindChallenge(ctx context.Context, binding []byte, l storage.AddressLimits, now time.Time) (storage.Challenge, bool, error) {
	row, _, err := get[struct {
		challengeRow
		Alive bool
	}](s.db.Read(ctx), challengeFind, now.UnixMilli(), l.GuessesPerCode, decoyOf(binding), binding)
	if err != nil || !row.Alive {
		return storage.Challenge{}, false, err
	}
	return row.challenge(), true, nil
}

// RequestCode implements [storage.Challenges].
func (s *Store) RequestCode(ctx context.Context, r storage.CodeRequest, l storage.AddressLimits, now time.Time) (out storage.CodeRequested, err error) {
	err = s.db.Transact(ctx, func(tx Conn) error {
		out, err = requestCode(tx, r, l, now)
		if err == nil && (out.Full || out.Wait > 0) {
			return errRefused
		}
		return err
	})
	if err != nil && !errors.Is(err, errRefused) {
		return storage.CodeRequested{}, err
	}
	return out, nil
}

func requestCode(tx Conn, r storage.CodeRequest, l storage.AddressLimits, now time.Time) (out storage.CodeRequested, err error) {
	address, err := openAddress(tx, r.Address, now)
	if err != nil {
		return out, err
	}
	known, err := knownDevice(tx, r.Address, r.Device)
	if err != nil {
		return out, err
	}
	wait := address.SendWait(now, known, l)
	room := r.Room(known)
	pending, _, err := get[int](tx, outboxPending, room)
	if err == nil && wait == 0 && pending > room-transactions {
		pending, err = pendingAlone(tx, room)
	}
	switch {
	case err != nil:
		return out, err
	case pending >= room:
		return storage.CodeRequested{Full: true}, nil
	case wait > 0:
		return storage.CodeRequested{Wait: wait}, nil
	}
	if address.UserID == "" {
		address.UserID = r.UserID
	}
	address.AddSend(now, known)
	if err := saveAddress(tx, r.Address, address); err != nil {
		return out, err
	}
	if err := failpoint.Hit("send: address saved"); err != nil {
		return out, err
	}
	level := max(r.MinLevel, address.Level(now, l))
	expiresAt, err := mailChallenge(tx, r, l, level, address.UserID, now)
	if err != nil {
		return out, err
	}
	if err := failpoint.Hit("send: challenge stored"); err != nil {
		return out, err
	}
	return storage.CodeRequested{ExpiresAt: moment(&expiresAt), NextIn: address.SendWait(now, known, l)}, nil
}

// transactions is more than there ever are at a time; what others commit while
// one is held up may go beyond the bound by as many. As long as there is room
// for as many mails, nobody has to wait for the others who ask for one: to do so
// until each of them has committed would bound all instances together to a few
// hundred a second.
const transactions = 500

// pendingAlone counts the mails that wait, while nobody else adds one.
func pendingAlone(tx Conn, atMost int) (n int, err error) {
	if _, _, err := get[int](tx, outboxLock); err != nil {
		return 0, err
	}
	n, _, err = get[int](tx, outboxPending, atMost)
	return n, err
}

// mailChallenge makes the living challenge due, or a new one.
func mailChallenge(tx Conn, r storage.CodeRequest, l storage.AddressLimits, level int, userID string, now time.Time) (expiresAt int64, err error) {
	at := now.UnixMilli()
	expiresAt, ok, err := get[int64](tx, challengeResend, r.Email, r.MailTo, r.Language, at, at, at,
		r.Binding, l.GuessesPerCode, now.Add(r.Lifetime/2).UnixMilli(), r.SecretID, level)
	if err != nil || ok {
		return expiresAt, err
	}
	expiresAt = now.Add(r.Lifetime).UnixMilli()
	return expiresAt, exec(tx, challengePut, r.Binding, r.ChallengeID, r.SecretID, level, userID,
		r.Purpose, r.ClientID, r.Language, r.Email, r.MailTo, at, expiresAt, at)
}
