package captcha

import (
	"context"
	"fmt"

	"example.com/mailkey/internal/failpoint"
	"example.com/mailkey/storage"
)

// Issue makes a challenge of the kind, or of the default kind when that one is
// not enabled. The peer is a key for who asks, such as a keyed hash of the
// client's address; it matters to Config.MaxPerPeer alone.
//
// The error is ErrBusy, the context's, the engine's, or the store's (wrapped).
func (s *Service) Issue(ctx context.Context, kind string, peer []byte) (Challenge, error) {
	e := s.engine(kind)
	if e == nil {
		e = s.cfg.Engines[0]
	}
	var state []byte
	c := Challenge{Kind: e.Kind()}
	err := s.slots.do(ctx, func() (err error) {
		defer contain(&err)
		state, c.Puzzle, err = e.New()
		return err
	})
	if err != nil {
		return Challenge{}, fmt.Errorf("make captcha: %w", err)
	}

	t := newToken()
	sealed, err := t.seal(c.Kind, state)
	if err != nil {
		return Challenge{}, fmt.Errorf("seal captcha: %w", err)
	}
	c.Token = string(t)
	c.ExpiresAt = failpoint.Now().Add(s.cfg.Lifetime)
	err = s.cfg.Store.PutCaptcha(ctx, storage.Captcha{
		ID:        t.id(),
		Kind:      c.Kind,
		State:     sealed,
		Peer:      peer,
		ExpiresAt: c.ExpiresAt,
	}, s.cfg.MaxPerPeer, s.cfg.MaxTotal)
	if err != nil {
		return Challenge{}, fmt.Errorf("put captcha: %w", err)
	}
	return c, nil
}

// Verify spends the challenge with that token and reports whether the answer
// is right. A token that is unknown, expired, spent or malformed is a wrong
// answer. Of parallel calls at most one is told true.
//
// The error is the store's or the engine's (wrapped); then nobody knows whether
// the answer was right, and the challenge may be spent.
func (s *Service) Verify(ctx context.Context, token string, a Answer) (bool, error) {
	t, ok := parseToken(token)
	if !ok {
		return false, nil
	}
	c, ok, err := s.cfg.Store.TakeCaptcha(ctx, t.id(), failpoint.Now())
	if err != nil {
		return false, fmt.Errorf("take captcha: %w", err)
	}
	e := s.engine(c.Kind)
	if !ok || e == nil {
		return false, nil
	}
	state, ok := t.open(c.Kind, c.State)
	if !ok {
		return false, nil
	}
	right, err := check(ctx, e, state, a)
	if err != nil {
		return false, fmt.Errorf("check captcha: %w", err)
	}
	return right, nil
}

// check is the engine's Check, whose panic is an error.
func check(ctx context.Context, e Engine, state []byte, a Answer) (right bool, err error) {
	defer contain(&err)
	return e.Check(ctx, state, a)
}

// Audio returns the challenge as a WAV in the language, a BCP 47 tag, or in
// English when the engine does not speak it. Each playing sounds different. It
// neither spends the challenge nor prolongs its life. ok is false when there is
// no such challenge, when it was played Config.MaxAudio times already, and when
// its kind has no sound.
//
// The error is ErrBusy, the context's, the engine's, or the store's (wrapped).
func (s *Service) Audio(ctx context.Context, token, lang string) (wav []byte, ok bool, err error) {
	t, valid := parseToken(token)
	if !valid {
		return nil, false, nil
	}
	// The slot comes first: who is told ErrBusy has not lost a playing.
	err = s.slots.do(ctx, func() (err error) {
		c, found, err := s.cfg.Store.HearCaptcha(ctx, t.id(), s.cfg.MaxAudio, failpoint.Now())
		if err != nil || !found {
			return err
		}
		e, speaks := s.engine(c.Kind).(AudioEngine)
		state, opened := t.open(c.Kind, c.State)
		if !speaks || !opened {
			return nil
		}
		defer contain(&err)
		wav, err = e.Audio(state, lang)
		ok = err == nil
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("play captcha: %w", err)
	}
	return wav, ok, nil
}
