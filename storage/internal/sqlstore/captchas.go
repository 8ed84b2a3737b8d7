package sqlstore

import (
	"context"
	_ "embed"
	"fmt"
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

// PutCaptcha implements [storage.Captchas]. Room is made when the captcha is
// there for everybody to see: of those who put captchas at once, the last sees
// all of them.
func (s *Store) PutCaptcha(ctx context.Context, c storage.Captcha, perPeer, total int) error {
	db := s.db.WriteSoon(ctx)
	err := exec(db, captchaPut, c.ID, c.Kind, blob(c.State), blob(c.Peer), c.ExpiresAt.UnixMilli())
	if err != nil {
		return err
	}
	err = exec(db, captchaEvictPeer, blob(c.Peer), blob(c.Peer), perPeer)
	if few := int64(max(1, total/100)); err == nil && s.captchas.Add(1)%few == 0 { // it goes through all of them
		err = exec(db, captchaEvictAll, total)
	}
	if err != nil {
		return fmt.Errorf("make room for captchas: %v", err) // not ErrBusy: the captcha was put
	}
	return nil
}

// TakeCaptcha implements [storage.Captchas].
func (s *Store) TakeCaptcha(ctx context.Context, id []byte, now time.Time) (c storage.Captcha, ok bool, err error) {
	row, ok, err := get[captchaRow](s.db.Write(ctx), captchaTake, id)
	if err != nil || !ok || now.UnixMilli() >= row.ExpiresAt {
		return storage.Captcha{}, false, err
	}
	return row.captcha(), true, nil
}

// HearCaptcha implements [storage.Captchas].
func (s *Store) HearCaptcha(ctx context.Context, id []byte, limit int, now time.Time) (c storage.Captcha, ok bool, err error) {
	row, ok, err := get[captchaRow](s.db.WriteSoon(ctx), captchaHear, id, now.UnixMilli(), limit)
	if err != nil || !ok {
		return storage.Captcha{}, false, err
	}
	return row.captcha(), true, nil
}

// blob makes an empty slice of a nil one, which would be NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
