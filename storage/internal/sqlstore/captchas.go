package sqlstore

import (
	"context"
	_ "embed"
	"time"

	"example.com/mailkey/storage"
)

//go:embed queries/captcha_put.sql
var captchaPut string

//go:embed queries/captcha_evict_peer.sql
var captchaEvictPeer string

//go:embed queries/captcha_evict_all.sql
var captchaEvictAll string

//go:embed queries/captcha_take.sql
var captchaTake string

//go:embed queries/captcha_hear.sql
var captchaHear string

type captchaRow struct {
	ID        []byte
	Kind      string
	State     []byte
	Peer      []byte
	ExpiresAt int64 `db:"expires_at"`
}

func (r captchaRow) captcha() storage.Captcha {
	return storage.Captcha{ID: r.ID, Kind: r.Kind, State: r.State, Peer: r.Peer, ExpiresAt: moment(&r.ExpiresAt)}
}

// PutCaptcha implements [storage.Captchas].
func (s *Store) PutCaptcha(ctx context.Context, c storage.Captcha, perPeer, total int) error {
	return s.db.WriteSoon(ctx, func(tx Conn) error {
		seq, _, err := get[int64](tx, captchaPut, c.ID, c.Kind, blob(c.State), blob(c.Peer), c.ExpiresAt.UnixMilli())
		if err != nil {
			return err
		}
		if err := exec(tx, captchaEvictPeer, blob(c.Peer), blob(c.Peer), perPeer); err != nil {
			return err
		}
		return exec(tx, captchaEvictAll, seq-int64(total))
	})
}

// TakeCaptcha implements [storage.Captchas].
func (s *Store) TakeCaptcha(ctx context.Context, id []byte, now time.Time) (c storage.Captcha, ok bool, err error) {
	err = s.db.Write(ctx, func(tx Conn) error {
		row, found, err := get[captchaRow](tx, captchaTake, id)
		c, ok = row.captcha(), found
		return err
	})
	if err != nil || !ok || !now.Before(c.ExpiresAt) {
		return storage.Captcha{}, false, err
	}
	return c, true, nil
}

// HearCaptcha implements [storage.Captchas].
func (s *Store) HearCaptcha(ctx context.Context, id []byte, limit int, now time.Time) (c storage.Captcha, ok bool, err error) {
	err = s.db.WriteSoon(ctx, func(tx Conn) error {
		row, found, err := get[captchaRow](tx, captchaHear, id, now.UnixMilli(), limit)
		c, ok = row.captcha(), found
		return err
	})
	if err != nil || !ok {
		return storage.Captcha{}, false, err
	}
	return c, true, nil
}

// blob makes an empty slice of a nil one, which would be NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
