package memory

import (
	"bytes"
	"container/list"
	"context"
	"fmt"
	"slices"
	"time"

	"example.com/mailkey/storage"
)

type captcha struct {
	storage.Captcha
	heard int
	place *list.Element // in Store.captchasByAge
}

// PutCaptcha implements [storage.Captchas].
func (s *Store) PutCaptcha(ctx context.Context, c storage.Captcha, perPeer, total int) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()

	if s.captchas[string(c.ID)] != nil {
		return fmt.Errorf("put captcha: %w", storage.ErrConflict)
	}
	row := &captcha{Captcha: cloneCaptcha(c)}
	row.ExpiresAt = ms(c.ExpiresAt)
	row.place = s.captchasByAge.PushBack(row)
	s.captchas[string(c.ID)] = row
	peer := string(c.Peer)
	s.captchasByPeer[peer] = append(s.captchasByPeer[peer], row)

	for len(s.captchasByPeer[peer]) > perPeer {
		s.dropCaptcha(s.captchasByPeer[peer][0])
	}
	for s.captchasByAge.Len() > total {
		s.dropCaptcha(s.captchasByAge.Front().Value.(*captcha))
	}
	return nil
}

// TakeCaptcha implements [storage.Captchas].
func (s *Store) TakeCaptcha(ctx context.Context, id []byte, now time.Time) (c storage.Captcha, ok bool, err error) {
	if err := s.lock(ctx); err != nil {
		return c, false, err
	}
	defer s.mu.Unlock()

	row := s.captchas[string(id)]
	if row == nil {
		return c, false, nil
	}
	s.dropCaptcha(row)
	if past(row.ExpiresAt, now) {
		return c, false, nil
	}
	return row.Captcha, true, nil
}

// HearCaptcha implements [storage.Captchas].
func (s *Store) HearCaptcha(ctx context.Context, id []byte, limit int, now time.Time) (c storage.Captcha, ok bool, err error) {
	if err := s.lock(ctx); err != nil {
		return c, false, err
	}
	defer s.mu.Unlock()

	row := s.captchas[string(id)]
	if row == nil || past(row.ExpiresAt, now) || row.heard >= limit {
		return c, false, nil
	}
	row.heard++
	return cloneCaptcha(row.Captcha), true, nil
}

func (s *Store) dropCaptcha(c *captcha) {
	delete(s.captchas, string(c.ID))
	s.captchasByAge.Remove(c.place)
	peer := string(c.Peer)
	rest := slices.DeleteFunc(s.captchasByPeer[peer], func(o *captcha) bool { return o == c })
	if len(rest) == 0 {
		delete(s.captchasByPeer, peer)
		return
	}
	s.captchasByPeer[peer] = rest
}

func cloneCaptcha(c storage.Captcha) storage.Captcha {
	c.ID, c.State, c.Peer = bytes.Clone(c.ID), bytes.Clone(c.State), bytes.Clone(c.Peer)
	return c
}
