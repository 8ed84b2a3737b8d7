package storagetest

import (
	"bytes"
	"context"
	"slices"
	"time"

	"example.com/mailkey/storage"
)

const everything = 1 << 30

var brokenCaptchas = []broken{
	{"loses a captcha's state", by("captchas/come back whole"), func(s *tampered) {
		put := s.putCaptcha
		s.putCaptcha = func(ctx context.Context, c storage.Captcha, perPeer, total int) error {
			c.State = bytes.TrimRight(c.State, "\x00\xfe")
			return put(ctx, c, perPeer, total)
		}
	}},
	{"leaves a captcha that was taken", by("captchas/are taken once"), func(s *tampered) {
		s.takeCaptcha = func(ctx context.Context, id []byte, now time.Time) (storage.Captcha, bool, error) {
			return s.HearCaptcha(ctx, id, everything, now)
		}
	}},
	{"looks before it takes a captcha", by("captchas/have one taker"), func(s *tampered) {
		take, meet := s.takeCaptcha, meeting()
		s.takeCaptcha = func(ctx context.Context, id []byte, now time.Time) (storage.Captcha, bool, error) {
			c, ok, _ := s.HearCaptcha(ctx, id, everything, now)
			meet()
			_, _, err := take(ctx, id, now)
			return c, ok, err
		}
	}},
	{"finds any captcha", by("captchas/are not invented"), func(s *tampered) {
		take := s.takeCaptcha
		s.takeCaptcha = func(ctx context.Context, id []byte, now time.Time) (storage.Captcha, bool, error) {
			c, _, err := take(ctx, id, now)
			return c, true, err
		}
	}},
	{"takes a captcha when it expires", by("captchas/expire"), takeCaptchaAt(-tick)},
	{"lets a captcha expire early", by("captchas/expire"), takeCaptchaAt(+tick)},
	{"takes a captcha after it expired", by("captchas/expire", "captchas/are heard and answered"), takeCaptchaAt(-2 * hour)},
	{"hears a captcha when it expires", by("captchas/expire"), func(s *tampered) {
		hear := s.hearCaptcha
		s.hearCaptcha = func(ctx context.Context, id []byte, limit int, now time.Time) (storage.Captcha, bool, error) {
			return hear(ctx, id, limit, now.Add(-tick))
		}
	}},
	{"rounds the end of a captcha up", by("captchas/expire"), func(s *tampered) {
		put := s.putCaptcha
		s.putCaptcha = func(ctx context.Context, c storage.Captcha, perPeer, total int) error {
			c.ExpiresAt = c.ExpiresAt.Add(2*tick - 1)
			return put(ctx, c, perPeer, total)
		}
	}},
	{"keeps one captcha of a peer too many", by("captchas/are bounded per peer"), bounds(func(perPeer, total int) (int, int) { return perPeer + 1, total })},
	{"bounds the peers together", by("captchas/are bounded per peer"), bounds(func(perPeer, _ int) (int, int) { return perPeer, perPeer })},
	{"keeps one captcha too many", by("captchas/are bounded in all"), bounds(func(perPeer, total int) (int, int) { return perPeer, total + 1 })},
	{"keeps some captchas too many of many", by("captchas/are bounded in all when there are many"), bounds(func(perPeer, total int) (int, int) { return perPeer, total + total/40 })},
	{"counts captchas that were taken", by("captchas/are bounded by those that wait"), func(s *tampered) {
		taken, take, put := 0, s.takeCaptcha, s.putCaptcha
		s.takeCaptcha = func(ctx context.Context, id []byte, now time.Time) (storage.Captcha, bool, error) {
			taken++
			return take(ctx, id, now)
		}
		s.putCaptcha = func(ctx context.Context, c storage.Captcha, perPeer, total int) error {
			return put(ctx, c, perPeer, max(1, total-taken))
		}
	}},
	{"counts captchas before it puts one", by("captchas/are bounded when put at once", "captchas/are bounded in all when put at once"), func(s *tampered) {
		put, meet := s.putCaptcha, meeting()
		var ids [][]byte
		s.putCaptcha = func(ctx context.Context, c storage.Captcha, perPeer, total int) error {
			var before [][]byte
			s.locked(func() { before = slices.Clone(ids) })
			meet()
			s.locked(func() { ids = append(ids, c.ID) })
			for _, old := range before[:max(0, len(before)+1-min(perPeer, total))] {
				_, _, _ = s.TakeCaptcha(ctx, old, start)
			}
			return put(ctx, c, everything, everything)
		}
	}},
	{"lets a captcha be heard once more", by("captchas/are heard up to the limit", "captchas/are heard at once"), func(s *tampered) {
		hear := s.hearCaptcha
		s.hearCaptcha = func(ctx context.Context, id []byte, limit int, now time.Time) (storage.Captcha, bool, error) {
			return hear(ctx, id, limit+1, now)
		}
	}},
	{"counts playings before it plays", by("captchas/are heard at once"), func(s *tampered) {
		hear, meet, played := s.hearCaptcha, meeting(), 0
		s.hearCaptcha = func(ctx context.Context, id []byte, limit int, now time.Time) (c storage.Captcha, ok bool, err error) {
			before := 0
			s.locked(func() { before = played })
			meet()
			if before >= limit {
				return c, false, nil
			}
			s.locked(func() { played = before + 1 })
			return hear(ctx, id, everything, now)
		}
	}},
	{"takes a captcha that is heard", by("captchas/are heard and answered"), func(s *tampered) {
		s.hearCaptcha = func(ctx context.Context, id []byte, _ int, now time.Time) (storage.Captcha, bool, error) {
			return s.TakeCaptcha(ctx, id, now)
		}
	}},
	{"prolongs a captcha that is heard", by("captchas/are heard and answered"), func(s *tampered) {
		s.hearCaptcha = func(ctx context.Context, id []byte, _ int, now time.Time) (storage.Captcha, bool, error) {
			c, ok, err := s.TakeCaptcha(ctx, id, now)
			if c.ExpiresAt = c.ExpiresAt.Add(minute); ok {
				err = s.PutCaptcha(ctx, c, 99, 99)
			}
			return c, ok, err
		}
	}},
	{"shares the captcha that was put", by("captchas/are not shared"), func(s *tampered) {
		put, take := s.putCaptcha, s.takeCaptcha
		kept := make(map[string]storage.Captcha)
		s.putCaptcha = func(ctx context.Context, c storage.Captcha, perPeer, total int) error {
			s.locked(func() { kept[string(c.ID)] = c })
			return put(ctx, c, perPeer, total)
		}
		s.takeCaptcha = func(ctx context.Context, id []byte, now time.Time) (c storage.Captcha, ok bool, err error) {
			_, ok, err = take(ctx, id, now)
			s.locked(func() { c = kept[string(id)] })
			return c, ok, err
		}
	}},
}

func takeCaptchaAt(shift time.Duration) func(*tampered) {
	return func(s *tampered) {
		take := s.takeCaptcha
		s.takeCaptcha = func(ctx context.Context, id []byte, now time.Time) (storage.Captcha, bool, error) {
			return take(ctx, id, now.Add(shift))
		}
	}
}

func bounds(change func(perPeer, total int) (int, int)) func(*tampered) {
	return func(s *tampered) {
		put := s.putCaptcha
		s.putCaptcha = func(ctx context.Context, c storage.Captcha, perPeer, total int) error {
			perPeer, total = change(perPeer, total)
			return put(ctx, c, perPeer, total)
		}
	}
}
