package sqlstore

import (
	"context"
	_ "embed"
	"time"

	"example.com/mailkey/storage"
)

//go:embed queries/outbox_any.sql
var outboxAny string

//go:embed queries/outbox_due.sql
var outboxDue string

//go:embed queries/outbox_drop.sql
var outboxDrop string

//go:embed queries/outbox_claim.sql
var outboxClaim string

//go:embed queries/outbox_finish.sql
var outboxFinish string

//go:embed queries/outbox_forget.sql
var outboxForget string

//go:embed queries/beat_put.sql
var beatPut string

//go:embed queries/beat_last.sql
var beatLast string

type mailRow struct {
	challengeRow
	MailTo   string `db:"mail_to"`
	Language string
	ClientID string `db:"client_id"`
	Purpose  string
	Number   int
	Try      int
}

// ClaimMails implements [storage.Outbox].
func (s *Store) ClaimMails(ctx context.Context, limit int, lease, minLife time.Duration, now time.Time) ([]storage.Mail, error) {
	at, soonest := now.UnixMilli(), now.Add(minLife).UnixMilli()
	// Nearly always there is nothing to do: that costs no write.
	if _, due, err := get[int64](s.db.Read(ctx), outboxAny, at); err != nil || !due {
		return nil, err
	}
	var mails []storage.Mail
	err := s.db.Transact(ctx, func(tx Conn) error {
		mails = nil
		if err := exec(tx, outboxDrop, at, at, soonest); err != nil {
			return err
		}
		var due [][]byte
		if err := tx.Select(&due, outboxDue, at, limit); err != nil {
			return err
		}
		for _, binding := range due {
			r, ok, err := get[mailRow](tx, outboxClaim, now.Add(lease).UnixMilli(), binding, at, at, soonest)
			if err != nil {
				return err
			}
			if ok {
				mails = append(mails, r.mail())
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return mails, nil
}

func (r mailRow) mail() storage.Mail {
	return storage.Mail{
		Challenge: r.challenge(), To: r.MailTo, Language: r.Language, ClientID: r.ClientID,
		Purpose: r.Purpose, Number: r.Number, Try: r.Try,
	}
}

// FinishMail implements [storage.Outbox].
func (s *Store) FinishMail(ctx context.Context, m storage.Mail, r storage.MailResult, now time.Time) error {
	unknown := 0
	if r.Unknown {
		unknown = 1
	}
	return s.db.Transact(ctx, func(tx Conn) error {
		err := exec(tx, outboxFinish, m.Number, unknown, m.Number, now.UnixMilli(), unknown, millis(r.RetryAt),
			m.Binding, m.ID, m.Try)
		if err != nil {
			return err
		}
		return exec(tx, outboxForget, m.Binding)
	})
}

// Beat implements [storage.Outbox].
func (s *Store) Beat(ctx context.Context, now time.Time) error {
	return exec(s.db.WriteSoon(ctx), beatPut, now.UnixMilli())
}

// LastBeat implements [storage.Outbox].
func (s *Store) LastBeat(ctx context.Context) (time.Time, error) {
	at, ok, err := get[int64](s.db.Read(ctx), beatLast)
	if err != nil || !ok {
		return time.Time{}, err
	}
	return moment(&at), nil
}
